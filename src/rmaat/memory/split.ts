import { where } from '../../ops/elementwise.ts'
import { iota } from '../../ops/entry.ts'
import type { MemoryUpdate } from './update.ts'

/** Ours: the first half of the slots is additive (m + RF m'), the other half is replaced (m'). */
export const split: MemoryUpdate = {
  coefficients: ({ retention, memory }) => {
    const slots = memory.shape[1]
    const adds = iota([slots, 1], 0).less(Math.floor(slots / 2))
    return { keep: where(adds, 1, 0).cast('f32'), write: where(adds, retention, 1) }
  },
}
