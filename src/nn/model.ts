import { aCount, aFunction, anObject, kind, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { Device } from '../program/device.ts'
import type { HostInputs, InputSpec } from '../program/program.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Parameters } from './parameters.ts'

/**
 * How the gradient of a model's loop is found:
 * - `amrb`: by memory replay (RMAAT section 3.4), which keeps the carries and computes each step again;
 * - `bptt`: by backpropagation through time, which keeps all activations; the same gradient;
 * - `truncated`: through the last steps before each loss alone; another gradient, which sees no further back.
 */
export type Method = (typeof methods)[number]
export const methods = ['amrb', 'bptt', 'truncated'] as const

/** How the gradient of a model's loop is found. */
export interface Backward {
  /** A model without a loop does the same by all of them. */
  readonly method: Method
  /**
   * Of `amrb` and `truncated`: how many of the last steps keep their activations all the same, less than there are; 0 where
   * none is given.
   */
  readonly keep?: number
  /**
   * Of `amrb` and `truncated`: how many intermediate values of each of the other steps the gradient holds, see `loop`; 0 where
   * none is given.
   */
  readonly hold?: number
  /** Of `truncated`: through how many steps the gradient flows back, that of the loss included: all of them at most. */
  readonly reach?: number
}

/**
 * What does not go together of how a loop of so many segments is to be differentiated, in words; undefined where all does. A
 * model without a loop has no number of segments. A `memoryBudget`, of the command, says what is kept and held.
 */
export function wrongBackward(
  { method = 'amrb', keep, hold, reach, memoryBudget }: Partial<Backward> & { readonly memoryBudget?: string },
  segments: number | undefined,
): string | undefined {
  const given = Object.entries({ memoryBudget, keep, hold, reach }).find(([, value]) => value) // 0 is none
  const is = given?.join(' is ')
  if (segments === undefined) return is && `${is}, but the model has no segments to replay; expected none`
  if (method === 'truncated' && reach === undefined)
    return 'the method is truncated and reach is missing; it says how many segments the gradient flows back through'
  if (method !== 'truncated' && reach !== undefined)
    return `reach is ${reach}, but the method is ${method}; expected the method truncated, or no reach`
  if (keep !== undefined && keep >= segments)
    return `keep is ${keep}; expected less than the number of segments, ${segments}`
  if (reach !== undefined && reach > segments)
    return `reach is ${reach}; expected at most the number of segments, ${segments}`
  return method === 'bptt' ? is && `${is}, but the method is bptt, which keeps everything; expected none` : undefined
}

/** What an example of a sequence has. */
export interface Sequence {
  /** Token ids without padding. */
  readonly tokens: ArrayLike<number>
}

/** The inputs of a program by name. */
export type ModelSpecs = Readonly<Record<string, InputSpec>>

/** How examples become the inputs of a program. */
export interface Layout<Example extends object> {
  /** The first axis of each counts the rows of the batch, an example a row. */
  readonly inputs: ModelSpecs
  /**
   * Their values. Where there are fewer examples than rows, the others are rows that weigh nothing.
   * @throws RmaatError 'data' for an example that the model does not take
   */
  values(examples: readonly Example[]): HostInputs<ModelSpecs>
}

/** How `forward` is to be computed. */
export interface ForwardOptions extends Backward {
  /** The number of the training step, which dropout counts by; without it nothing is dropped. */
  readonly step?: Tensor
  /** What `prepare` made, where it is computed once for several slices of a batch. */
  readonly prepared?: readonly Tensor[]
}

/** What `forward` gives. */
export interface Forward {
  /** The sum over the rows of the loss of each times its weight, which is its share of the batch: a scalar. */
  readonly loss: Tensor
  /** Logits, or numbers. */
  readonly predicted: Tensor
  /** Where classes are told apart: the sum over the rows that weigh something of the share of its targets that are met. */
  readonly correct?: Tensor
  /**
   * The carry of the model's loop as it enters each step, in order: tensors [B, ...], or the record of several, [count, B,
   * ...]; at last the one that leaves the loop, [B, ...]. A gradient can be taken with respect to each of them. `trace` asks
   * for them.
   */
  readonly carries?: readonly Tensor[]
}

/** What stands between a model and all that trains, tests, explains and compares it. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever examples
export interface Model<Example extends object = any> {
  readonly device: Device
  // biome-ignore lint/suspicious/noExplicitAny: of whatever tree
  readonly parameters: Parameters<any>
  /** What its formula depends on beside them, simple values by name: a training goes on only where they are the same. */
  readonly config?: object
  /** Bytes of an activation of one row: a batch is cut into slices whose activations stay in a cache. Without it, it is not. */
  readonly rowBytes?: number
  /**
   * The layout of a batch of so many rows. `segments`: into how many segments a sequence is cut, where that is another number
   * than the model's own; of models that read segments.
   */
  layout(rows: number, segments?: number): Layout<Example>
  /**
   * How many segments, of as many as are asked for or the model has, give the same answer for an example as all of them: those
   * before it are padding. Of models that read segments.
   */
  enoughSegments?(example: Example, segments?: number): number
  /**
   * The classes that an example asks it for, where its layout weighs each answer of a batch alike; of models that answer at
   * every token. Without it an example is one answer.
   */
  asks?(example: Example): readonly number[]
  /** Throws where a task is none for this model. @throws RmaatError 'config' */
  checkTask?(task: object): void
  /** What does not depend on the inputs: computed once for all slices of a batch. */
  prepare?(): readonly Tensor[]
  /** Loss and predictions of a batch or of a slice of it, as a formula. */
  forward(inputs: Readonly<Record<string, Tensor>>, options: ForwardOptions): Forward
}

export const aModel = kind('a model', (value) => {
  if (!anObject.fits(value)) return false
  const { parameters, layout, forward } = value as Partial<Model>
  return parameters instanceof Parameters && aFunction.fits(layout) && aFunction.fits(forward)
})

const aScalar = kind('an f32 scalar', (value) => aTensor.fits(value) && (value as Tensor).rank === 0)

/** A model's layout, which must be one. */
export function layoutOf<Example extends object>(
  model: Model<Example>,
  rows: number,
  segments?: number,
): Layout<Example> {
  takes('the model', { rows }, { rows: aCount })
  const layout = model.layout(rows, segments)
  takes('the model', { layout }, { layout: anObject })
  const { inputs, values } = layout
  takes("the model's layout", { inputs, values }, { inputs: anObject, values: aFunction })
  for (const [name, { shape }] of Object.entries(inputs))
    if (shape[0] !== rows)
      throw new RmaatError(
        'config',
        `the model's layout of ${rows} rows: the input ${name} is ${shown(shape)}; expected its first axis to count the rows`,
      )
  return layout
}

/** A model's forward pass, which must give a loss. */
export function forwardOf(model: Model, inputs: Readonly<Record<string, Tensor>>, options: ForwardOptions): Forward {
  const result = model.forward(inputs, options)
  takes("the model's forward", { result }, { result: anObject })
  takes("the model's forward", { loss: result.loss }, { loss: aScalar })
  return result
}
