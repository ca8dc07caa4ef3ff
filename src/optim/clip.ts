import { positive, takes } from '../checks.ts'
import { div } from '../ops/binary.ts'
import { where } from '../ops/elementwise.ts'
import '../ops/methods.ts'
import type { Scalar } from '../ops/methods.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** The factor of a gradient whose sum of squares overflows: a power of two, so that the product is exact. */
const SHRINK = 2 ** -80

/**
 * Clips a gradient vector to the norm `limit` (Pascanu et al. 2013). `norm` is that before clipping; `finite` is 0 where it is
 * no finite number: such a step must be skipped, since it would overwrite all parameters with NaN.
 */
export function clipByNorm(gradient: Tensor, limit: number): { gradient: Tensor; norm: Scalar; finite: Scalar } {
  takes('clipByNorm', { gradient, limit }, { gradient: aTensor, limit: positive })
  const [sum, sumOfSmall] = [gradient, gradient.mul(SHRINK)].map((x) => x.square().sum())
  const fits = sum.isFinite()
  const [shrink, grow] = [where(fits, 1, SHRINK), where(fits, 1, 1 / SHRINK)]
  const length = where(fits, sum, sumOfSmall).sqrt()
  const factor = grow.minimum(div(limit, length.add(shrink.mul(1e-6))))
  const norm = length.mul(grow)
  return { gradient: gradient.mul(shrink).mul(factor), norm, finite: norm.isFinite() }
}
