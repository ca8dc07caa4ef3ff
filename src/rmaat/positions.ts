import { einsum } from '../ops/contraction.ts'
import { iota } from '../ops/row.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * Relative positions as the astrocyte sees them: r_ij = exp(-|i - j| scale) [N, N], projected by a learned basis to
 * R = basis^T (basis P basis^T). basis [h, m, N], scale a scalar -> R [h, N, m]. (RMAAT section 3.2; the projection is
 * that of Astromorphic Transformers, section III-D.)
 */
export function positions(basis: Tensor, scale: Tensor): Tensor {
  const n = basis.shape[2]
  const distance = iota([n, n], 0)
    .sub(iota([n, n], 1))
    .abs()
    .cast('f32')
  const kernel = distance.mul(scale).neg().exp()
  const mixed = einsum('hmi,ij->hmj', basis, kernel)
  const edges = einsum('hmj,hkj->hmk', mixed, basis)
  return einsum('hmn,hmk->hnk', basis, edges)
}
