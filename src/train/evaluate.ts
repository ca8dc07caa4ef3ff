import { aCount, aFunction, anAbortSignal, kind, maybe, takes, takesOptions } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { compile } from '../program/program.ts'
import { aModel, batchInputs, type Rmaat } from '../rmaat/model.ts'
import { batchOf, type Examples, groups, majority } from '../tasks/task.ts'
import { modelInputs } from './batch.ts'
import { slicesOf, sumOverSlices } from './slices.ts'
import { countCorrect } from './step.ts'

/** How well a model answers examples. */
export interface Evaluation {
  readonly accuracy: number
  readonly loss: number
  readonly examples: number
  /** What always answering the most frequent class would reach. */
  readonly majority: number
}

export interface EvaluateOptions {
  readonly batch?: number
  /** May differ from the number that the model was trained on. */
  readonly segments?: number
  /** Hears after each batch how many examples are done. */
  readonly progress?: (done: number) => void
  /** Ends it after the batch that is under way; the result is then over the examples done so far. */
  readonly signal?: AbortSignal
}

const someExamples = kind(
  'a list of at least one example',
  (value) => typeof value === 'object' && value !== null && Symbol.iterator in value && (value as Examples).length > 0,
)
const evaluateKinds = {
  batch: maybe(aCount),
  segments: maybe(aCount),
  progress: maybe(aFunction),
  signal: maybe(anAbortSignal),
}

/**
 * Accuracy and mean loss over examples.
 * @throws RmaatError 'diverged' where the loss is not finite: no answer of the model means anything then
 */
export async function evaluate(model: Rmaat, examples: Examples, options: EvaluateOptions = {}): Promise<Evaluation> {
  takes('evaluate', { model, examples }, { model: aModel, examples: someExamples })
  takesOptions('evaluate', options, evaluateKinds)
  const { segmentLength, vocabulary, classes } = model.config
  const { segments = model.config.segments, progress, signal } = options
  const batch = Math.min(options.batch ?? 100, examples.length) // more rows than that would be computed for nothing
  const sizes = { segments, segmentLength }
  const program = compile(model.device, batchInputs(batch, sizes), (inputs) => {
    const prepared = model.prepare()
    // each leaves two numbers to be added up
    const slices = slicesOf(model.config, batch, 2, model.device.backend.sliceBytes)
    const [total, right] = sumOverSlices(inputs, slices, (rows, slice) => {
      const { loss, logits } = model.forward(rows, { method: 'amrb', prepared, slice })
      return [loss, countCorrect(logits, rows)]
    })
    return { loss: total, correct: right }
  })
  let correct = 0
  let loss = 0
  let done = 0
  const labels: { readonly label: number }[] = []
  try {
    for (const part of groups(examples, batch)) {
      if (signal?.aborted) break
      const results = await program.run(
        modelInputs(batchOf(part, { ...sizes, vocabulary, classes, batch }), sizes, model.config.retention),
      )
      if (!Number.isFinite(results.loss)) {
        throw new RmaatError(
          'diverged',
          `evaluate: the loss of the examples ${done} to ${done + part.length - 1} is ${results.loss}: expected a model with finite logits`,
        )
      }
      correct += results.correct
      loss += results.loss * part.length
      done += part.length
      for (const { label } of part) labels.push({ label })
      progress?.(done)
      await new Promise((resolve) => setTimeout(resolve, 0)) // signals, timers and a page get their turn
    }
  } finally {
    program.close()
  }
  return {
    accuracy: correct / done,
    loss: loss / done,
    examples: done,
    majority: majority(labels, classes).share,
  }
}
