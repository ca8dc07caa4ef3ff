import { grad } from '../autograd/grad.ts'
import { concat } from '../ops/views.ts'
import { AdamW } from '../optim/adamw.ts'
import { clipByNorm } from '../optim/clip.ts'
import type { Device } from '../program/device.ts'
import { f32, i32, type Update } from '../program/program.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import { type BatchTensors, batchInputs, type Method, type Rmaat } from '../rmaat/model.ts'
import type { Tensor } from '../tensor/tensor.ts'

export interface StepOptions {
  readonly method: Method
  /** Rows of a batch. */
  readonly batch: number
  /** The gradient's largest norm. */
  readonly clip: number
  /** Also the norms of m_t and dL/dm_t for every segment. */
  readonly trace?: boolean
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
export function trainingStep(model: Rmaat, optimizer: AdamW, { method, clip, trace = false }: StepOptions) {
  return (inputs: BatchTensors & { readonly step: Tensor; readonly hyper: Tensor }) => {
    const { loss, logits, memories } = model.forward(inputs, { method, step: inputs.step })
    const { parameters } = model
    const wrt = parameters.named.map(({ tensor }) => tensor)
    const traced = trace ? memories : []
    const gradients = grad(loss, [...wrt, ...traced])
    const flat = concat(parameters.inOrder(gradients.slice(0, wrt.length)).map((g) => g.reshape([-1])))
    const { gradient, norm, finite } = clipByNorm(flat, clip)
    const updates: Update[] = optimizer.update(gradient, inputs.hyper, finite)
    const traces: Record<string, Tensor> = trace
      ? { memoryNorms: rowNorms(memories, 'mean'), memoryGradients: rowNorms(gradients.slice(wrt.length), 'sum') }
      : {}
    return { loss, norm, finite, correct: countCorrect(logits, inputs), ...traces, updates }
  }
}

/** How many rows that count have their label as the largest logit. */
export const countCorrect = (logits: Tensor, { labels, weights }: Pick<BatchTensors, 'labels' | 'weights'>): Tensor =>
  logits.argmax(-1).equal(labels).cast('f32').mul(weights).sum()

/**
 * For every segment, Frobenius norms of [M, d] over the rows: their mean, or (for gradients of a loss that is itself a
 * mean over the rows) their sum, which is the mean of each row's own gradient norm.
 */
function rowNorms(memories: readonly Tensor[], over: 'mean' | 'sum'): Tensor {
  const norms = memories.map((memory) => {
    const rows = memory.square().sum([-1, -2]).sqrt()
    return (over === 'mean' ? rows.mean(-1) : rows.sum(-1)).reshape([-1])
  })
  return concat(norms)
}

/** AdamW over all parameters of a model, weight decay on matrices alone. */
export const optimizerOf = (device: Device, { parameters }: Rmaat, decay: number): AdamW =>
  new AdamW(device, parameters.variable, { decay, decayed: parameters.decayed })
