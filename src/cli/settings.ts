import { type Command, Option } from 'commander'
import { deviceNames } from '../backends/open.ts'
import { MOST_THREADS } from '../backends/sizes.ts'
import { aShare } from '../checks.ts'
import { models } from '../models/index.ts'
import { type Configuration, modelSetting } from '../models/weights.ts'
import { methods } from '../nn/model.ts'
import { rateSchedules } from '../optim/schedule.ts'
import {
  checkSetting,
  choiceOf,
  type Range,
  real,
  type Setting,
  settingsOf,
  text,
  type ValuesOf,
  whole,
} from '../settings.ts'
import { abouts, type TaskName, tasks } from '../tasks/index.ts'
import { trainDefaults } from '../train/train.ts'

const count = whole(1)
const share = real(aShare.words, aShare.fits)
const above0 = (most: number) => real(`a number above 0, of at most ${most}`, (value) => value > 0 && value <= most)
/** At this one AdamW moves every weight by about 1 in a step. */
const MOST_RATE = 1

/** Steps or minutes between checkpoints. */
const everyRange: Range<string> = {
  words: 'a whole number of steps, or of minutes as in 5min',
  fits: (value): value is string => typeof value === 'string' && /^[1-9][0-9]{0,8}(?:min)?$/.test(value),
  written: 'text',
}

/** Every setting beside the model's own: its range, its default, where that comes from, and what it means. */
const beside = {
  task: [choiceOf(Object.keys(tasks) as TaskName[]), 'order', 'choice', 'what is learned; `tasks` lists them'],
  testExamples: [count, undefined, 'choice', 'at most so many test examples (all)'],
  weights: [
    text,
    undefined,
    'choice',
    'a file of weights to begin with; its model and its task, as far as nothing else is said',
  ],
  trains: [
    text,
    undefined,
    'choice',
    "what of the model is trained, by its parameters' names or parts of these, such as head,blocks.1 (all)",
  ],
  method: [
    choiceOf(methods),
    trainDefaults.method,
    'paper',
    "how gradients are found: amrb replays from the memory tokens (the paper's), bptt keeps every activation, truncated looks back over the last segments alone",
  ],
  keep: [whole(0), undefined, 'choice', 'amrb: of how many of the last segments activations are kept (0)'],
  hold: [
    whole(0),
    undefined,
    'choice',
    'amrb: how many intermediate values of every other segment are held, first what saves the most work for its size (0)',
  ],
  memoryBudget: [
    text,
    undefined,
    'choice',
    'amrb: hold and keep as much as fits into so much memory, such as 64MiB, as far as planned',
  ],
  reach: [count, undefined, 'choice', 'truncated: segments through which the gradient flows back'],
  steps: [count, trainDefaults.steps, 'choice', 'training steps'],
  batch: [count, trainDefaults.batch, 'choice', 'sequences in a step'],
  slices: [
    count,
    undefined,
    'choice',
    "parts that a step cuts the batch into, 1 for all at once (as many as the device's cache asks for)",
  ],
  rate: [above0(MOST_RATE), trainDefaults.rate, 'choice', 'highest learning rate, of AdamW'],
  schedule: [choiceOf(rateSchedules), trainDefaults.schedule, 'choice', 'how the rate falls after the warm-up'],
  warmUp: [share, trainDefaults.warmUp, 'choice', 'share of the steps in which the rate rises'],
  floor: [share, trainDefaults.floor, 'choice', 'share of the highest rate that is left at the end'],
  decay: [
    real('a number from 0 to 100', (value) => value >= 0 && value <= 100),
    trainDefaults.decay,
    'choice',
    'weight decay of matrices',
  ],
  clip: [
    above0(1e30),
    trainDefaults.clip,
    'choice',
    "the gradient's largest norm (a large one, such as 1e30, for none)",
  ],
  patience: [
    count,
    trainDefaults.patience,
    'choice',
    'steps in a row that change nothing, their loss or gradient not being finite, until the training fails',
  ],
  checkpointEvery: [
    everyRange,
    undefined,
    'choice',
    'how often the whole state is saved, in steps such as 100 or in minutes such as 5min (10min)',
  ],
  validationExamples: [
    count,
    undefined,
    'choice',
    'held-out examples that are tested at each checkpoint; the best one is kept by them (else by the loss of its steps)',
  ],
  device: [choiceOf(deviceNames), 'auto', 'choice', 'what computes; auto takes the fastest that is here'],
  threads: [whole(1, MOST_THREADS), undefined, 'choice', 'wasm: threads that compute (one for each core)'],
} as const

/** The settings that flags and files have given; what is not among them keeps its default. Those of tasks and models have any names. */
export type Given = Partial<ValuesOf<typeof beside>> & {
  readonly model?: string
  readonly segments?: number
  readonly segmentLength?: number
  readonly seed?: number
  readonly data?: string
} & { readonly [name: string]: unknown }
export type SettingName = string

/** Where a task reads files it says so by a path, which is `--data` here. */
export const settingName = (name: string): SettingName => (name === 'path' || name === 'folder' ? 'data' : name)

/** What one of two settings of the same name takes; the task itself takes no more than its own. */
const either = (one: Range<unknown>, other: Range<unknown>): Range<unknown> => ({
  ...other,
  words: one.words === other.words ? one.words : `${one.words}, or ${other.words}`,
  fits: (value): value is unknown => one.fits(value) || other.fits(value),
})

/** The settings of all tasks, by their names here; what it means in each, where it does not mean the same in all. */
const ofTasks: Record<SettingName, Setting> = {}
for (const [task, { settings }] of Object.entries(abouts)) {
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    if (['segments', 'segmentLength', 'seed'].includes(name)) continue
    const own = settingName(name)
    const { [own]: known } = ofTasks
    const standard = setting.default === undefined ? '' : ` (${setting.default})`
    const meaning = `${task}: ${setting.meaning}${standard}`
    ofTasks[own] = known
      ? { ...known, range: either(known.range, setting.range), meaning: `${known.meaning}; ${meaning}` }
      : { ...setting, default: undefined, meaning }
  }
}

/** The settings of all models; of one name the first. */
const ofModels: Readonly<Record<string, Setting>> = Object.assign(
  {},
  ...Object.values(models)
    .map(({ settings }) => settings)
    .reverse(),
)
const { segments, segmentLength, seed, vocabulary, classes, towers, ...others } = ofModels
const followsFromTask = (setting: Setting): Setting => ({
  ...setting,
  default: undefined,
  meaning: `${setting.meaning}; follows from the task`,
})

/** Every setting of the command. A flag, a key of a `--config` file and an entry of config.json share its name. */
export const settings: Readonly<Record<SettingName, Setting>> = {
  ...settingsOf(beside),
  ...ofTasks,
  model: modelSetting,
  ...others,
  segments: followsFromTask(segments),
  segmentLength: followsFromTask(segmentLength),
  towers: followsFromTask(towers),
  vocabulary,
  classes,
  seed: { ...seed, meaning: 'of initial weights, dropout, order of the examples, and generated examples' },
}

export const taskSettings: readonly SettingName[] = ['task', 'segments', 'segmentLength', ...Object.keys(ofTasks)]

/** Whether a model reads segments one after another: where nothing recurs there is one way to find gradients. */
export const recurs = (model: string): boolean => models[model]?.settings.memory !== undefined

export const modelSettings: readonly SettingName[] = [
  'model',
  ...Object.keys(models.rmaat.settings).filter((name) => name in others),
  ...Object.keys(others).filter((name) => !(name in models.rmaat.settings)),
]

/** All that `train` takes of it; `explain` takes the same, so that a command line serves both. */
export const trainingSettings: readonly SettingName[] = [
  'weights',
  'trains',
  'method',
  'keep',
  'hold',
  'memoryBudget',
  'reach',
  'steps',
  'batch',
  'slices',
  'rate',
  'schedule',
  'warmUp',
  'floor',
  'decay',
  'clip',
  'patience',
  'checkpointEvery',
  'validationExamples',
  'seed',
  'device',
  'threads',
]

/** segmentLength -> --segment-length */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** Adds the flags of settings to a command, under a heading in its help. */
export function addSettings(command: Command, heading: string, names: readonly SettingName[]): Command {
  for (const name of names) {
    const { range, default: value, source, meaning } = settings[name]
    const whose = source === 'paper' ? "the paper's" : 'ours'
    const help = `${meaning}${namesOf(range)}${value === undefined ? '' : ` [${value}, ${whose}]`}`
    command.addOption(
      new Option(`${flagOf(name)} <${placeholder(range)}>`, help)
        .argParser((text) => check(name, parse(range, text), flagOf(name)))
        .helpGroup(heading),
    )
  }
  return command
}

const hasMany = ({ written }: Range<unknown>): boolean => typeof written !== 'string' && written.length > 5

/** The names that there are, for the help, where they are too many for a placeholder. */
export const namesOf = (range: Range<unknown>): string =>
  hasMany(range) ? ` (${(range.written as readonly string[]).join(', ')})` : ''

const placeholder = (range: Range<unknown>): string => {
  const { written } = range
  if (typeof written !== 'string') return hasMany(range) ? 'name' : written.join('|')
  return written === 'number' ? 'n' : written
}

/** What was typed, as the type that the setting has; text that is none of it stays text, for the error. */
function parse({ written }: Range<unknown>, text: string): unknown {
  if (written === 'true|false') return text === 'true' ? true : text === 'false' ? false : text
  if (written !== 'number') return text
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
}

export const check = (name: SettingName, value: unknown, where: string): unknown =>
  checkSetting(settings[name], value, where)

/** What the command has to decide, with the defaults where nothing was given; those of the task are not among them. */
export function withDefaults(given: Given) {
  const names = ['seed', 'model', ...Object.keys(beside)]
  const defaults = Object.fromEntries(names.map((name) => [name, settings[name].default]))
  return { ...defaults, ...given } as Given & Required<Pick<Given, Decided>>
}
type Decided =
  | 'task'
  | 'model'
  | 'method'
  | 'steps'
  | 'batch'
  | 'rate'
  | 'schedule'
  | 'warmUp'
  | 'floor'
  | 'decay'
  | 'clip'
  | 'patience'
  | 'device'
  | 'seed'

/** Settings beside the model's as config.json has them: each value with where it comes from and what it means. */
export function taggedBeside(values: Given): Configuration {
  const { settings: ofModel } = models[values.model ?? modelSetting.default]
  const names = ['segments', 'segmentLength', ...Object.keys(beside), ...Object.keys(ofTasks)].filter(
    (name) => values[name] !== undefined && !Object.hasOwn(ofModel, name),
  )
  return Object.fromEntries(
    names.map((name) => {
      const { default: standard, source, meaning } = settings[name]
      const value = values[name]
      return [name, { value, source: value === standard ? source : 'choice', meaning }]
    }),
  )
}
