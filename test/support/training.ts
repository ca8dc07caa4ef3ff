import type { Model } from '../../src/nn/model.ts'
import type { Device } from '../../src/program/device.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { tasks } from '../../src/tasks/index.ts'
import type { StepEvent } from '../../src/train/events.ts'
import { type Training, type TrainOptions, train } from '../../src/train/train.ts'
import { tiny } from './model.ts'

/** A task that a small model trains on in no time, and such a model. */
export const cue = tasks.cue({ segments: 2, segmentLength: 4 })
export const cueModel = (device: Device): Rmaat =>
  new Rmaat(device, { ...tiny, segments: 2, vocabulary: cue.vocabulary, classes: cue.classes })

/** The events of a training's steps. */
export async function stepsOf<Example extends object>(
  model: Model<Example>,
  task: Training<Example>,
  options: Partial<TrainOptions>,
): Promise<StepEvent[]> {
  const events: StepEvent[] = []
  for await (const event of train(model, task, options)) if (event.kind === 'step') events.push(event)
  return events
}
