import {
  aBoolean,
  aCount,
  aFunction,
  anAbortSignal,
  anObject,
  aShare,
  aString,
  kind,
  listOf,
  maybe,
  notNegative,
  oneOf,
  over,
  positive,
  takes,
  takesOptions,
  wholeFrom,
} from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { aModel, layoutOf, type Method, type Model, methods, type Sequence } from '../nn/model.ts'
import { AdamW } from '../optim/adamw.ts'
import { aNames, type Names } from '../optim/chosen.ts'
import type { Optimizer } from '../optim/optimizer.ts'
import { learningRate, type RateOptions, rateKinds } from '../optim/schedule.ts'
import type { HostArray } from '../program/device.ts'
import { isKernel } from '../program/kernels.ts'
import type { Told } from '../program/lower.ts'
import { compile } from '../program/program.ts'
import { takeAny } from '../tasks/task.ts'
import { aVariable } from '../tensor/kinds.ts'
import { aState, checkState, type TrainState, trainedBy } from './checkpoint.ts'
import type { StepEvent, TrainEvent } from './events.ts'
import { stepInputs, trainingStep } from './step.ts'

/** How a model is trained; `trainDefaults` stand for what is left out. */
export interface TrainOptions extends Omit<RateOptions, 'rate' | 'steps'> {
  readonly method: Method
  /** Of Backward. */
  readonly keep?: number
  readonly hold?: number
  readonly reach?: number
  /** How many updates of the weights. */
  readonly steps: number
  /** How many examples there are in each. */
  readonly batch: number
  /** Of StepOptions. */
  readonly slices?: number
  /** The highest learning rate; RateOptions say how it rises and falls. */
  readonly rate: number
  /** Weight decay of AdamW, which trains where no optimiser is given. */
  readonly decay: number
  /** The parameters that it trains, of AdamW's options: all where nothing is said. */
  readonly trains?: Names
  /**
   * Makes what trains the model's parameters instead, such as `(parameters) => new SGD(parameters, { momentum: 0.9 })`, or one of
   * your own: its `update` gets one vector of all gradients, clipped, and the rate. `train` deletes its state.
   */
  readonly optimizer?: (parameters: Model['parameters']) => Optimizer
  /** The largest norm of the gradient of a step: one that is larger is scaled down to it. */
  readonly clip: number
  /** Of the order of the examples. */
  readonly seed: number
  /** Also the norms of memory and of its gradient for each segment. */
  readonly trace: boolean
  /** Hears of each stage of compiling the step when it begins, and on a GPU of each pipeline that is compiled. */
  readonly compiling?: Told
  /** Ends the training after the step that is under way. */
  readonly signal?: AbortSignal
  /** After so many steps in a row that change nothing the training fails: only the examples differ in the next one. */
  readonly patience: number
  /**
   * A state of this same training, to go on from: on the CPU the results are those of one that was never stopped, bit for bit.
   * The model's parameters become those of the state; the examples that it has seen are drawn from the same task once more, and
   * passed over.
   */
  readonly from?: TrainState
  /** Hears now and then how many of the examples before `from` are drawn. */
  readonly skipping?: (done: number, examples: number) => void
  /**
   * Asked after each step, and once more after the last one, whatever ends the training: whether a checkpoint event follows.
   * No step is under way while that event is handled, so the model can be tested.
   */
  readonly checkpoint?: (step: number, last: boolean) => boolean
}

/** The options of `train` where nothing else is said. */
export const trainDefaults: TrainOptions = {
  method: 'amrb',
  steps: 1000,
  batch: 32,
  rate: 1e-3,
  schedule: 'cosine',
  warmUp: 0.1,
  floor: 0.05,
  decay: 0.01,
  clip: 1,
  seed: 0,
  trace: false,
  patience: 10,
}

const trainKinds = {
  method: maybe(oneOf(methods)),
  keep: maybe(wholeFrom(0)),
  hold: maybe(wholeFrom(0)),
  reach: maybe(aCount),
  steps: maybe(aCount),
  batch: maybe(aCount),
  slices: maybe(aCount),
  rate: maybe(positive),
  schedule: maybe(rateKinds.schedule),
  warmUp: maybe(aShare),
  floor: maybe(aShare),
  decay: maybe(notNegative),
  trains: maybe(aNames),
  optimizer: maybe(aFunction),
  clip: maybe(positive),
  seed: maybe(wholeFrom(0)),
  trace: maybe(aBoolean),
  signal: maybe(anAbortSignal),
  compiling: maybe(aFunction),
  patience: maybe(aCount),
  from: maybe(aState),
  skipping: maybe(aFunction),
  checkpoint: maybe(aFunction),
}

const anOptimizer = kind('one with state, its variables, and update', (value) => {
  if (!anObject.fits(value)) return false
  const { state, update } = value as Partial<Optimizer>
  return listOf(aVariable, 'variables').fits(state) && aFunction.fits(update)
})
const someExamples = listOf(anObject, 'objects')
const aStream = kind(
  'a generator of examples',
  (value) => anObject.fits(value) && aFunction.fits((value as Generator).next),
)

/** What a model is trained on; every task is one. A model may ask for more, and checks it. */
export interface Training<Example extends object> {
  readonly name: string
  /**
   * Examples without end, which may come one by one from elsewhere. The same seed gives the same in the same order. A stream that
   * is no longer needed is told so by its `return`, and can close what it reads.
   */
  train(seed: number): Generator<Example> | AsyncGenerator<Example>
}

/** The parameters that are being trained. */
const underWay = new WeakSet<Model['parameters']>()

/** After so many milliseconds signals, timers and a page get their turn. */
const BREATH = 50

/**
 * Trains a model on a task, one program a step. Whatever stops it, the parameters are those of the last whole step: an
 * event of a step comes when the next step is under way, so a consumer that leaves early has one more step than events.
 * A model is in one training at a time.
 * @throws RmaatError 'diverged', after the event of the end, where its last steps, as many as `patience` says, or most of all changed nothing;
 * 'config' for what does not go together, and for a model's `config` that is not of JSON; 'config' and 'data' for a state to go on from that is not one of this training; 'program' for a model that another training has not ended with
 */
export async function* train<Example extends object, Given extends Training<Example> = Training<Example>>(
  model: Model<Example>,
  task: Given,
  given: Partial<TrainOptions> = {},
): AsyncGenerator<TrainEvent, void> {
  takes('train', { model, task }, { model: aModel, task: anObject })
  takesOptions('train', given, trainKinds)
  const { name, train } = task
  takes('train: the task', { name, train }, { name: aString, train: aFunction }, 'config')
  model.checkTask?.(task)
  const options: TrainOptions = over<TrainOptions>(trainDefaults, given)
  const { batch, steps, signal, patience, from, checkpoint } = options
  const { device } = model
  if (underWay.has(model.parameters))
    throw new RmaatError(
      'program',
      'train: the model is in another training; expected that to have ended: leave its `for await`, or await its `return()`',
    )
  const layout = layoutOf(model, batch)
  if (given.optimizer && (given.decay ?? given.trains) !== undefined)
    throw new RmaatError('config', 'train: decay and trains are of AdamW; expected them within the optimizer given')
  const { optimizer, decided, program } = device.allOrNothing(() => {
    const { decay, trains } = options
    const optimizer = options.optimizer?.(model.parameters) ?? new AdamW(model.parameters, { decay, trains })
    takes('train', { optimizer }, { optimizer: anOptimizer }, 'config')
    const decided = trainedBy(model, optimizer, options)
    const step = trainingStep(model, optimizer, options)
    return { optimizer, decided, program: compile(device, stepInputs(model, batch), step, options.compiling) }
  })
  const variables = [model.parameters.variable, ...optimizer.state]
  let stream: ReturnType<typeof task.train> | undefined
  underWay.add(model.parameters)
  try {
    if (from) {
      checkState(from, decided, variables)
      const values = [from.parameters, ...from.optimizer]
      for (const [i, variable] of variables.entries()) device.write(variable, values[i])
    }
    yield {
      kind: 'begin',
      parameters: model.parameters.count,
      memory: program.memory,
      kernels: program.plan.instructions.filter(isKernel).length,
    }
    stream = task.train(options.seed)
    const examples = stream
    takes('train', { examples }, { examples: aStream })
    if (from) await skip(examples, from.step * batch, options)
    const times: number[] = []
    let drawn: Promise<readonly Example[]> = Promise.resolve([])
    let step = from?.step ?? 0
    let breath = performance.now()
    let free = breath // since when the device has nothing to do
    const run = async (): Promise<StepEvent> => {
      const own = ++step
      // those of a step that is under way come first
      drawn = drawn.then(() => takeAny(examples, batch))
      const rows = await drawn
      takes('train', { examples: rows }, { examples: someExamples }, 'data')
      const inputs = layout.values(rows)
      const validTokens = rows.reduce((sum, one) => sum + ((one as Partial<Sequence>).tokens?.length ?? 0), 0)
      const rate = learningRate(own, { ...options, steps })
      let [milliseconds, waitMilliseconds] = [Number.NaN, Number.NaN]
      const results: Readonly<Record<string, HostArray>> = await program.arrays(
        { ...inputs, step: own, rate },
        (time) => {
          milliseconds = time
          const now = performance.now()
          waitMilliseconds = Math.max(0, now - free - time)
          free = now
        },
      )
      times.push(milliseconds)
      return {
        kind: 'step',
        step: own,
        loss: results.loss[0],
        gradientNorm: results.norm[0],
        ...(results.correct === undefined ? {} : { accuracy: results.correct[0] / batch }),
        rate,
        milliseconds,
        waitMilliseconds,
        validTokens,
        tokensPerSecond: (1000 * validTokens) / milliseconds,
        skipped: results.made[0] === 0,
        ...(options.trace
          ? { memoryNorms: Array.from(results.memoryNorms), memoryGradients: Array.from(results.memoryGradients) }
          : {}),
      }
    }
    // the event of a step comes when the next step is under way, so that a GPU never waits for the host
    let pending: Promise<StepEvent> | undefined
    let [skipped, inRow] = [from?.skipped ?? 0, from?.skippedInRow ?? 0]
    const counted = (event: StepEvent): StepEvent => {
      skipped += event.skipped ? 1 : 0
      inRow = event.skipped ? inRow + 1 : 0
      return event
    }
    const state = async (): Promise<TrainState> => {
      const [parameters, ...rest] = await Promise.all(variables.map((variable) => device.readVariable(variable)))
      return { step, skipped, skippedInRow: inRow, parameters, optimizer: rest, options: decided }
    }
    let kept = from?.step ?? -1
    while (step < steps && inRow < patience && !signal?.aborted) {
      const next = run()
      next.catch(() => {}) // where an earlier step fails, nobody waits for this one
      if (pending) yield counted(await pending)
      pending = next
      if (checkpoint?.(step, false)) {
        yield counted(await pending)
        pending = undefined
        if (inRow < patience) yield { kind: 'checkpoint', state: await state() }
        kept = step
      }
      if (performance.now() - breath > BREATH) {
        await new Promise((resolve) => setTimeout(resolve, 0))
        breath = performance.now()
      }
    }
    if (pending) yield counted(await pending)
    // one that has come to nothing is no state to go on from
    if (inRow < patience && kept < step && checkpoint?.(step, true)) yield { kind: 'checkpoint', state: await state() }
    times.sort((a, b) => a - b)
    const medianStep = times[times.length >> 1] ?? Number.NaN
    const { heldBytes } = device.backend
    yield { kind: 'end', steps: step, skipped, stopped: step < steps, medianStep, heldBytes }
    if (inRow >= patience || (!signal?.aborted && 2 * skipped > step)) {
      throw new RmaatError(
        'diverged',
        `${skipped} of ${step} steps changed nothing, ${inRow} of them at the end, as their losses, gradients or new weights were not finite: expected finite examples and weights to begin with, and a lower rate than ${options.rate}`,
      )
    }
  } finally {
    underWay.delete(model.parameters)
    program.close()
    for (const variable of optimizer.state) device.delete(variable)
    await stream?.return?.(undefined as never)
  }
}

/** Draws the examples that a training has seen, and forgets them. */
async function skip(
  examples: Generator<unknown> | AsyncGenerator<unknown>,
  count: number,
  { skipping, signal }: Pick<TrainOptions, 'skipping' | 'signal'>,
): Promise<void> {
  let breath = performance.now()
  for (let done = 0; done < count && !signal?.aborted; done++) {
    await takeAny(examples, 1)
    if (performance.now() - breath < BREATH) continue
    skipping?.(done + 1, count)
    await new Promise((resolve) => setTimeout(resolve, 0))
    breath = performance.now()
  }
}
