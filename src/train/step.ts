import { grad, stopGradient, vjp } from '../autograd/grad.ts'
import { slicesOf, sumOverSlices } from '../autograd/slices.ts'
import { takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { type Backward, forwardOf, layoutOf, type Model } from '../nn/model.ts'
import type { NamedParameter } from '../nn/parameters.ts'
import { zeros } from '../ops/entry.ts'
import { concat } from '../ops/views.ts'
import { clipByNorm } from '../optim/clip.ts'
import { allOrNone } from '../optim/guard.ts'
import type { Optimizer } from '../optim/optimizer.ts'
import { f32, type InputSpec, i32, someUpdates, type Update } from '../program/program.ts'
import { formatShape, sameShape } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'

export interface StepOptions extends Backward {
  /** Rows of a batch. */
  readonly batch: number
  /** The gradient's largest norm. */
  readonly clip: number
  /** Also the norms of the carries and of their gradients, m_t and dL/dm_t for every segment of a model that reads such. */
  readonly trace?: boolean
  /** How many slices the batch is cut into, which must divide it; else as many as suit the device. */
  readonly slices?: number
}

/** The inputs of a training step: a batch, the number of the step, and the learning rate. */
export function stepInputs(model: Model, batch: number): Readonly<Record<string, InputSpec>> {
  const { inputs } = layoutOf(model, batch)
  const own = { step: i32(), rate: f32() }
  const taken = Object.keys(own).find((name) => name in inputs)
  if (taken)
    throw new RmaatError(
      'config',
      `the model's layout has an input ${taken}, which a training step has, too; expected another name`,
    )
  return { ...inputs, ...own }
}

/** What a training step yields, and what its variables become. */
export type StepResults = {
  readonly loss: Tensor
  /** How many rows are answered right, where classes are told apart. */
  readonly correct?: Tensor
  /** The gradient's norm before it is clipped. */
  readonly norm: Tensor
  /** 1, or 0 where the loss, the gradient or what would be written is not finite. */
  readonly made: Tensor
  /** Of m_t and dL/dm_t for each segment, where they are traced. */
  readonly memoryNorms?: Tensor
  readonly memoryGradients?: Tensor
  readonly updates: readonly Update[]
}

/**
 * One training step as a formula: forward pass, gradients by `method`, clipping, the optimiser. Where the loss, the gradient or
 * anything that would be written is not finite, all stays as it was (`made` is 0 then).
 */
export function trainingStep(model: Model, optimizer: Optimizer, options: StepOptions) {
  const { batch, clip } = options
  const { device, rowBytes = 0, parameters } = model
  const slices = options.slices ?? slicesOf(batch, rowBytes, parameters.count, device.backend.sliceBytes)
  if (batch % slices !== 0)
    throw new RmaatError('config', `a batch of ${batch} sequences cannot be cut into ${slices} slices of equal size`)
  return ({ step, rate, ...inputs }: Readonly<Record<string, Tensor>>): StepResults => {
    const { gradient: whole, memoryNorms, ...rest } = sumsOf(model, optimizer.trains, options, inputs, step, slices)
    const { gradient, norm, finite } = clipByNorm(whole, clip)
    const wanted = optimizer.update(gradient, rate)
    takes('the optimizer', { update: wanted }, { update: someUpdates }, 'program')
    if (!wanted.some(([variable]) => variable === parameters.variable))
      throw new RmaatError('program', "the optimizer: update leaves out the model's parameters; expected them")
    const { updates, made } = allOrNone(wanted, finite.mul(rest.loss.isFinite()))
    return { ...rest, ...(memoryNorms ? { memoryNorms: memoryNorms.div(batch) } : {}), norm, made, updates }
  }
}

/** What stands before the number of what was prepared, in the name of its gradient. */
const PREPARED = 'prepared '

/** What adds up over the rows of a batch. */
type Sums = Pick<StepResults, 'loss' | 'correct' | 'memoryNorms' | 'memoryGradients'> & {
  /** Of all parameters, one after another; 0 of those that are not trained. */
  readonly gradient: Tensor
}

function sumsOf(
  model: Model,
  trains: Optimizer['trains'],
  { method, keep, hold, reach, trace = false }: StepOptions,
  inputs: Readonly<Record<string, Tensor>>,
  step: Tensor,
  slices: number,
): Sums {
  const { parameters } = model
  const all: readonly NamedParameter[] = parameters.named
  const moved = all.filter(({ name }) => trains?.(name) ?? true)
  const targets = moved.map(({ tensor }) => tensor)
  /** Of all parameters, of gradients of those that are trained. */
  const flat = (gradients: readonly Tensor[]): Tensor =>
    parameters.flat(all.map((one) => gradients[moved.indexOf(one)] ?? zeros(one.spec.shape)))
  // one for all slices: their own gradient follows once, behind the loop
  const shared = slices > 1 ? (model.prepare?.() ?? []) : []
  const sums = sumOverSlices(inputs, slices, (rows) => {
    const prepared = shared.map(stopGradient)
    const backward = { method, keep, hold, reach, step }
    const options = slices === 1 ? backward : { ...backward, prepared }
    const { loss, correct, carries = [] } = forwardOf(model, rows, options)
    if (trace && carries.length === 0)
      throw new RmaatError('config', 'a trace was asked for of a model that has no carries: expected one with a loop')
    if (trace) checkCarries(carries, rows)
    const found = grad(loss, [...targets, ...prepared, ...(trace ? carries : [])])
    const [ofPrepared, ofCarries] = [targets.length, targets.length + prepared.length]
    return {
      loss,
      ...(correct ? { correct } : {}),
      gradient: flat(found.slice(0, ofPrepared)),
      ...(trace ? { memoryNorms: rowNorms(carries), memoryGradients: rowNorms(found.slice(ofCarries)) } : {}),
      ...Object.fromEntries(prepared.map((_, i) => [PREPARED + i, found[ofPrepared + i]])),
    }
  }) as Sums & Readonly<Record<string, Tensor>>
  if (shared.length === 0) return sums
  const own = Object.entries(sums).filter(([name]) => !name.startsWith(PREPARED))
  const ofShared = shared.map((_, i) => sums[PREPARED + i])
  const through = flat(vjp(shared, ofShared, targets))
  return { ...(Object.fromEntries(own) as Sums), gradient: sums.gradient.add(through) }
}

/** Throws where carries have other shapes than `Forward` says; a row of the batch may have several. */
function checkCarries(carries: readonly Tensor[], inputs: Readonly<Record<string, Tensor>>): void {
  const rows = Object.values(inputs)[0].shape[0]
  const shapes = carries.map(({ shape }) => shape)
  const last = shapes[shapes.length - 1]
  if (
    last[0] % rows === 0 &&
    shapes.every((one) => one.length < last.length + 2 && sameShape(one.slice(-last.length), last))
  )
    return
  throw new RmaatError(
    'config',
    `the model's forward: carries are ${shapes.map(formatShape).join(', ')}; expected [${rows}, ...] or [count, ${rows}, ...], at last [${rows}, ...]`,
  )
}

/**
 * For every segment, the sum over the rows of the norm of their carry. Of gradients of a loss that is itself a mean over the
 * rows, that is the mean of each row's own gradient norm. The last carry is one of [B, ...], those of more axes are records.
 */
function rowNorms(carries: readonly Tensor[], { rank } = carries[carries.length - 1]): Tensor {
  const ofARow = Array.from({ length: rank - 1 }, (_, axis) => axis + 1 - rank)
  return concat(carries.map((carry) => carry.square().sum(ofARow).sqrt().sum(-1).reshape([-1])))
}
