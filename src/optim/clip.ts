import { positive, takes } from '../checks.ts'
import { div, minimum, where } from '../ops/elementwise.ts'
import '../ops/methods.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** What a gradient is multiplied by where the sum of its squares overflows: a power of two, so that no digit is lost. */
const SHRINK = 2 ** -80

/**
 * Scales a gradient vector down to the norm `limit`. `finite` is 0 where its norm is no finite number: the step must then
 * be left out, for one bad row would spoil all parameters.
 */
export function clipByNorm(gradient: Tensor, limit: number): { gradient: Tensor; norm: Tensor; finite: Tensor } {
  takes('clipByNorm', { gradient, limit }, { gradient: aTensor, limit: positive })
  const [sum, sumOfSmall] = [gradient, gradient.mul(SHRINK)].map((x) => x.square().sum())
  const fits = sum.isFinite()
  const [shrink, grow] = [where(fits, 1, SHRINK), where(fits, 1, 1 / SHRINK)]
  const length = where(fits, sum, sumOfSmall).sqrt()
  const factor = minimum(grow, div(limit, length.add(shrink.mul(1e-6))))
  const norm = length.mul(grow)
  return { gradient: gradient.mul(shrink).mul(factor), norm, finite: norm.isFinite() }
}
