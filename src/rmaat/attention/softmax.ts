import { softmaxAttention } from '../../nn/attention.ts'
import type { Attention } from './attention.ts'

/** Scaled dot products (Vaswani et al. 2017); quadratic in the number of tokens. */
export const softmax: Attention = {
  parameters: () => ({}),
  prepare: () => undefined,
  attend: ({ query, key, value, valid }, { causal }) => softmaxAttention(query, key, value, { causal, valid }),
}
