import { Random, STREAM } from './random.ts'
import {
  about,
  checkRoom,
  MADE_HERE,
  type SettingsOf,
  seedSetting,
  segmentSettings,
  settingsOf,
  toggle,
} from './settings.ts'
import { type Example, made, showing, type Task } from './task.ts'

/**
 * Small tasks that cannot be solved without memory: what decides the label stands in one or two tokens among noise. They
 * are made as they are needed; no file is read. Training, validation and test draw from streams of their own, so equal
 * sequences are as rare as chance makes them: to be expected only of sequences of some ten tokens and less.
 */

const VALIDATION = 1000
const TEST = 2000

/** How many examples such a task has. */
export const SYNTHETIC_SIZES = `${VALIDATION} for validation, ${TEST} to test with; training examples without end`

/** A synthetic task: its symbols (that of id 1 first) and how one example is drawn, to test with or not. */
export interface Rules {
  readonly name: string
  readonly description: string
  readonly symbols: readonly string[]
  readonly classNames: readonly string[]
  readonly draw: (random: Random, testing: boolean) => Example
}

/** What every synthetic task is told. */
export interface Sizes {
  readonly segments: number
  readonly segmentLength: number
  readonly seed: number
}

/** The task of such rules. */
export function synthetic({ segments, segmentLength, seed }: Sizes, rules: Rules): Task {
  const { name, description, symbols, classNames, draw } = rules
  function* stream(seed: number, stream: number): Generator<Example, never> {
    const random = new Random(seed, stream)
    for (;;) yield draw(random, stream === STREAM.test)
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

/** Sequences fill the segments, and hold at least what decides and what asks. */
function lengthOf(task: string, sizes: Sizes): number {
  checkRoom(task, sizes, 2, 'a sequence')
  return sizes.segments * sizes.segmentLength
}

/** Token after token: `from` takes many times as long. */
export function drawn(length: number, draw: () => number): Uint8Array {
  const tokens = new Uint8Array(length)
  for (let place = 0; place < length; place++) tokens[place] = draw()
  return tokens
}

/** Symbols that mean nothing. */
export const NOISE = ['.', ',', ':', ';']
const CUES = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']

/** What there is to know of it. */
export const cueAbout = about({
  ...MADE_HERE,
  sizes: SYNTHETIC_SIZES,
  chance: 1 / 8,
  bag: 1,
  settings: {
    ...segmentSettings(8, 4),
    seed: seedSetting,
    anywhere: toggle('the cue stands anywhere before the last token, not in the first segment: much harder', false),
  },
})

/**
 * Cue recall: one of 8 cues stands at a random place of the first segment among noise, and the last token asks for it.
 * Label = the cue. Ids: 1..8 the cues, 9..12 noise, 13 the question.
 * @throws RmaatError 'config'
 */
export function cue(options: Partial<SettingsOf<typeof cueAbout.settings>> = {}): Task {
  const settings = settingsOf('cue', cueAbout.settings, options)
  const length = lengthOf('cue', settings)
  const { anywhere } = settings
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

/** What there is to know of it. */
export const orderAbout = about({
  ...MADE_HERE,
  sizes: SYNTHETIC_SIZES,
  chance: 1 / 9,
  bag: 0.69,
  settings: { ...segmentSettings(4, 16), seed: seedSetting },
})

/**
 * Temporal order: one of three symbols stands at a random place of each half of the sequence, among noise.
 * Label = 3 x the first + the second. Ids: 1..3 the symbols, 4..7 noise.
 * @throws RmaatError 'config'
 */
export function order(options: Partial<SettingsOf<typeof orderAbout.settings>> = {}): Task {
  const settings = settingsOf('order', orderAbout.settings, options)
  const length = lengthOf('order', settings)
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

/** What there is to know of it. */
export const addAbout = about({
  ...MADE_HERE,
  sizes: SYNTHETIC_SIZES,
  chance: 5 / 25, // the sum 4
  bag: 1,
  settings: { ...segmentSettings(4, 16), seed: seedSetting },
})

/**
 * Marked addition: every token is a digit 0..4, and two at random places are marked. Label = the sum of the marked ones.
 * Ids: 1..5 the digits unmarked, 6..10 marked.
 * @throws RmaatError 'config'
 */
export function add(options: Partial<SettingsOf<typeof addAbout.settings>> = {}): Task {
  const settings = settingsOf('add', addAbout.settings, options)
  const length = lengthOf('add', settings)
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
