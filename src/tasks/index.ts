import { bytes, bytesAbout } from './bytes.ts'
import { image, imageAbout } from './image.ts'
import { listops, listopsAbout } from './listops.ts'
import { pathfinder, pathfinderAbout } from './pathfinder.ts'
import { copy, copyAbout, mqar, mqarAbout, selectiveCopy, selectiveCopyAbout } from './recall.ts'
import { retrieval, retrievalAbout } from './retrieval.ts'
import type { About } from './settings.ts'
import { add, addAbout, cue, cueAbout, order, orderAbout } from './synthetic.ts'
import { text, textAbout } from './text.ts'
import { parity, parityAbout, s3, s3About } from './tracking.ts'

export { type Batch, type BatchShape, batchOf } from './batch.ts'
export { bestConstantPerRoot } from './listops.ts'
export { LONG_RANGE_ARENA } from './listops-generator.ts'
export type { About, SettingsOf } from './settings.ts'
export {
  type Example,
  type Examples,
  epochs,
  groups,
  majority,
  type Task,
  take,
} from './task.ts'

/** Every task by its name: functions from settings to a Task, or to the promise of one where files may be read. */
export const tasks = {
  cue,
  order,
  add,
  mqar,
  copy,
  'selective-copy': selectiveCopy,
  parity,
  s3,
  listops,
  text,
  retrieval,
  image,
  pathfinder,
  bytes,
} as const

export type TaskName = keyof typeof tasks

/** What there is to know of each task before it is made: source, sizes, chance, licence, and its settings with their ranges. */
export const abouts = {
  cue: cueAbout,
  order: orderAbout,
  add: addAbout,
  mqar: mqarAbout,
  copy: copyAbout,
  'selective-copy': selectiveCopyAbout,
  parity: parityAbout,
  s3: s3About,
  listops: listopsAbout,
  text: textAbout,
  retrieval: retrievalAbout,
  image: imageAbout,
  pathfinder: pathfinderAbout,
  bytes: bytesAbout,
} as const satisfies Record<TaskName, About>
