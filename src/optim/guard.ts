import { where } from '../ops/elementwise.ts'
import '../ops/methods.ts'
import type { Update } from '../program/program.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * Updates of variables of one shape that are made all together or, where the i32 scalar `active` is 0 or any element of
 * them would not be finite, not at all. `made` is 1 where they are.
 */
export function allOrNone(updates: readonly Update[], active: Tensor): { updates: Update[]; made: Tensor } {
  const finite = updates.map(([, value]) => value.isFinite()).reduce((all, each) => all.mul(each))
  const made = active.mul(finite.sub(1).sum().equal(0))
  return { updates: updates.map(([variable, value]) => [variable, where(made, value, variable)]), made }
}
