import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { aCount, anObject, aString, type Kind, kind, listOf, maybe, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { type Configuration, isConfiguration } from '../models/weights.ts'
import { readText, whyRefused } from '../runtime/files.ts'
import { memoryOn, type PlannedMemory } from '../train/planner.ts'
import { typed } from './paths.ts'

/** The records of a run's folder, whether it has ended or not. */
export interface Run {
  readonly folder: string
  readonly configuration: Configuration
  readonly origin: Origin
  /** How it ended; `unfinished` where its log says nothing of an end, since it is under way or was killed. */
  readonly state: 'finished' | 'stopped' | 'diverged' | 'failed' | 'unfinished'
  /** Of a run that failed. */
  readonly message?: string
  readonly steps: readonly Step[]
  readonly parameters?: number
  readonly planned?: ReturnType<typeof memoryOn>
  /** Bytes that the device held. */
  readonly measured?: number
  readonly tested?: Tested
  /** Norms of m_t and dL/dm_t for t = 1..T, means over the last tenth of the steps; where the run was traced. */
  readonly traces?: { readonly norms: readonly number[]; readonly gradients: readonly number[] }
}

/** Where a run was made. */
export interface Origin {
  readonly device?: string
  readonly description?: string
  readonly versions?: Readonly<Record<string, string>>
  readonly started?: string
}

/** One training step; what was not finite, or an older log does not have, is null. */
export interface Step {
  readonly step: number
  readonly loss: number | null
  readonly accuracy: number | null
  readonly gradientNorm: number | null
  readonly rate: number | null
  readonly milliseconds: number | null
  readonly tokensPerSecond: number | null
}

export interface Tested {
  readonly accuracy: number
  readonly examples: number
  readonly loss: number | null
  readonly majority: number | null
  readonly bestConstantPerRoot: number | null
  readonly bitsPerByte: number | null
}

const optional = ({ words, fits }: Kind): Kind =>
  kind(`${words}, or null`, (value) => value === undefined || value === null || fits(value))
const number = optional(kind('a number', (value) => typeof value === 'number'))
const norms = maybe(listOf(number, 'numbers'))
const memory = kind(
  'its parts in bytes',
  (value) =>
    anObject.fits(value) &&
    ['arena', 'replay', 'inputs', 'variables', 'workspace'].every(
      (part) => typeof (value as Record<string, unknown>)[part] === 'number',
    ),
)

/** The fields read of each kind of line; other kinds are skipped. */
const kinds: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  run: {
    configuration: maybe(kind('settings, each with its source and meaning', (value) => isConfiguration(value))),
    device: maybe(anObject),
    versions: maybe(anObject),
    started: maybe(aString),
  },
  begin: { parameters: number, memory: maybe(memory) },
  step: {
    step: aCount,
    ...{ loss: number, accuracy: number, gradientNorm: number, rate: number, milliseconds: number },
    ...{ tokensPerSecond: number, memoryNorms: norms, memoryGradients: norms },
  },
  end: { heldBytes: number },
  summary: {
    ...{ stopped: maybe(kind('true or false', (value) => typeof value === 'boolean')), measuredBytes: number },
    ...{ accuracy: number, testExamples: number, testLoss: number, majority: number, bestConstantPerRoot: number },
    bitsPerByte: number,
  },
  error: { message: aString, code: maybe(aString) },
  resume: {},
}
// biome-ignore lint/suspicious/noExplicitAny: fields were checked by `kinds`
type Line = any

/**
 * Reads log.jsonl of a folder, and config.json where the log does not tell the configuration. A last line that a killed run
 * has left half written counts as not written; `notice` hears of it.
 * @throws RmaatError 'data' for a folder without a log, and a log that is not that of a training, with file and line
 */
export async function readRun(folder: string, notice: (text: string) => void): Promise<Run> {
  const path = join(typed(folder), 'log.jsonl')
  const reader = new LogReader()
  let half: RmaatError | undefined
  let number = 0
  try {
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      if (half) throw half // it is not the last one
      const line = parsed(text)
      if (line === undefined) {
        half = new RmaatError(
          'data',
          `${path}:${number}: expected a line of a training's log, but it is no JSON object`,
        )
        continue
      }
      const own = Object.hasOwn(kinds, line.kind) ? kinds[line.kind] : {}
      takes(`${path}:${number}`, Object.fromEntries(Object.keys(own).map((name) => [name, line[name]])), own, 'data')
      reader.add(line)
    }
  } catch (cause) {
    if (cause instanceof RmaatError) throw cause
    throw new RmaatError('data', `${path}: expected the log of a run, but ${whyRefused(cause)}`, { cause })
  }
  if (!reader.begun)
    throw half ?? new RmaatError('data', `${path}: expected the log of a training, but no line is of one`)
  if (half) notice(`${path}:${number}: the last line is half written, and left out`)
  return { folder, ...reader.run, configuration: reader.configuration ?? (await configurationBeside(typed(folder))) }
}

function parsed(text: string): Line | undefined {
  try {
    const line = JSON.parse(text)
    return anObject.fits(line) && typeof line.kind === 'string' ? line : undefined
  } catch {
    return undefined
  }
}

async function configurationBeside(folder: string): Promise<Configuration> {
  const path = join(folder, 'config.json')
  if (!existsSync(path)) return {}
  const content = await readText(path)
  let configuration: unknown
  try {
    configuration = JSON.parse(content)
  } catch (cause) {
    throw new RmaatError('data', `${path}: expected the configuration of a run: ${(cause as Error).message}`, { cause })
  }
  if (isConfiguration(configuration)) return configuration
  throw new RmaatError('data', `${path}: expected the configuration of a run, settings each with source and meaning`)
}

/** Builds a run from the lines of its log. A step that was repeated after resuming replaces its first record. */
class LogReader {
  begun = false
  configuration: Configuration | undefined
  private origin: Origin = {}
  private memory: PlannedMemory | undefined
  private parameters: number | undefined
  private measured: number | undefined
  private tested: Tested | undefined
  private state: Run['state'] = 'unfinished'
  private message: string | undefined
  private readonly steps: Step[] = []
  private traces: { step: number; norms: number[]; gradients: number[] }[] = []

  add(line: Line): void {
    if (line.kind in kinds) this.begun = true
    if (line.kind === 'run') {
      const { device = {}, versions, started, configuration } = line
      this.configuration = configuration
      this.origin = { device: device.name, description: device.description, versions, started }
    } else if (line.kind === 'begin') {
      this.parameters = line.parameters ?? undefined
      this.memory = line.memory
    } else if (line.kind === 'step') this.addStep(line)
    else if (line.kind === 'resume') this.state = 'unfinished'
    else if (line.kind === 'end') this.measured = line.heldBytes ?? undefined
    else if (line.kind === 'summary') {
      this.state = line.stopped ? 'stopped' : 'finished'
      this.measured ??= line.measuredBytes ?? undefined
      const { accuracy = null, testExamples: examples, testLoss: loss = null, majority = null } = line
      const { bestConstantPerRoot = null, bitsPerByte = null } = line
      const known = accuracy !== null && examples > 0
      this.tested = known ? { accuracy, examples, loss, majority, bestConstantPerRoot, bitsPerByte } : undefined
    } else if (line.kind === 'error') {
      this.state = line.code === 'diverged' ? 'diverged' : 'failed'
      this.message = line.message
    }
  }

  private addStep(line: Line): void {
    const { step, loss = null, accuracy = null, gradientNorm = null, rate = null, milliseconds = null } = line
    const { tokensPerSecond = null, memoryNorms, memoryGradients } = line
    this.state = 'unfinished'
    this.message = undefined
    while (this.steps.length && this.steps[this.steps.length - 1].step >= step) this.steps.pop()
    this.steps.push({ step, loss, accuracy, gradientNorm, rate, milliseconds, tokensPerSecond })
    if (!memoryNorms || !memoryGradients) return
    this.traces = this.traces.filter((trace) => trace.step > 0.9 * step && trace.step < step)
    this.traces.push({ step, norms: memoryNorms, gradients: memoryGradients })
  }

  get run(): Omit<Run, 'folder' | 'configuration'> {
    const { origin, state, message, steps, parameters, memory, measured, tested, traces } = this
    const means = (values: (trace: (typeof traces)[number]) => readonly number[]): number[] =>
      values(traces[0]).map((_, t) => mean(traces.map((trace) => values(trace)[t] ?? Number.NaN)))
    return {
      ...{ origin, state, message, steps, parameters, measured, tested },
      planned: memory && memoryOn(origin.device ?? '', memory),
      traces: traces.length
        ? { norms: means(({ norms }) => norms), gradients: means(({ gradients }) => gradients) }
        : undefined,
    }
  }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length

/** The median of the known values. */
export function median(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b)
  return known[known.length >> 1]
}

/** Number of standard deviations on either side that hold 95 % of a normal distribution. */
const Z = 1.959964

/** Wilson's score interval of a proportion in `n` trials, at a confidence of 95 %. */
export function wilson(share: number, n: number): readonly [low: number, high: number] {
  const z2 = (Z * Z) / n
  const middle = (share + z2 / 2) / (1 + z2)
  const half = (Z * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n))) / (1 + z2)
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}
