import { slicesOf, sumOverSlices } from '../autograd/slices.ts'
import { aCount, aFunction, anAbortSignal, kind, maybe, takes, takesOptions } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { aModel, forwardOf, layoutOf, type Model } from '../nn/model.ts'
import type { HostArray } from '../program/device.ts'
import { compile } from '../program/program.ts'
import { type Examples, groups } from '../tasks/task.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** How well a model answers examples. */
export interface Evaluation {
  /**
   * The share that is answered right, of models that tell classes apart, else NaN; where a model answers at every token the
   * mean over the examples of that share.
   */
  readonly accuracy: number
  /** The mean over all answers. */
  readonly loss: number
  readonly examples: number
  /** What always answering the most frequent class would reach; of examples with a label, else NaN. */
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

export const someExamples = kind(
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
 * Accuracy and mean loss over examples. Where a model says how many segments are enough for an example, those that need as
 * many are tested together, and what is padding alone is not computed.
 * @throws RmaatError 'diverged' where the loss is not finite: no answer of the model means anything then
 */
export async function evaluate<Example extends object>(
  model: Model<Example>,
  examples: Examples<Example> | readonly Example[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  takes('evaluate', { model, examples }, { model: aModel, examples: someExamples })
  takesOptions('evaluate', options, evaluateKinds)
  const { segments, progress, signal } = options
  const { device, rowBytes = 0 } = model
  const batch = Math.min(options.batch ?? 100, examples.length) // more rows than that would be computed for nothing
  const make = (segments: number | undefined) => {
    const layout = layoutOf(model, batch, segments)
    const program = compile(device, layout.inputs, (inputs) => {
      const prepared = model.prepare?.()
      // each leaves two numbers to be added up
      return sumOverSlices(
        inputs,
        slicesOf(batch, rowBytes, 2, device.backend.sliceBytes),
        (rows): Readonly<Record<string, Tensor>> => {
          const { loss, correct } = forwardOf(model, rows, { method: 'amrb', prepared })
          return correct ? { loss, correct } : { loss }
        },
      )
    })
    return { layout, program }
  }
  /** By the number of segments. */
  const made = new Map<number | undefined, ReturnType<typeof make>>()
  let correct = 0
  let total = 0
  let done = 0
  let answers = 0
  /** How often each class is asked for. */
  const counts = new Map<number, number>()
  try {
    for (const { part, segments: needed } of batchesOf(model, examples, batch, segments)) {
      if (signal?.aborted) break
      const { layout, program } = made.get(needed) ?? make(needed)
      made.set(needed, { layout, program })
      const results: Readonly<Record<string, HostArray>> = await program.arrays(layout.values(part))
      const [loss] = results.loss
      if (!Number.isFinite(loss)) {
        throw new RmaatError(
          'diverged',
          `evaluate: the loss of ${part.length} examples behind ${done} others is ${loss}: expected a model with finite logits`,
        )
      }
      correct += results.correct?.[0] ?? Number.NaN
      done += part.length
      const asked = part.flatMap(
        (example) => model.asks?.(example) ?? ('label' in example ? [example.label as number] : []),
      )
      for (const label of asked) counts.set(label, 1 + (counts.get(label) ?? 0))
      const weight = model.asks ? asked.length : part.length
      total += loss * weight
      answers += weight
      progress?.(done)
      await new Promise((resolve) => setTimeout(resolve, 0)) // signals, timers and a page get their turn
    }
  } finally {
    for (const { program } of made.values()) program.close()
  }
  return {
    accuracy: correct / done,
    loss: total / answers,
    examples: done,
    majority: counts.size ? Math.max(...counts.values()) / [...counts.values()].reduce((a, b) => a + b) : Number.NaN,
  }
}

/**
 * The examples in batches of such as need equally many segments. What is left over in the end comes together, those that need
 * the fewest first.
 */
function* batchesOf<Example extends object>(
  model: Model<Example>,
  examples: Iterable<Example>,
  batch: number,
  segments: number | undefined,
): Generator<{ readonly part: Example[]; readonly segments: number | undefined }> {
  const waiting = new Map<number | undefined, Example[]>()
  for (const example of examples) {
    const needed = model.enoughSegments?.(example, segments) ?? segments
    const part = waiting.get(needed) ?? []
    part.push(example)
    waiting.set(needed, part)
    if (part.length < batch) continue
    waiting.delete(needed)
    yield { part, segments: needed }
  }
  const left = [...waiting].sort(([a = 0], [b = 0]) => a - b)
  const rest = left.flatMap(([segments, part]) => part.map((example) => ({ example, segments })))
  for (const part of groups(rest, batch)) {
    yield { part: part.map(({ example }) => example), segments: part[part.length - 1].segments }
  }
}
