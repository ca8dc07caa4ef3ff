import { aBoolean, aNumber, anObject, aString, differences, maybe, notNegative, takes, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { Configuration } from '../models/weights.ts'
import type { ConfiguredModel } from '../nn/kind.ts'
import { siteOf } from '../nn/random.ts'
import { writeFileAtomically } from '../runtime/files.ts'
import { type Task, take } from '../tasks/index.ts'
import { loadCheckpoint, saveCheckpoint, type TrainState } from '../train/checkpoint.ts'
import { evaluate } from '../train/evaluate.ts'
import type { StepEvent } from '../train/events.ts'
import { givenSettings } from './given.ts'
import type { RunFolder } from './run-folder.ts'
import type { Given } from './settings.ts'
import { notice, version } from './terminal.ts'

/** The default interval between checkpoints. */
const USUAL = '10min'

/** What decides which checkpoint is best: the accuracy on validation examples and then their loss, or the loss of the steps. */
interface Score {
  readonly accuracy?: number
  readonly loss: number
}

/** What a checkpoint holds beside the state, for the run that resumes from it. */
interface Beside {
  /** Length of the log at that step, in bytes. */
  readonly log: number
  /** The device that computed it. */
  readonly device: string
  /** What tells its data from others. */
  readonly data?: string
  readonly best?: Score
  /** Sum of the losses since the last scored checkpoint, and the number of those steps. */
  readonly sum: number
  readonly steps: number
  /** Whether a run that nobody interrupts would have judged this state: it is judged before the run goes on. */
  readonly due?: boolean
}
const besideKinds = {
  log: wholeFrom(0),
  device: aString,
  data: maybe(aString),
  best: maybe(anObject),
  sum: aNumber,
  steps: notNegative,
  due: maybe(aBoolean),
}

interface Run {
  readonly folder: RunFolder
  readonly model: ConfiguredModel
  readonly configuration: Configuration
  readonly task: Task
  readonly batch: number
  readonly seed: number
  readonly signal: AbortSignal
  readonly checkpointEvery?: string
  readonly validationExamples?: number
}

/** Saves a training's state now and then: the last one, and the best. */
export class Checkpoints {
  /** The step of the last checkpoint. */
  step: number | undefined
  /** Length of the log that a run resumes with, in bytes. */
  log = 0
  private readonly run: Run
  private readonly data: string
  private readonly every: { readonly steps: number; readonly milliseconds: number }
  private saved = performance.now()
  private best: Score | undefined
  private sum = 0
  private steps = 0
  /** Whether an uninterrupted run would have saved this state as well. */
  private regular = true
  /** Whether what a run resumes from is still to be judged. */
  due = false

  constructor(run: Run) {
    this.run = run
    this.data = fingerprintOf(run.task, run.seed)
    const count = Number.parseInt(run.checkpointEvery ?? USUAL, 10)
    const inMinutes = (run.checkpointEvery ?? USUAL).endsWith('min')
    this.every = { steps: inMinutes ? Infinity : count, milliseconds: inMinutes ? 60_000 * count : Infinity }
  }

  /**
   * Reads the state of a checkpoint, and resumes with what it holds beside.
   * @throws RmaatError 'data' that names what differs from this run
   */
  restore(bytes: Uint8Array): TrainState {
    const { model, configuration, folder } = this.run
    try {
      const { state, metadata } = loadCheckpoint(model, bytes)
      if (metadata.rmaat !== version) {
        throw new RmaatError(
          'data',
          `it was written by version ${metadata.rmaat}; expected ${version}, whose bits are its own`,
        )
      }
      checkSame(parsed(metadata.configuration) as Configuration, configuration)
      const beside = (parsed(metadata.run) ?? {}) as Beside
      takes("the metadata's 'run'", beside, besideKinds, 'data')
      const { log, device, data = this.data, best, sum, steps, due = false } = beside
      if (data !== this.data)
        throw new RmaatError(
          'data',
          'the examples are not those that it was made with: a file that they are read from has changed; expected it as it was',
        )
      Object.assign(this, { log, best, sum, steps, due, step: state.step })
      const here = deviceOf(model)
      if (device !== here)
        notice(`device   the checkpoint comes from ${device}: ${here} goes on from it with other bits`)
      return state
    } catch (cause) {
      if (cause instanceof RmaatError) throw new RmaatError('data', `${folder.checkpoint}: ${cause.message}`, { cause })
      throw cause
    }
  }

  /** Counts a step. */
  add({ loss }: StepEvent): void {
    this.sum += loss
    this.steps++
  }

  /** Whether a checkpoint is due after a step. */
  readonly isDue = (step: number, last: boolean): boolean => {
    const { checkpointEvery, validationExamples, signal } = this.run
    this.regular = !(last && signal.aborted)
    const asked = checkpointEvery ?? validationExamples
    if (last) return !this.regular || this.step !== undefined || asked !== undefined
    return step % this.every.steps === 0 || performance.now() - this.saved >= this.every.milliseconds
  }

  /** Saves a state. */
  async keep(state: TrainState, write: (entry: object) => void): Promise<void> {
    const { folder, model, configuration } = this.run
    const isLast = state.step === state.options.steps
    const score = this.regular ? await this.score() : undefined
    const due = score === undefined && (this.regular || isLast)
    const better = score !== undefined && isBetter(score, this.best)
    if (score) {
      if (better) this.best = score
      write({ kind: 'checkpoint', step: state.step, ...score, best: better })
      ;[this.sum, this.steps] = [0, 0]
    }
    const { data, best, sum, steps } = this
    const beside: Beside = { log: folder.flush(), device: deviceOf(model), data, best, sum, steps, due }
    const bytes = saveCheckpoint(model, state, {
      configuration: JSON.stringify(configuration),
      rmaat: version,
      run: JSON.stringify(beside),
    })
    // the best one first: where this is the end, the step is made and judged once more
    if (better) await writeFileAtomically(folder.best, bytes)
    await writeFileAtomically(folder.checkpoint, bytes)
    this.step = state.step
    this.saved = performance.now()
  }

  /** Undefined where it was interrupted. */
  private async score(): Promise<Score | undefined> {
    const { model, task, batch, signal, validationExamples } = this.run
    if (validationExamples === undefined) return this.steps ? { loss: this.sum / this.steps } : undefined
    const examples = task.validation.slice(0, Math.min(validationExamples, task.validation.length))
    const { accuracy, loss } = await evaluate(model, examples, { batch, signal })
    return signal.aborted ? undefined : { accuracy, loss }
  }
}

/** The device, as far as bits depend on it: not on the number of threads. */
const deviceOf = ({ device: { name, backend } }: ConfiguredModel): string =>
  backend.details?.relaxedSimd ? `${name} with relaxed SIMD` : name

/** A hash of the first examples and of what is told of all: another file has another one. */
function fingerprintOf({ train, validation, test, notes }: Task, seed: number): string {
  const first = take(train(seed), 8).map(({ tokens, label }) => [Array.from(tokens), label])
  return siteOf(JSON.stringify([first, validation.length, test.length, notes])).toString(16)
}

const isBetter = (score: Score, best: Score | undefined): boolean =>
  best === undefined ||
  (score.accuracy ?? 0) > (best.accuracy ?? 0) ||
  ((score.accuracy ?? 0) === (best.accuracy ?? 0) && score.loss < best.loss)

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch (cause) {
    throw new RmaatError('data', `the metadata is not what \`rmaat train\` writes: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** Settings that may be others when a run goes on: no number depends on them. */
const free: readonly string[] = ['device', 'threads', 'checkpointEvery', 'validationExamples', 'patience']

/** The flags given for a run that was begun with these settings: only such as change none of its numbers. */
export function changesTo(begun: Given, options: Readonly<Record<string, unknown>>, config: string): Given {
  const flags = givenSettings(options)
  const other = differences(
    Object.keys(flags).filter((name) => !free.includes(name)),
    flags,
    begun,
  )
  if (other) throw new RmaatError('config', `--resume goes on with the settings of ${config}, but ${other}`)
  return flags
}

/** Throws where the settings of a checkpoint are not those of its run. */
function checkSame(found: Configuration | null, expected: Configuration): void {
  const valuesOf = (configuration: Configuration): Given =>
    Object.fromEntries(
      Object.entries(configuration).flatMap(([name, { value }]) => (free.includes(name) ? [] : [[name, value]])),
    )
  const [own, others] = [found ?? {}, expected].map(valuesOf)
  const other = differences(Object.keys({ ...own, ...others }), own, others, 'in config.json')
  if (other) throw new RmaatError('data', `it is of another run: ${other}`)
}
