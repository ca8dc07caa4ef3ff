import type { Random } from './random.ts'
import { about, MADE_HERE, type SettingsOf, seedSetting, segmentSettings, settingsOf } from './settings.ts'
import { drawn, type Sizes, SYNTHETIC_SIZES, synthetic } from './synthetic.ts'
import type { Example, Task } from './task.ts'

/** What there is to know of it. */
export const parityAbout = about({
  ...MADE_HERE,
  sizes: SYNTHETIC_SIZES,
  chance: 1 / 2,
  bag: 0.5,
  settings: { ...segmentSettings(4, 16), seed: seedSetting },
})

/**
 * Parity: the sequence is bits; label = whether an odd number of them is 1. Every token asks for the parity up to it. Ids: 1
 * for a zero, 2 for a one.
 * @throws RmaatError 'config'
 */
export function parity(options: Partial<SettingsOf<typeof parityAbout.settings>> = {}): Task {
  const settings = settingsOf('parity', parityAbout.settings, options)
  return synthetic(settings, {
    name: 'parity',
    description: 'say whether an odd number of bits is one',
    symbols: ['0', '1'],
    classNames: ['even', 'odd'],
    draw: (random) => tracked(random, settings, 2, (state, input) => state ^ input),
  })
}

/** What there is to know of it. */
export const s3About = about({ ...parityAbout, chance: 1 / 6, bag: 0.17 })

/** Where each of three things goes, for the six permutations; the first changes nothing. */
const PERMUTATIONS = ['123', '132', '213', '231', '312', '321']
/** What two permutations do, one after the other: after `first`, what stands at place i is what stood at first[i]. */
const PRODUCTS = PERMUTATIONS.map((first) =>
  PERMUTATIONS.map((second) => PERMUTATIONS.indexOf(Array.from(second, (place) => first[Number(place) - 1]).join(''))),
)

/**
 * State tracking: the sequence is permutations of three things, done one after another; label = what they come to, one of six.
 * The order matters (the group S3), so no count of the tokens tells it. Every token asks for the permutation up to it.
 * (Merrill, Petty and Sabharwal 2024 tell models by such tasks.) Ids: 1..6 the permutations in the order of their digits.
 * @throws RmaatError 'config'
 */
export function s3(options: Partial<SettingsOf<typeof s3About.settings>> = {}): Task {
  const settings = settingsOf('s3', s3About.settings, options)
  return synthetic(settings, {
    name: 's3',
    description: 'say what permutations of three things come to, one after another',
    symbols: PERMUTATIONS,
    classNames: PERMUTATIONS,
    draw: (random) => tracked(random, settings, PERMUTATIONS.length, (state, input) => PRODUCTS[state][input]),
  })
}

/** Random inputs, and the state after each, which begins at 0. */
function tracked(
  random: Random,
  { segments, segmentLength }: Sizes,
  inputs: number,
  next: (state: number, input: number) => number,
): Example {
  const tokens = drawn(segments * segmentLength, () => 1 + random.integer(inputs))
  let state = 0
  const labels = Int8Array.from(tokens, (token) => {
    state = next(state, token - 1)
    return state
  })
  return { tokens, labels, label: state }
}
