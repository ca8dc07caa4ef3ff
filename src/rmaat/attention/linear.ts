import { linearAttention } from '../../nn/attention.ts'
import type { Attention } from './attention.ts'

/** Linear attention (Katharopoulos et al. 2020): phi(Q) phi(K)^T V, divided by its row sums. */
export const linear: Attention = {
  parameters: () => ({}),
  prepare: () => undefined,
  attend: ({ query, key, value, valid }) => linearAttention(query, key, value, { valid }),
}
