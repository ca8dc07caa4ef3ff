import { grad, stopGradient, vjp } from '../autograd/grad.ts'
import { RmaatError } from '../errors.ts'
import { concat } from '../ops/views.ts'
import { clipByNorm } from '../optim/clip.ts'
import { allOrNone } from '../optim/guard.ts'
import type { Optimizer } from '../optim/optimizer.ts'
import { f32, i32, type Update } from '../program/program.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import { type BatchTensors, batchInputs, type ForwardOptions, type Method, type Rmaat } from '../rmaat/model.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { slicesOf, sumOverSlices } from './slices.ts'

export interface StepOptions {
  readonly method: Method
  /** Rows of a batch. */
  readonly batch: number
  /** The gradient's largest norm. */
  readonly clip: number
  /** Also the norms of m_t and dL/dm_t for every segment. */
  readonly trace?: boolean
  /** How many slices the batch is cut into, which must divide it; else as many as suit the device. */
  readonly slices?: number
}

type Sizes = Pick<ModelConfig, 'segments' | 'segmentLength'>

/** The inputs of a training step: a batch, the number of the step, and the learning rate. */
export const stepInputs = (batch: number, sizes: Sizes) => ({
  ...batchInputs(batch, sizes),
  step: i32(),
  rate: f32(),
})

/** What a training step yields, and what its variables become. */
export type StepResults = {
  readonly loss: Tensor
  /** How many rows have their label as the largest logit. */
  readonly correct: Tensor
  /** The gradient's norm before it is clipped. */
  readonly norm: Tensor
  /** 1, or 0 where the gradient or what would be written is not finite. */
  readonly made: Tensor
  /** Of m_t and dL/dm_t for each segment, where they are traced. */
  readonly memoryNorms?: Tensor
  readonly memoryGradients?: Tensor
  readonly updates: readonly Update[]
}

/**
 * One training step as a formula: forward pass, gradients by `method`, clipping, the optimiser. Where the gradient or anything that
 * would be written is not finite, all stays as it was (`made` is 0 then).
 */
export function trainingStep(model: Rmaat, optimizer: Optimizer, options: StepOptions) {
  const { batch, clip } = options
  const slices =
    options.slices ?? slicesOf(model.config, batch, model.parameters.count, model.device.backend.sliceBytes)
  if (batch % slices !== 0)
    throw new RmaatError('config', `a batch of ${batch} sequences cannot be cut into ${slices} slices of equal size`)
  return (inputs: BatchTensors & { readonly step: Tensor; readonly rate: Tensor }): StepResults => {
    const { sums } = slices === 1 ? sumsOf(model, options, inputs) : sumsOverSlices(model, options, inputs, slices)
    const { gradient: flat, memoryNorms, ...rest } = sums
    const { gradient, norm, finite } = clipByNorm(flat, clip)
    const { updates, made } = allOrNone(optimizer.update(gradient, inputs.rate), finite)
    return { ...rest, ...(memoryNorms ? { memoryNorms: memoryNorms.div(batch) } : {}), norm, made, updates }
  }
}

type StepTensors = BatchTensors & { readonly step: Tensor }

/** What adds up over the rows of a batch. */
interface Sums extends Pick<StepResults, 'loss' | 'correct' | 'memoryNorms' | 'memoryGradients'> {
  /** Of all parameters, one after another. */
  readonly gradient: Tensor
}

/** The sums of a batch, or of a slice of it; then also the gradients of what was prepared for all slices. */
function sumsOf(
  model: Rmaat,
  { method, trace = false }: StepOptions,
  inputs: StepTensors,
  part: Pick<ForwardOptions, 'slice' | 'prepared'> = {},
): { readonly sums: Sums; readonly ofPrepared: readonly Tensor[] } {
  const { loss, logits, memories } = model.forward(inputs, { method, step: inputs.step, ...part })
  const parameters = model.parameters.list
  const prepared = present(part.prepared ?? [])
  const all = grad(loss, [...parameters, ...prepared, ...(trace ? memories : [])])
  const [ofPrepared, ofMemories] = [all.slice(parameters.length), all.slice(parameters.length + prepared.length)]
  const sums = {
    loss,
    correct: countCorrect(logits, inputs),
    gradient: model.parameters.flat(all.slice(0, parameters.length)),
    ...(trace ? { memoryNorms: rowNorms(memories), memoryGradients: rowNorms(ofMemories) } : {}),
  }
  return { sums, ofPrepared: ofPrepared.slice(0, prepared.length) }
}

/** The same, slice by slice. */
function sumsOverSlices(model: Rmaat, options: StepOptions, inputs: StepTensors, slices: number): { sums: Sums } {
  const prepared = model.prepare()
  const shared = present(prepared)
  let keys: readonly string[] = []
  const added = sumOverSlices(inputs, slices, (rows, slice) => {
    // their own gradient follows once, behind the loop
    const apart = prepared.map((tensor) => tensor && stopGradient(tensor))
    const { sums, ofPrepared } = sumsOf(model, options, { ...rows, step: inputs.step }, { prepared: apart, slice })
    keys = Object.keys(sums)
    return [...Object.values(sums), ...ofPrepared]
  })
  const sums = Object.fromEntries(keys.map((key, i) => [key, added[i]])) as unknown as Sums
  if (shared.length === 0) return { sums }
  const through = vjp(shared, added.slice(keys.length), model.parameters.list)
  return { sums: { ...sums, gradient: sums.gradient.add(model.parameters.flat(through)) } }
}

const present = (tensors: readonly (Tensor | undefined)[]): Tensor[] => tensors.filter((tensor) => tensor !== undefined)

/** How many rows that count have their label as the largest logit. */
export const countCorrect = (logits: Tensor, { labels, weights }: Pick<BatchTensors, 'labels' | 'weights'>): Tensor =>
  logits.argmax(-1).equal(labels).cast('f32').mul(weights).sum()

/**
 * For every segment, the sum over the rows of Frobenius norms of [M, d]. Of gradients of a loss that is itself a mean over
 * the rows, that is the mean of each row's own gradient norm.
 */
function rowNorms(memories: readonly Tensor[]): Tensor {
  return concat(memories.map((memory) => memory.square().sum([-1, -2]).sqrt().sum(-1).reshape([-1])))
}
