import { positive, takes } from '../checks.ts'
import { div, minimum } from '../ops/elementwise.ts'
import '../ops/methods.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * Scales a gradient vector down to the norm `limit`. `finite` is 0 where its norm is none: the step must then be left
 * out, for one bad row would spoil all parameters.
 */
export function clipByNorm(gradient: Tensor, limit: number): { gradient: Tensor; norm: Tensor; finite: Tensor } {
  takes('clipByNorm', { gradient, limit }, { gradient: aTensor, limit: positive })
  const norm = gradient.square().sum().sqrt()
  return { gradient: gradient.mul(minimum(1, div(limit, norm.add(1e-6)))), norm, finite: norm.isFinite() }
}
