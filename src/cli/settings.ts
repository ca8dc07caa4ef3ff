import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { deviceNames } from '../backends/open.ts'
import { MOST_THREADS } from '../backends/wasm/open.ts'
import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { rateSchedules } from '../optim/schedule.ts'
import { type ModelConfig, type Source, settingSources } from '../rmaat/config.ts'
import { decode, whyRefused } from '../runtime/files.ts'
import { type TaskName, tasks } from '../tasks/index.ts'
import { trainDefaults } from '../train/train.ts'
import type { Configuration } from '../train/weights.ts'
import { absolute, typed } from './paths.ts'

const count = z.number().int().min(1)
/** At this one AdamW moves every weight by about 1 in a step. */
const MOST_RATE = 1

/** Every setting beside the model's own: its range, its default, where that comes from, and what it means. */
const beside = {
  task: [
    z.enum(Object.keys(tasks) as [TaskName, ...TaskName[]]),
    'order',
    'choice',
    'what is learned: cue recall, temporal order, marked addition, ListOps, or classes of text',
  ],
  data: [
    z.string().min(1),
    undefined,
    'choice',
    'folder with the official files of listops or text; for text also one .tsv or .tsv.gz file',
  ],
  length: [count, undefined, 'choice', 'text: bytes kept of each text (the most: what the segments hold, or 4,000)'],
  columns: [
    z.string().min(1),
    undefined,
    'choice',
    'text: the columns of a line, such as label,-,text; the last one goes on over tabs (the first is the label, the last the text)',
  ],
  labels: [
    z.string().min(1),
    undefined,
    'choice',
    'text: the labels in the order of their classes, such as 1,2 (those found, the least first)',
  ],
  minLength: [count, undefined, 'choice', 'listops: the fewest tokens of an expression (16)'],
  maxLength: [count, undefined, 'choice', 'listops: the most tokens of an expression (48)'],
  maxDepth: [count, undefined, 'choice', 'listops: levels of an expression, that of its digits included (4)'],
  maxArguments: [count, undefined, 'choice', 'listops: the most operands of an operator (5)'],
  trainExamples: [count, undefined, 'choice', 'listops: train on so many expressions again and again (all are new)'],
  testExamples: [count, undefined, 'choice', 'at most so many test examples (all)'],
  method: [
    z.enum(['amrb', 'bptt']),
    trainDefaults.method,
    'paper',
    "how gradients are found: amrb replays from the memory tokens (the paper's), bptt keeps every activation",
  ],
  steps: [count, trainDefaults.steps, 'choice', 'training steps'],
  batch: [count, trainDefaults.batch, 'choice', 'sequences in a step'],
  slices: [
    count,
    undefined,
    'choice',
    "parts that a step cuts the batch into, 1 for all at once (as many as the device's cache asks for)",
  ],
  rate: [z.number().positive().max(MOST_RATE), trainDefaults.rate, 'choice', 'highest learning rate, of AdamW'],
  schedule: [z.enum(rateSchedules), trainDefaults.schedule, 'choice', 'how the rate falls after the warm-up'],
  warmUp: [z.number().min(0).max(1), trainDefaults.warmUp, 'choice', 'share of the steps in which the rate rises'],
  floor: [z.number().min(0).max(1), trainDefaults.floor, 'choice', 'share of the highest rate that is left at the end'],
  decay: [z.number().min(0).max(100), trainDefaults.decay, 'choice', 'weight decay of matrices'],
  clip: [
    z.number().positive().max(1e30),
    trainDefaults.clip,
    'choice',
    "the gradient's largest norm (a large one, such as 1e30, for none)",
  ],
  device: [z.enum(deviceNames), 'auto', 'choice', 'what computes; auto takes the fastest that is here'],
  threads: [count.max(MOST_THREADS), undefined, 'choice', 'wasm: threads that compute (one for each core)'],
} as const

type Beside = { readonly [Key in keyof typeof beside]: z.infer<(typeof beside)[Key][0]> }

/** The settings that flags and files have given; what is not among them keeps its default. */
export type Given = Partial<ModelConfig & Beside>
export type SettingName = keyof Given

interface Setting {
  readonly schema: z.ZodType
  readonly default: unknown
  readonly source: Source
  readonly meaning: string
}

const fromTask = 'follows from the task'

/** Every setting of the command. A flag, a key of a `--config` file and an entry of config.json share its name. */
export const settings = {
  ...Object.fromEntries(
    Object.entries(beside).map(([name, [schema, value, source, meaning]]) => [
      name,
      { schema, default: value, source, meaning },
    ]),
  ),
  ...settingSources,
  segments: {
    ...settingSources.segments,
    default: undefined,
    meaning: `${settingSources.segments.meaning}; ${fromTask}`,
  },
  segmentLength: {
    ...settingSources.segmentLength,
    default: undefined,
    meaning: `${settingSources.segmentLength.meaning}; ${fromTask}`,
  },
  seed: {
    ...settingSources.seed,
    meaning: 'of initial weights, dropout, order of the examples, and generated examples',
  },
} as Readonly<Record<SettingName, Setting>>

export const taskSettings = [
  'task',
  'data',
  'segments',
  'segmentLength',
  'length',
  'columns',
  'labels',
  'minLength',
  'maxLength',
  'maxDepth',
  'maxArguments',
  'trainExamples',
] as const satisfies SettingName[]

export const modelSettings = [
  'memory',
  'width',
  'layers',
  'heads',
  'features',
  'feedForward',
  'attention',
  'alpha',
  'learnScale',
  'scale',
  'norm',
  'update',
  'retention',
  'loss',
  'dropout',
] as const satisfies SettingName[]

export const rateSettings = ['rate', 'schedule', 'warmUp', 'floor', 'decay'] as const satisfies SettingName[]
/** All that `train` takes of it; `explain` takes the same, so that a command line serves both. */
export const trainingSettings: readonly SettingName[] = [
  'method',
  'steps',
  'batch',
  'slices',
  ...rateSettings,
  'clip',
  'seed',
  'device',
  'threads',
]

/** segmentLength -> --segment-length */
const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** Adds the flags of settings to a command, under a heading in its help. */
export function addSettings(command: Command, heading: string, names: readonly SettingName[]): Command {
  for (const name of names) {
    const { schema, default: value, source, meaning } = settings[name]
    const whose = source === 'paper' ? "the paper's" : 'ours'
    const help = value === undefined ? meaning : `${meaning} [${value}, ${whose}]`
    command.addOption(
      new Option(`${flagOf(name)} <${placeholder(schema)}>`, help)
        .argParser((text) => check(name, parse(schema, text), flagOf(name)))
        .helpGroup(heading),
    )
  }
  return command
}

function placeholder(schema: z.ZodType): string {
  if (schema instanceof z.ZodEnum) return schema.options.join('|')
  if (schema instanceof z.ZodBoolean) return 'true|false'
  return schema instanceof z.ZodString ? 'text' : 'n'
}

/** What was typed, as the type that the setting has; text that is none of it stays text, for the error. */
function parse(schema: z.ZodType, text: string): unknown {
  if (schema instanceof z.ZodBoolean) return text === 'true' ? true : text === 'false' ? false : text
  if (!(schema instanceof z.ZodNumber)) return text
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
}

export function check(name: SettingName, value: unknown, where: string): unknown {
  const checked = settings[name].schema.safeParse(value)
  if (checked.success) return checked.data
  const expected = checked.error.issues[0].message.replace(/^[A-Z][a-z ]*: /, '')
  throw new RmaatError('config', `${where} is ${shown(value)}: ${expected}`)
}

export const addConfigFile = (command: Command): Command =>
  command.option(
    '--config <file>',
    'JSON file with any of the settings by name (segmentLength for --segment-length), such as the config.json of a run; flags win',
  )

/** The settings of a command line: those of its `--config` file, and over them those of its flags. */
export function givenSettings(options: Readonly<Record<string, unknown>>): Given {
  const flags = Object.entries(options).filter(([name]) => name in settings)
  const file = typeof options.config === 'string' ? readConfigFile(options.config) : {}
  const given: Given = { ...file, ...Object.fromEntries(flags) }
  // what is kept of it must be found again from another folder
  return given.data === undefined ? given : { ...given, data: absolute(given.data) }
}

function readConfigFile(path: string): Given {
  const fail = (message: string, cause?: unknown): never => {
    throw new RmaatError('config', `${path}: ${message}`, { cause })
  }
  let bytes = new Uint8Array()
  try {
    bytes = readFileSync(typed(path))
  } catch (cause) {
    fail(`expected a JSON file, but ${whyRefused(cause)}`, cause)
  }
  let content: unknown
  try {
    content = JSON.parse(decode(bytes, path))
  } catch (cause) {
    fail(`expected a JSON object: ${(cause as Error).message}`, cause)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    fail('expected a JSON object of settings by name')
  }
  return Object.fromEntries(
    Object.entries(content as object).map(([name, entry]) => {
      if (!Object.hasOwn(settings, name)) {
        fail(`no setting is called ${name}; there are ${Object.keys(settings).join(', ')}`)
      }
      // config.json of a run tags each value
      const tagged = typeof entry === 'object' && entry !== null && 'value' in entry
      return [name, check(name as SettingName, tagged ? entry.value : entry, `${path}: ${name}`)]
    }),
  ) as Given
}

/** What the command has to decide, with the defaults where nothing was given; those of the task are not among them. */
export function withDefaults(given: Given) {
  const defaults = Object.fromEntries(Object.entries(beside).map(([name, [, value]]) => [name, value]))
  return { seed: settingSources.seed.default, ...defaults, ...given } as Given & Required<Pick<Given, Decided>>
}
type Decided =
  | 'task'
  | 'method'
  | 'steps'
  | 'batch'
  | 'rate'
  | 'schedule'
  | 'warmUp'
  | 'floor'
  | 'decay'
  | 'clip'
  | 'device'
  | 'seed'

/** Settings beside the model's as config.json has them: each value with where it comes from and what it means. */
export function taggedBeside(values: Given): Configuration {
  const names = (Object.keys(beside) as (keyof Beside)[]).filter((name) => values[name] !== undefined)
  return Object.fromEntries(
    names.map((name) => {
      const { default: standard, source, meaning } = settings[name]
      const value = values[name]
      return [name, { value, source: value === standard ? source : 'choice', meaning }]
    }),
  )
}
