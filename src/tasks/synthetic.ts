import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { Random, STREAM } from './random.ts'
import { checkIntegers, SEED_RANGE, SEGMENT_RANGES, settingsOf } from './settings.ts'
import { type Example, made, showing, type Task } from './task.ts'

/**
 * Three small tasks that cannot be solved without memory: each sequence fills T segments of S tokens, and what decides
 * the label stands in one or two tokens among noise. They are made as they are needed; no file is read. Training,
 * validation and test draw from streams of their own, so equal sequences are as rare as chance makes them: to be expected
 * only of sequences of some ten tokens and less.
 */
export interface SyntheticSettings {
  /** T */
  segments: number
  /** S */
  segmentLength: number
  /** Fixes the validation and test sets. */
  seed: number
}

export interface CueSettings extends SyntheticSettings {
  /** The cue stands anywhere before the last token, not in the first segment. Much harder. */
  anywhere: boolean
}

const VALIDATION = 1000
const TEST = 2000

/** A synthetic task: its symbols (that of id 1 first) and how one example is drawn. */
interface Rules {
  readonly name: string
  readonly description: string
  readonly symbols: readonly string[]
  readonly classNames: readonly string[]
  readonly draw: (random: Random) => Example
}

function synthetic({ segments, segmentLength, seed }: SyntheticSettings, rules: Rules): Task {
  const { name, description, symbols, classNames, draw } = rules
  function* stream(seed: number, stream: number): Generator<Example, never> {
    const random = new Random(seed, stream)
    for (;;) yield draw(random)
  }
  return {
    name,
    description,
    vocabulary: symbols.length + 1,
    classes: classNames.length,
    classNames,
    segments,
    segmentLength,
    train: (seed) => stream(seed, STREAM.train),
    validation: made(() => stream(seed, STREAM.validation), VALIDATION),
    test: made(() => stream(seed, STREAM.test), TEST),
    show: showing((tokens) => Array.from(tokens, (token) => symbols[token - 1] ?? '_').join(' ')),
  }
}

function check(task: string, settings: SyntheticSettings): number {
  checkIntegers(task, settings, { ...SEGMENT_RANGES, seed: SEED_RANGE })
  const length = settings.segments * settings.segmentLength
  if (length < 2)
    throw new RmaatError('config', `${task}: segments x segmentLength is ${length}; it must be at least 2`)
  return length
}

/** Token after token: `from` takes many times as long. */
function drawn(length: number, draw: () => number): Uint8Array {
  const tokens = new Uint8Array(length)
  for (let place = 0; place < length; place++) tokens[place] = draw()
  return tokens
}

const NOISE = ['.', ',', ':', ';']
const CUES = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']

/**
 * Cue recall: one of 8 cues stands at a random place of the first segment among noise, and the last token asks for it.
 * Label = the cue. Ids: 1..8 the cues, 9..12 noise, 13 the question.
 * @throws RmaatError 'config'
 */
export function cue(options: Partial<CueSettings> = {}): Task {
  const settings = settingsOf('cue', { segments: 8, segmentLength: 4, seed: 0, anywhere: false }, options)
  const length = check('cue', settings)
  const { anywhere } = settings
  if (typeof anywhere !== 'boolean') {
    throw new RmaatError('config', `cue: anywhere is ${shown(anywhere)}; it must be true or false`)
  }
  const places = anywhere ? length - 1 : Math.min(settings.segmentLength, length - 1)
  return synthetic(settings, {
    name: 'cue',
    description: `say which of 8 cues stood ${anywhere ? 'among the noise' : 'in the first segment'}`,
    symbols: [...CUES, ...NOISE, '?'],
    classNames: CUES,
    draw(random) {
      const tokens = drawn(length, () => 9 + random.integer(NOISE.length))
      const label = random.integer(CUES.length)
      tokens[random.integer(places)] = 1 + label
      tokens[length - 1] = 13
      return { tokens, label }
    },
  })
}

const SYMBOLS = ['A', 'B', 'C']

/**
 * Temporal order: one of three symbols stands at a random place of each half of the sequence, among noise.
 * Label = 3 x the first + the second. Ids: 1..3 the symbols, 4..7 noise.
 * @throws RmaatError 'config'
 */
export function order(options: Partial<SyntheticSettings> = {}): Task {
  const settings = settingsOf('order', { segments: 4, segmentLength: 16, seed: 0 }, options)
  const length = check('order', settings)
  const half = Math.floor(length / 2)
  return synthetic(settings, {
    name: 'order',
    description: 'say which of 3 symbols stood in the first half, and which in the second',
    symbols: [...SYMBOLS, ...NOISE],
    classNames: SYMBOLS.flatMap((first) => SYMBOLS.map((second) => first + second)),
    draw(random) {
      const tokens = drawn(length, () => 4 + random.integer(NOISE.length))
      const label = random.integer(9)
      tokens[random.integer(half)] = 1 + Math.floor(label / 3)
      tokens[half + random.integer(length - half)] = 1 + (label % 3)
      return { tokens, label }
    },
  })
}

const DIGITS = ['0', '1', '2', '3', '4']

/**
 * Marked addition: every token is a digit 0..4, and two at random places are marked. Label = the sum of the marked ones.
 * Ids: 1..5 the digits unmarked, 6..10 marked.
 * @throws RmaatError 'config'
 */
export function add(options: Partial<SyntheticSettings> = {}): Task {
  const settings = settingsOf('add', { segments: 4, segmentLength: 16, seed: 0 }, options)
  const length = check('add', settings)
  return synthetic(settings, {
    name: 'add',
    description: 'add up the two marked digits',
    symbols: [...DIGITS, ...DIGITS.map((digit) => `${digit}*`)],
    classNames: Array.from({ length: 9 }, (_, sum) => String(sum)),
    draw(random) {
      const tokens = drawn(length, () => 1 + random.integer(DIGITS.length))
      const first = random.integer(length)
      const second = (first + 1 + random.integer(length - 1)) % length // any place but the first one's
      const label = tokens[first] - 1 + tokens[second] - 1
      tokens[first] += 5
      tokens[second] += 5
      return { tokens, label }
    },
  })
}
