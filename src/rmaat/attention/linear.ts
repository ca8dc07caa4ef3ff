import { linearAttention } from '../../nn/attention.ts'
import type { Attention } from './attention.ts'

/** Linear attention (Katharopoulos et al. 2020): phi(Q) phi(K)^T V, each token's divided by phi(q) sum phi(k). */
export const linear: Attention = {
  parameters: () => ({}),
  prepare: () => undefined,
  attend: ({ query, key, value, valid }, { causal }) => linearAttention(query, key, value, { causal, valid }),
}
