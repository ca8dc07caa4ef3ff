import {
  aBoolean,
  aCount,
  aFunction,
  anAbortSignal,
  anObject,
  aShare,
  aString,
  kind,
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
import { AdamW } from '../optim/adamw.ts'
import { learningRate, type RateOptions, rateKinds } from '../optim/schedule.ts'
import type { Stage } from '../program/lower.ts'
import type { Memory } from '../program/plan.ts'
import { compile } from '../program/program.ts'
import { aModel, type Method, methods, type Rmaat } from '../rmaat/model.ts'
import { take } from '../tasks/index.ts'
import { batchOf, type Task } from '../tasks/task.ts'
import { modelInputs } from './batch.ts'
import { stepInputs, trainingStep } from './step.ts'

/** How a model is trained; `trainDefaults` stand for what is left out. */
export interface TrainOptions extends Omit<RateOptions, 'rate' | 'steps'> {
  readonly method: Method
  readonly steps: number
  readonly batch: number
  /** Of StepOptions. */
  readonly slices?: number
  readonly rate: number
  readonly decay: number
  readonly clip: number
  /** Of the order of the examples. */
  readonly seed: number
  /** Also the norms of memory and of its gradient for each segment. */
  readonly trace: boolean
  /** Hears of each stage of compiling the step when it begins. */
  readonly compiling?: (stage: Stage) => void
  /** Ends the training after the step that is under way. */
  readonly signal?: AbortSignal
}

/** The options of `train` where nothing else is said. */
export const trainDefaults: Omit<TrainOptions, 'signal' | 'compiling'> = {
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
}

const trainKinds = {
  method: maybe(oneOf(methods)),
  steps: maybe(aCount),
  batch: maybe(aCount),
  slices: maybe(aCount),
  rate: maybe(positive),
  schedule: maybe(rateKinds.schedule),
  warmUp: maybe(aShare),
  floor: maybe(aShare),
  decay: maybe(notNegative),
  clip: maybe(positive),
  seed: maybe(wholeFrom(0)),
  trace: maybe(aBoolean),
  signal: maybe(anAbortSignal),
  compiling: maybe(aFunction),
}

/** What training tells: a stream that the progress bar, the log and a chart read alike. */
export type TrainEvent =
  | {
      readonly kind: 'begin'
      readonly parameters: number
      readonly memory: Memory & { readonly workspace: number }
      readonly kernels: number
    }
  | StepEvent
  | {
      readonly kind: 'end'
      readonly steps: number
      /** How many of them changed nothing. */
      readonly skipped: number
      /** Whether it ended before the last step that was asked for. */
      readonly stopped: boolean
      readonly medianStep: number
      readonly heldBytes: number
    }

export interface StepEvent {
  readonly kind: 'step'
  readonly step: number
  readonly loss: number
  readonly gradientNorm: number
  /** Share of the batch that was right, before the step. */
  readonly accuracy: number
  readonly rate: number
  readonly milliseconds: number
  readonly validTokens: number
  readonly tokensPerSecond: number
  /** The gradient or what it would have changed was not finite, and all stayed as it was. */
  readonly skipped: boolean
  /** Mean over the rows of the norm of m_t, t = 1..T. */
  readonly memoryNorms?: number[]
  /** Mean over the rows of the norm of dL/dm_t of their own loss, t = 1..T. */
  readonly memoryGradients?: number[]
}

const aStream = kind(
  'a stream of examples',
  (value) => anObject.fits(value) && aFunction.fits((value as Generator).next),
)

/** Throws where a task asks for more than a model knows. */
function checkTask({ config }: Rmaat, task: Task): void {
  const { train, name, vocabulary, classes } = task
  const own = {
    train: aFunction,
    name: aString,
    vocabulary: wholeFrom(1, config.vocabulary),
    classes: wholeFrom(1, config.classes),
  }
  takes('train: the task, for this model', { train, name, vocabulary, classes }, own, 'config')
}

/** So many steps in a row that change nothing end a training: only the examples differ in the next one. */
const HOPELESS = 10
/** After so many milliseconds signals, timers and a page get their turn. */
const BREATH = 50

/**
 * Trains a model on a task, one program a step. Whatever stops it, the parameters are those of the last whole step: when a
 * step is told the next one is under way, so that is one more than the consumer has heard of where it leaves early.
 * @throws RmaatError 'diverged', after the event of the end, where its last ten steps or most of all changed nothing
 */
export async function* train(
  model: Rmaat,
  task: Task,
  given: Partial<TrainOptions> = {},
): AsyncGenerator<TrainEvent, void> {
  takes('train', { model, task }, { model: aModel, task: anObject })
  takesOptions('train', given, trainKinds)
  checkTask(model, task)
  const options: TrainOptions = over<TrainOptions>(trainDefaults, given)
  const { batch, steps, signal } = options
  const { config, device } = model
  const { optimizer, program } = device.allOrNothing(() => {
    const optimizer = new AdamW(model.parameters, { decay: options.decay })
    const step = trainingStep(model, optimizer, options)
    return { optimizer, program: compile(device, stepInputs(batch, config), step, options.compiling) }
  })
  try {
    yield {
      kind: 'begin',
      parameters: model.parameters.count,
      memory: program.memory,
      kernels: program.plan.instructions.filter(({ kind }) => kind !== 'loop' && kind !== 'end').length,
    }
    const examples = task.train(options.seed)
    takes('train', { examples }, { examples: aStream })
    const times: number[] = []
    let step = 0
    let breath = performance.now()
    const run = async (): Promise<StepEvent> => {
      const own = ++step
      const rows = batchOf(take(examples, batch), { ...config, batch })
      const rate = learningRate(own, { ...options, steps })
      let milliseconds = Number.NaN
      const results: Record<string, number & ArrayLike<number>> = await program.run(
        {
          ...modelInputs(rows, config, config.retention),
          step: own,
          rate,
        },
        (time) => {
          milliseconds = time
        },
      )
      times.push(milliseconds)
      return {
        kind: 'step',
        step: own,
        loss: results.loss,
        gradientNorm: results.norm,
        accuracy: results.correct / batch,
        rate,
        milliseconds,
        validTokens: rows.validTokens,
        tokensPerSecond: (1000 * rows.validTokens) / milliseconds,
        skipped: results.made === 0,
        ...(options.trace
          ? { memoryNorms: Array.from(results.memoryNorms), memoryGradients: Array.from(results.memoryGradients) }
          : {}),
      }
    }
    // a step is told when the next one is under way, so that a GPU never waits for the host
    let told: Promise<StepEvent> | undefined
    let [skipped, inRow] = [0, 0]
    const counted = (event: StepEvent): StepEvent => {
      skipped += event.skipped ? 1 : 0
      inRow = event.skipped ? inRow + 1 : 0
      return event
    }
    while (step < steps && inRow < HOPELESS && !signal?.aborted) {
      const next = run()
      next.catch(() => {}) // where an earlier step fails, nobody waits for this one
      if (told) yield counted(await told)
      told = next
      if (performance.now() - breath > BREATH) {
        await new Promise((resolve) => setTimeout(resolve, 0))
        breath = performance.now()
      }
    }
    if (told) yield counted(await told)
    times.sort((a, b) => a - b)
    const medianStep = times[times.length >> 1] ?? Number.NaN
    const { heldBytes } = device.backend
    yield { kind: 'end', steps: step, skipped, stopped: step < steps, medianStep, heldBytes }
    if (inRow >= HOPELESS || (!signal?.aborted && 2 * skipped > step)) {
      throw new RmaatError(
        'diverged',
        `${skipped} of ${step} steps changed nothing, ${inRow} of them at the end, as their gradients or new weights were not finite: expected finite weights to begin with, and a lower rate than ${options.rate}`,
      )
    }
  } finally {
    program.close()
    for (const variable of optimizer.state) device.delete(variable)
  }
}
