import { einsum } from '../../ops/contraction.ts'
import { where } from '../../ops/elementwise.ts'
import type { Attention } from './attention.ts'

/** What a masked score becomes: far below any other, and finite. */
const MASKED = -1e30

/** Scaled dot products (Vaswani et al. 2017); quadratic in the number of tokens. */
export const softmax: Attention = {
  parameters: () => ({}),
  prepare: () => undefined,
  attend: ({ query, key, value, valid }, { features }) => {
    const [rows, tokens] = valid.shape
    const scores = einsum('bnhm,bjhm->bhnj', query, key).mul(features ** -0.5)
    const seen = valid.greater(0).reshape([rows, 1, 1, tokens])
    return einsum('bhnj,bjhv->bnhv', where(seen, scores, MASKED).softmax(), value)
  },
}
