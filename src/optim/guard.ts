import { where } from '../ops/elementwise.ts'
import '../ops/methods.ts'
import type { Update } from '../program/program.ts'
import { sameShape } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * Updates that take effect all together, or not at all: where the i32 scalar `active` is 0, or an f32 element would not be
 * finite. `made` is 1 where they take effect.
 */
export function allOrNone(updates: readonly Update[], active: Tensor): { updates: Update[]; made: Tensor } {
  // 1 for finite elements; values of one shape share one tensor, and so one reduction
  const finite: Tensor[] = []
  for (const [, value] of updates) {
    if (value.dtype !== 'f32') continue
    const at = finite.findIndex(({ shape }) => sameShape(shape, value.shape))
    if (at < 0) finite.push(value.isFinite())
    else finite[at] = finite[at].mul(value.isFinite())
  }
  const made = finite.reduce((made, flags) => made.mul(flags.sub(1).sum().equal(0)), active)
  return { updates: updates.map(([variable, value]) => [variable, where(made, value, variable)]), made }
}
