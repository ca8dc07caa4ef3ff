import { listops } from './listops.ts'
import { add, cue, order } from './synthetic.ts'
import { text } from './text.ts'

export { bestConstantPerRoot } from './listops.ts'
export { LONG_RANGE_ARENA } from './listops-generator.ts'
export {
  type Batch,
  type BatchShape,
  batchOf,
  type Example,
  type Examples,
  epochs,
  groups,
  majority,
  type Task,
  take,
} from './task.ts'

/** Every task by its name: functions from settings to a Task, or to the promise of one where files may be read. */
export const tasks = { cue, order, add, listops, text } as const

export type TaskName = keyof typeof tasks
