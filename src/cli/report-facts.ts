import { basename } from 'node:path'
import { models } from '../models/index.ts'
import { modelSetting } from '../models/weights.ts'
import type { Config } from '../nn/kind.ts'
import { median, type Run, wilson } from './report-run.ts'
import { flagOf, recurs, settings } from './settings.ts'
import { bytes, commandName, count, duration, percent, plural } from './terminal.ts'

/** The results of a run: what `--json` prints, and the source of the tables. */
export interface Facts {
  readonly kind: 'run'
  readonly label: string
  readonly folder: string
  readonly state: Run['state']
  readonly message?: string
  readonly task: unknown
  readonly method: unknown
  /** Steps done, and steps planned. */
  readonly steps: number
  readonly stepsAsked: number | null
  readonly accuracy: number | null
  /** Wilson's, of 95 %; of models that answer once an example. */
  readonly accuracyInterval: readonly [low: number, high: number] | null
  readonly testExamples: number
  readonly testLoss: number | null
  readonly majority: number | null
  readonly bestConstantPerRoot: number | null
  /** Of language models. */
  readonly bitsPerByte: number | null
  /** Of the last step. */
  readonly loss: number | null
  readonly medianStep: number | null
  /** Of all steps together, in milliseconds. */
  readonly time: number | null
  readonly tokensPerSecond: number | null
  readonly parameters: number | null
  readonly memory: NonNullable<Run['planned']>['memory'] | null
  readonly plannedBytes: number | null
  readonly measuredBytes: number | null
  readonly device: string | null
  readonly versions: Readonly<Record<string, string>>
  readonly started: string | null
  /** Settings by name. */
  readonly settings: Config
  readonly command: string
}

export function factsOf(run: Run, label: string): Facts {
  const { folder, state, message, steps, tested, planned, measured, origin, configuration } = run
  const values = settingsOf(run)
  const method = recurs(`${values.model ?? modelSetting.default}`) ? (values.method ?? null) : null
  return {
    ...{ kind: 'run', label, folder, state, message, task: values.task ?? null, method },
    steps: steps.at(-1)?.step ?? 0,
    stepsAsked: typeof values.steps === 'number' ? values.steps : null,
    accuracy: tested?.accuracy ?? null,
    accuracyInterval: tested && !values.causal ? wilson(tested.accuracy, tested.examples) : null,
    testExamples: tested?.examples ?? 0,
    testLoss: tested?.loss ?? null,
    majority: tested?.majority ?? null,
    bestConstantPerRoot: tested?.bestConstantPerRoot ?? null,
    bitsPerByte: tested?.bitsPerByte ?? null,
    loss: steps.at(-1)?.loss ?? null,
    medianStep: median(steps.map(({ milliseconds }) => milliseconds)) ?? null,
    time: steps.reduce<number | null>((sum, { milliseconds: one }) => (one === null ? sum : (sum ?? 0) + one), null),
    tokensPerSecond: median(steps.map(({ tokensPerSecond }) => tokensPerSecond)) ?? null,
    parameters: run.parameters ?? null,
    memory: planned?.memory ?? null,
    plannedBytes: planned?.peak ?? null,
    measuredBytes: measured ?? null,
    device: origin.device ?? null,
    versions: origin.versions ?? {},
    started: origin.started ?? null,
    settings: values,
    command: Object.keys(configuration).length ? commandOf(run) : '',
  }
}

/** The values of a run's settings, by name. */
export const settingsOf = ({ configuration }: Run): Config =>
  Object.fromEntries(Object.entries(configuration).map(([name, { value }]) => [name, value]))

/** Measured by the run, or properties of its machine: not causes of its result. */
const follows = ['vocabulary', 'classes', 'towers', 'labels', 'device', 'threads']

/** The settings that runs differ in, in the order in which they stand in their configurations. */
export function differences(runs: readonly Run[]): string[] {
  const names = new Set(runs.flatMap(({ configuration }) => Object.keys(configuration)))
  const values = runs.map(settingsOf)
  return [...names].filter(
    (name) => !follows.includes(name) && new Set(values.map((value) => JSON.stringify(value[name]))).size > 1,
  )
}

/** The label of a run among others: the settings that tell it apart, where they are few, else its folder. */
export function labelsOf(runs: readonly Run[]): string[] {
  const names = differences(runs)
  const told = runs.map((run) => {
    const values = settingsOf(run)
    return names.map((name) => settingInWords(name, values[name])).join(', ')
  })
  const alone = (labels: readonly string[]): boolean => new Set(labels).size === labels.length
  if (names.length > 0 && alone(told) && told.every((text) => text.length <= 60)) return told
  const folders = runs.map(({ folder }) => basename(folder))
  return alone(folders) ? folders : runs.map(({ folder }) => folder)
}

/** `update additive` */
export const settingInWords = (name: string, value: unknown): string => `${name} ${value ?? '–'}`

/** A number for each run: runs that differ in the seed alone share one. */
export function groupsOf(runs: readonly Run[]): number[] {
  const names = differences(runs)
  const keysOf = (names: readonly string[]): string[] =>
    runs.map(settingsOf).map((values) => JSON.stringify(names.map((name) => values[name])))
  if (new Set(keysOf(names)).size < runs.length) return runs.map((_, i) => i)
  const keys = keysOf(names.filter((name) => name !== 'seed'))
  const known = [...new Set(keys)]
  return keys.map((key) => known.indexOf(key))
}

/** Shown even at their defaults: what follows from the task, and what a reader looks for. */
const spoken = ['task', 'method', 'segments', 'segmentLength', 'steps', 'seed']

/** The command line that makes the same run again: every setting that is not the default. */
export function commandOf(run: Run): string {
  const values: Config = { ...settingsOf(run), ...(run.origin.device ? { device: run.origin.device } : {}) }
  const own = models[`${values.model ?? 'rmaat'}`]?.settings ?? {}
  const flags = Object.entries(values).flatMap(([name, value]) => {
    if (['vocabulary', 'classes', 'towers'].includes(name) || !Object.hasOwn(settings, name)) return []
    const standard = (own[name] ?? settings[name]).default
    return value === standard && !spoken.includes(name) ? [] : [flagOf(name), quoted(`${value}`)]
  })
  return [commandName, 'train', ...flags, ...(run.traces ? ['--trace'] : [])].join(' ')
}

/** A word of a command line, quoted for a shell. */
export const quoted = (text: string): string =>
  /^[\w./,:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** Where a fact is not known. */
export const UNKNOWN = '–'

/** `finished`, `stopped after 20 of 300 steps`, `failed: the disk is full` */
export function stateInWords({ state, message, steps, stepsAsked }: Facts): string {
  const so = `${count(steps)} of ${stepsAsked === null ? '?' : plural(stepsAsked, 'step')}`
  if (state === 'finished') return 'finished'
  if (state === 'stopped') return `stopped after ${so}`
  if (state === 'unfinished') return `no end so far, after ${so}`
  return `${state} after ${so}: ${message}`
}

export const orUnknown = <T>(value: T | null | undefined, write: (value: T) => string): string =>
  value === null || value === undefined ? UNKNOWN : write(value)

/** `50.7 – 72.6` */
export const intervalInWords = ({ accuracyInterval }: Facts): string =>
  orUnknown(accuracyInterval, (ends) => ends.map((end) => percent(end).slice(0, -2)).join(' – '))

/** The table of results: headings, and how each is found. */
export const resultColumns: readonly (readonly [heading: string, (facts: Facts) => string])[] = [
  ['task', ({ task }) => orUnknown(task, String)],
  ['method', ({ method }) => orUnknown(method, String)],
  ['steps', ({ steps }) => count(steps)],
  ['accuracy', ({ accuracy }) => orUnknown(accuracy, percent)],
  ['interval, 95\u00a0%', intervalInWords],
  ['of examples', ({ testExamples }) => (testExamples ? count(testExamples) : UNKNOWN)],
  ['most frequent answer', ({ majority }) => orUnknown(majority, percent)],
  ['test loss', ({ testLoss }) => orUnknown(testLoss, (loss) => loss.toFixed(3))],
  ['last loss', ({ loss }) => orUnknown(loss, (loss) => loss.toFixed(3))],
  ['step', ({ medianStep }) => orUnknown(medianStep, duration)],
  ['tokens/s', ({ tokensPerSecond }) => orUnknown(tokensPerSecond, count)],
]

/** A column more, of language models. */
export const bitsColumn = (facts: readonly Facts[]): typeof resultColumns =>
  facts.some(({ bitsPerByte }) => bitsPerByte !== null)
    ? [['bits per byte', ({ bitsPerByte }) => orUnknown(bitsPerByte, (bits) => bits.toFixed(3))]]
    : []

/** The table of memory. */
export const memoryColumns: typeof resultColumns = [
  ['planned', ({ plannedBytes }) => orUnknown(plannedBytes, bytes)],
  ['measured', ({ measuredBytes }) => orUnknown(measuredBytes, bytes)],
  [
    'measured / planned',
    ({ plannedBytes, measuredBytes }) =>
      plannedBytes && measuredBytes ? (measuredBytes / plannedBytes).toFixed(3) : UNKNOWN,
  ],
  ['arena', ({ memory }) => orUnknown(memory?.arena, bytes)],
  ['of it kept for replay', ({ memory }) => orUnknown(memory?.replay, bytes)],
  ['variables', ({ memory }) => orUnknown(memory?.variables, bytes)],
  ['inputs', ({ memory }) => orUnknown(memory?.inputs, bytes)],
  ['workspace', ({ memory }) => orUnknown(memory?.workspace, bytes)],
]
