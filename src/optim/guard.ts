import { where } from '../ops/elementwise.ts'
import '../ops/methods.ts'
import type { Update } from '../program/program.ts'
import { sameShape } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * Updates that are made all together or, where the i32 scalar `active` is 0 or any f32 element of them would not be finite,
 * not at all. `made` is 1 where they are.
 */
export function allOrNone(updates: readonly Update[], active: Tensor): { updates: Update[]; made: Tensor } {
  // those of one shape are looked at together
  const looks: Tensor[] = []
  for (const [, value] of updates) {
    if (value.dtype !== 'f32') continue
    const at = looks.findIndex(({ shape }) => sameShape(shape, value.shape))
    if (at < 0) looks.push(value.isFinite())
    else looks[at] = looks[at].mul(value.isFinite())
  }
  const made = looks.reduce((made, finite) => made.mul(finite.sub(1).sum().equal(0)), active)
  return { updates: updates.map(([variable, value]) => [variable, where(made, value, variable)]), made }
}
