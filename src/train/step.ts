import { grad, stopGradient, vjp } from '../autograd/grad.ts'
import { RmaatError } from '../errors.ts'
import { loop } from '../ops/loop.ts'
import { concat } from '../ops/views.ts'
import { AdamW } from '../optim/adamw.ts'
import { clipByNorm } from '../optim/clip.ts'
import type { Device } from '../program/device.ts'
import { f32, i32, type Update } from '../program/program.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import { type BatchTensors, batchInputs, type ForwardOptions, type Method, type Rmaat } from '../rmaat/model.ts'
import type { Tensor } from '../tensor/tensor.ts'

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

/** The inputs of a training step: a batch, the number of the step, and the optimiser's numbers for it. */
export const stepInputs = (batch: number, sizes: Sizes) => ({
  ...batchInputs(batch, sizes),
  step: i32(),
  hyper: f32(3),
})

/**
 * One training step as a formula: forward pass, gradients by `method`, clipping, AdamW. A gradient that is not finite
 * leaves everything as it was (`finite` is 0 then).
 */
export function trainingStep(model: Rmaat, optimizer: AdamW, options: StepOptions) {
  const { batch, clip } = options
  const slices = options.slices ?? slicesOf(model, batch, model.device.backend.sliceBytes)
  if (batch % slices !== 0)
    throw new RmaatError('config', `a batch of ${batch} sequences cannot be cut into ${slices} slices of equal size`)
  return (inputs: BatchTensors & { readonly step: Tensor; readonly hyper: Tensor }) => {
    const { sums } = slices === 1 ? sumsOf(model, options, inputs) : sumsOverSlices(model, options, inputs, slices)
    const { gradient: flat, memoryNorms, ...rest } = sums
    const { gradient, norm, finite } = clipByNorm(flat, clip)
    const updates: Update[] = optimizer.update(gradient, inputs.hyper, finite)
    return { ...rest, ...(memoryNorms ? { memoryNorms: memoryNorms.div(batch) } : {}), norm, finite, updates }
  }
}

/** What the gradients of the parameters in all slices may take until they are added up, in bytes. */
const GRADIENTS = 2 ** 26
/** Threads take whole slices: fewer than these leave too many without work, more than the kernels of a whole batch do. */
const FEWEST = 4

/**
 * Into how many slices a batch is cut: so many that an activation of a slice takes `bytes` at most or is one row's, unless
 * their gradients would take too much memory; 1 where these would be few.
 */
export function slicesOf(
  { config, parameters }: { readonly config: SliceSizes; readonly parameters: { readonly count: number } },
  batch: number,
  bytes = Infinity,
): number {
  const row = (config.memory + config.segmentLength) * config.width * 4
  if (batch * row <= bytes) return 1
  const most = Math.min(batch, Math.floor(GRADIENTS / (parameters.count * 4)))
  const counts = Array.from({ length: batch }, (_, i) => i + 1).filter(
    (slices) => batch % slices === 0 && slices >= FEWEST && slices <= most,
  )
  return counts.find((slices) => (batch / slices) * row <= bytes) ?? counts.at(-1) ?? 1
}
type SliceSizes = Pick<ModelConfig, 'memory' | 'segmentLength' | 'width'>

type StepTensors = BatchTensors & { readonly step: Tensor }

/** What adds up over the rows of a batch. */
interface Sums {
  readonly loss: Tensor
  /** How many rows have their label as the largest logit. */
  readonly correct: Tensor
  /** Of all parameters, one after another. */
  readonly gradient: Tensor
  /** Of m_t and dL/dm_t for each segment, where they are traced. */
  readonly memoryNorms?: Tensor
  readonly memoryGradients?: Tensor
}

/** The sums of a batch, or of a slice of it; then also the gradients of what was prepared for all slices. */
function sumsOf(
  model: Rmaat,
  { method, trace = false }: StepOptions,
  inputs: StepTensors,
  part: Pick<ForwardOptions, 'slice' | 'prepared'> = {},
): { readonly sums: Sums; readonly ofPrepared: readonly Tensor[] } {
  const { loss, logits, memories } = model.forward(inputs, { method, step: inputs.step, ...part })
  const parameters = model.parameters.named.map(({ tensor }) => tensor)
  const prepared = present(part.prepared ?? [])
  const all = grad(loss, [...parameters, ...prepared, ...(trace ? memories : [])])
  const [ofPrepared, ofMemories] = [all.slice(parameters.length), all.slice(parameters.length + prepared.length)]
  const sums = {
    loss,
    correct: countCorrect(logits, inputs),
    gradient: flat(model, all.slice(0, parameters.length)),
    ...(trace ? { memoryNorms: rowNorms(memories), memoryGradients: rowNorms(ofMemories) } : {}),
  }
  return { sums, ofPrepared: ofPrepared.slice(0, prepared.length) }
}

/** The axis of the rows in each input. */
const ROWS: Readonly<Record<keyof BatchTensors, number>> = {
  tokens: 0,
  valid: 0,
  labels: 0,
  weights: 0,
  retention: 1,
  live: 1,
}

/** The same, a few rows at a time: what one kernel writes is still in the cache when the next one reads it. */
function sumsOverSlices(model: Rmaat, options: StepOptions, inputs: StepTensors, slices: number): { sums: Sums } {
  const rows = options.batch / slices
  const total = inputs.weights.sum()
  const prepared = model.prepare()
  const names = Object.keys(ROWS) as (keyof BatchTensors)[]
  const cut = names.map((name) => {
    const { [name]: x } = inputs
    const axis = ROWS[name]
    const pieces = x.reshape([...x.shape.slice(0, axis), slices, rows, ...x.shape.slice(axis + 1)])
    return axis === 0 ? pieces : pieces.transpose([1, 0, 2])
  })
  let keys: readonly string[] = []
  const { outputs } = loop({ count: slices, carry: [], inputs: cut }, (_, parts, index) => {
    const slice = Object.fromEntries(names.map((name, i) => [name, parts[i]])) as BatchTensors
    const { sums, ofPrepared } = sumsOf(
      model,
      options,
      { ...slice, step: inputs.step },
      {
        // their own gradient follows once, behind the loop
        prepared: prepared.map((tensor) => tensor && stopGradient(tensor)),
        slice: { first: index.mul(rows), total },
      },
    )
    keys = Object.keys(sums)
    return { carry: [], outputs: [...Object.values(sums), ...ofPrepared] }
  })
  const added = outputs.map((output) => output.sum(0))
  const sums = Object.fromEntries(keys.map((key, i) => [key, added[i]])) as unknown as Sums
  const shared = present(prepared)
  if (shared.length === 0) return { sums }
  const parameters = model.parameters.named.map(({ tensor }) => tensor)
  const through = vjp(shared, added.slice(keys.length), parameters)
  return { sums: { ...sums, gradient: sums.gradient.add(flat(model, through)) } }
}

const present = (tensors: readonly (Tensor | undefined)[]): Tensor[] => tensors.filter((tensor) => tensor !== undefined)

const flat = ({ parameters }: Rmaat, gradients: readonly Tensor[]): Tensor =>
  concat(parameters.inOrder(gradients).map((gradient) => gradient.reshape([-1])))

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

/** AdamW over all parameters of a model, weight decay on matrices alone. */
export const optimizerOf = (device: Device, { parameters }: Rmaat, decay: number): AdamW =>
  new AdamW(device, parameters.variable, { decay, decayed: parameters.decayed })
