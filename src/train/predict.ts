import { aCount, anAbortSignal, maybe, takes, takesOptions } from '../checks.ts'
import { aModel, forwardOf, layoutOf, type Model } from '../nn/model.ts'
import type { HostArray } from '../program/device.ts'
import { compile } from '../program/program.ts'
import { type Examples, groups } from '../tasks/task.ts'
import { someExamples } from './evaluate.ts'

/** How `predict` goes over examples. */
export interface PredictOptions {
  readonly batch?: number
  /** May differ from the number that the model was trained on. */
  readonly segments?: number
  /** Ends it after the batch that is under way. */
  readonly signal?: AbortSignal
}

const kinds = { batch: maybe(aCount), segments: maybe(aCount), signal: maybe(anAbortSignal) }

/**
 * What a model predicts of examples, one after another in their order: of each its row of `Forward.predicted`, the logits [classes]
 * or the numbers; of a model that answers at every token those at every place, padding too. The examples are those that the model's
 * layout takes: one without an answer yet has any, such as the label 0, which changes nothing.
 * @throws RmaatError 'data' for an example that the model does not take
 */
export async function* predict<Example extends object>(
  model: Model<Example>,
  examples: Examples<Example> | readonly Example[],
  options: PredictOptions = {},
): AsyncGenerator<HostArray, void> {
  takes('predict', { model, examples }, { model: aModel, examples: someExamples })
  takesOptions('predict', options, kinds)
  const { segments, signal } = options
  const batch = Math.min(options.batch ?? 100, examples.length)
  const layout = layoutOf(model, batch, segments)
  const program = compile(
    model.device,
    layout.inputs,
    (inputs) => forwardOf(model, inputs, { method: 'amrb', prepared: model.prepare?.() }).predicted,
  )
  try {
    for (const part of groups(examples, batch)) {
      if (signal?.aborted) return
      const found = await program.arrays(layout.values(part))
      const each = found.length / batch
      for (let row = 0; row < part.length; row++) yield found.slice(row * each, (row + 1) * each)
      await new Promise((resolve) => setTimeout(resolve, 0)) // signals, timers and a page get their turn
    }
  } finally {
    program.close()
  }
}
