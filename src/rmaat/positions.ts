import { einsum } from '../ops/contraction.ts'
import { scan } from '../ops/scan.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * The astrocyte's relative positional encoding: r_ij = exp(-|i - j| scale) [N, N], projected by a learned basis to
 * R = basis^T (basis P basis^T). basis [h, m, N], scale a scalar -> R [h, N, m]. (RMAAT section 3.2; the projection is
 * that of Astromorphic Transformers, section III-D.) r decays by the same factor with every token, so that two scans do without
 * its N x N numbers. Causal, r_ij = 0 for the later tokens j > i, and one scan is enough.
 */
export function positions(basis: Tensor, scale: Tensor, causal = false): Tensor {
  // basis P: what comes from the left and from the right, each fading by exp(-scale) a token; a token itself comes in both.
  // What token j gives the tokens i >= j comes from the right
  const fade = scale.neg().exp()
  const [left, right] = [false, true].map((reverse) => scan(fade, basis, { axis: 2, reverse }))
  const mixed = causal ? right : left.add(right).sub(basis)
  const edges = einsum('hmj,hkj->hmk', mixed, basis)
  return einsum('hmn,hmk->hnk', basis, edges)
}
