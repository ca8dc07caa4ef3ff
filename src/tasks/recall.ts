import { RmaatError } from '../errors.ts'
import {
  about,
  checkRoom,
  MADE_HERE,
  type SettingsOf,
  seedSetting,
  segmentSettings,
  settingsOf,
  whole,
} from './settings.ts'
import { NOISE, SYNTHETIC_SIZES, synthetic } from './synthetic.ts'
import type { Task } from './task.ts'

/** What there is to know of it. */
export const mqarAbout = about({
  ...MADE_HERE,
  sizes: SYNTHETIC_SIZES,
  chance: undefined, // one of the symbols
  bag: 0.03,
  settings: {
    ...segmentSettings(8, 32),
    symbols: whole([2, 65535], 'different symbols, each of which may be a key or a value', 64),
    fewest: whole([1, 65535], 'the fewest pairs of a sequence', 4),
    pairs: whole([1, 65535], 'the most pairs of a sequence to train on or to choose by', 16),
    testPairs: whole([1, 65535], 'pairs of every sequence to test with', 64),
    seed: seedSetting,
  },
})

/**
 * Associative recall of many pairs (Arora and others 2023): keys and values by turns, a `?`, then every key once more in a
 * random order; each of these asks for its value, and the label is that of the last. Keys and values are of one vocabulary,
 * and all keys of a sequence differ. Sequences to train on have `fewest` to `pairs` pairs, those to test with `testPairs`.
 * Ids: 1..symbols the symbols, symbols + 1 the `?`; class = symbol, from 0.
 * @throws RmaatError 'config'
 */
export function mqar(options: Partial<SettingsOf<typeof mqarAbout.settings>> = {}): Task {
  const settings = settingsOf('mqar', mqarAbout.settings, options)
  const { symbols, fewest, pairs, testPairs } = settings
  const most = Math.max(pairs, testPairs)
  if (fewest > pairs || most > symbols) {
    const found = `fewest is ${fewest}, pairs ${pairs}, testPairs ${testPairs}, symbols ${symbols}`
    throw new RmaatError(
      'config',
      `mqar: ${found}; fewest must be at most pairs, and pairs and testPairs at most symbols`,
    )
  }
  checkRoom('mqar', settings, 3 * most + 1, 'the longest sequence')
  const names = numbered(symbols)
  const all = Uint32Array.from(names.keys())
  return synthetic(settings, {
    name: 'mqar',
    description: `say which value went with a key, of ${fewest} to ${pairs} pairs (${testPairs} to test with)`,
    symbols: [...names, '?'],
    classNames: names,
    draw(random, testing) {
      const count = testing ? testPairs : fewest + random.integer(pairs - fewest + 1)
      const keys = random.shuffle(all.slice()).slice(0, count)
      const values = keys.map(() => random.integer(symbols))
      const tokens = new Uint32Array(3 * count + 1)
      const labels = new Int32Array(tokens.length).fill(-1)
      for (let i = 0; i < count; i++) tokens.set([1 + keys[i], 1 + values[i]], 2 * i)
      tokens[2 * count] = symbols + 1
      random.shuffle(Uint32Array.from(keys.keys())).forEach((pair, i) => {
        tokens[2 * count + 1 + i] = 1 + keys[pair]
        labels[2 * count + 1 + i] = values[pair]
      })
      return { tokens, labels, label: labels[labels.length - 1] }
    },
  })
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

const copySettings = {
  symbols: whole([2, 65535], 'different symbols', 8),
  length: whole([1, 2 ** 24], 'symbols to copy', 16),
}

/** What there is to know of it. */
export const copyAbout = about({
  ...MADE_HERE,
  sizes: SYNTHETIC_SIZES,
  chance: 1 / 8, // of the default number of symbols
  bag: 0.25,
  settings: { ...segmentSettings(4, 16), ...copySettings, seed: seedSetting },
})

/**
 * Copying: symbols, a `>`, and so many blanks as the label asks for: at the first blank the first symbol is wanted, at the
 * next one the second, and so on. The sequence ends at a random one, so that the last blank asks for any of them.
 * Ids: 1..symbols the symbols, then noise, `>` and the blank; class = symbol, from 0.
 * @throws RmaatError 'config'
 */
export function copy(options: Partial<SettingsOf<typeof copyAbout.settings>> = {}): Task {
  const settings = settingsOf('copy', copyAbout.settings, options)
  return copying('copy', 'repeat symbols', settings, settings.length)
}

/** What there is to know of it. */
export const selectiveCopyAbout = about({
  ...copyAbout,
  settings: {
    ...copyAbout.settings,
    ...segmentSettings(8, 16),
    spread: whole([1, 2 ** 24], 'tokens among which the symbols stand, the others being noise', 96),
  },
})

/**
 * Selective copying: as copying, but the symbols stand at random places among noise (Gu and Dao 2023).
 * @throws RmaatError 'config'
 */
export function selectiveCopy(options: Partial<SettingsOf<typeof selectiveCopyAbout.settings>> = {}): Task {
  const settings = settingsOf('selective-copy', selectiveCopyAbout.settings, options)
  const { length, spread } = settings
  if (spread < length) {
    throw new RmaatError(
      'config',
      `selective-copy: spread is ${spread}; it must be at least length, which is ${length}`,
    )
  }
  return copying('selective-copy', 'repeat symbols that stand among noise', settings, spread)
}

type Copying = SettingsOf<typeof copyAbout.settings>

function copying(name: string, what: string, settings: Copying, spread: number): Task {
  const { symbols, length } = settings
  checkRoom(name, settings, spread + 1 + length, 'the longest sequence')
  const names = numbered(symbols)
  const [noise, go, blank] = [1 + symbols, 1 + symbols + NOISE.length, 2 + symbols + NOISE.length]
  return synthetic(settings, {
    name,
    description: `${what}: say which of ${length} is asked for`,
    symbols: [...names, ...NOISE, '>', '_'],
    classNames: names,
    draw(random) {
      const wanted = 1 + random.integer(length)
      const tokens = new Uint32Array(spread + 1 + wanted).fill(blank)
      const labels = new Int32Array(tokens.length).fill(-1)
      tokens[spread] = go
      let found = 0
      for (let place = 0; place < spread; place++) {
        // each place is as likely as any other to be among those that are left to be chosen
        if (random.integer(spread - place) >= length - found) {
          tokens[place] = noise + random.integer(NOISE.length)
          continue
        }
        const symbol = random.integer(symbols)
        tokens[place] = 1 + symbol
        if (found < wanted) labels[spread + 1 + found] = symbol
        found++
      }
      return { tokens, labels, label: labels[labels.length - 1] }
    },
  })
}
