import { anObject } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { CLOSE, OPERATOR_0, VOCABULARY, write } from './listops-expression.ts'
import { readExpressions } from './listops-files.ts'
import { expressions, longestLength } from './listops-generator.ts'
import { Random, STREAM } from './random.ts'
import {
  about,
  checkRoom,
  type SettingsOf,
  seedSetting,
  segmentSettings,
  settingsOf,
  trainExamplesSetting,
  whole,
  written,
} from './settings.ts'
import { countsInWords, type Example, type Examples, epochs, majority, showing, type Task, take } from './task.ts'

const VALIDATION = 1000
const TEST = 2000

/** What there is to know of it. */
export const listopsAbout = about({
  source:
    'made here by the rule of Long Range Arena, or its files basic_train.tsv, basic_val.tsv and basic_test.tsv ' +
    '(lra_release.gz of github.com/google-research/long-range-arena)',
  sizes: `generated: ${VALIDATION} for validation, ${TEST} to test with; the files: 96,000 to train on, 2,000, 2,000`,
  chance: 0.17, // the most frequent value
  bag: 0.34,
  licence: 'generated: none needed; the files: Apache-2.0',
  settings: {
    folder: written('path', 'folder with the published files; the settings below are of expressions made here'),
    ...segmentSettings(4, 12),
    minLength: whole([1, 65536], 'the fewest tokens of an expression', 16),
    maxLength: whole([1, 65536], 'the most tokens of an expression', 48),
    maxDepth: whole([1, 100], 'levels of an expression, that of its digits included', 4),
    maxArguments: whole([2, 1000], 'the most operands of an operator', 5),
    trainExamples: trainExamplesSetting,
    seed: seedSetting,
  },
})
const { folder: folderSetting, segments, segmentLength, ...others } = listopsAbout.settings
/** Those of expressions made here, and those of files. */
const madeSettings = { segments, segmentLength, ...others }
const fileSettings = { folder: folderSetting, segments, segmentLength: { ...segmentLength, default: 512 } }

/**
 * Expressions made here. The defaults are a small version for demonstrations, 16..48 tokens with operators at most three
 * deep (maxDepth 4, as digits count as a level); LONG_RANGE_ARENA has the limits of the benchmark. T x S tokens must hold
 * maxLength.
 */
export type GeneratedListops = SettingsOf<typeof madeSettings>
/** The published files of Long Range Arena, or others of their form: see readExpressions. */
export type ListopsFolder = SettingsOf<typeof fileSettings>
type FolderOptions = Partial<ListopsFolder> & { folder: string }
export type ListopsOptions = Partial<GeneratedListops> | FolderOptions

/**
 * ListOps: the value, 0..9, of a nested expression of minima, maxima, medians and sums modulo 10 (Nangia and Bowman 2018;
 * Tay and others 2020). Of expressions made here, training never shows one of the validation or test set; the sets of a
 * folder are taken as they are. Ids: see Expression.
 * @throws RmaatError 'config' for settings, 'data' for files
 */
export async function listops(options: ListopsOptions = {}): Promise<Task> {
  const { splits, segments, segmentLength } = readsFolder(options) ? await fromFolder(options) : generated(options)
  return {
    name: 'listops',
    description: 'evaluate a nested expression of MIN, MAX, MED and SM (the sum modulo 10) over digits',
    vocabulary: VOCABULARY,
    classes: 10,
    classNames: Array.from({ length: 10 }, (_, value) => String(value)),
    segments,
    segmentLength,
    ...splits,
    show: showing(write),
  }
}

const readsFolder = (options: ListopsOptions): options is FolderOptions =>
  anObject.fits(options) && 'folder' in options && options.folder !== undefined

interface Source {
  readonly splits: Pick<Task, 'train' | 'validation' | 'test' | 'notes'>
  readonly segments: number
  readonly segmentLength: number
}

function generated(options: Partial<GeneratedListops>): Source {
  const settings = settingsOf('listops', madeSettings, options)
  const { segments, segmentLength, trainExamples, seed } = settings
  checkLimits(settings)

  const taken = new Set<string>()
  const isTaken = (key: string): boolean => taken.has(key)
  const isTakenElseTake = (key: string): boolean => {
    if (taken.has(key)) return true
    taken.add(key)
    return false
  }
  /** Different expressions that are in no set yet. */
  const collect = (stream: number, count: number): Example[] =>
    take(expressions(new Random(seed, stream), settings, isTakenElseTake), count)
  const test = collect(STREAM.test, TEST)
  const validation = collect(STREAM.validation, VALIDATION)
  if (trainExamples === undefined) {
    const train = (seed: number) => expressions(new Random(seed, STREAM.train), settings, isTaken)
    return { splits: { train, validation, test }, segments, segmentLength }
  }
  const trainingSet = collect(STREAM.train, trainExamples)
  return { splits: { train: (seed) => epochs(trainingSet, seed), validation, test }, segments, segmentLength }
}

function checkLimits(settings: GeneratedListops): void {
  const { minLength, maxLength, maxDepth, maxArguments } = settings
  const longest = longestLength(settings)
  if (minLength > maxLength || minLength > longest) {
    throw new RmaatError(
      'config',
      `listops: minLength is ${minLength}, but maxLength is ${maxLength}, and with maxDepth ${maxDepth} and ` +
        `maxArguments ${maxArguments} the longest expression has ${longest} tokens`,
    )
  }
  checkRoom('listops', settings, maxLength, 'the longest expression')
}

async function fromFolder(options: FolderOptions): Promise<Source> {
  const settings = settingsOf('listops from a folder', fileSettings, options)
  const { segments, segmentLength } = settings
  const { train, validation, test } = await readExpressions(options.folder, segments * segmentLength)
  const notes = [countsInWords(train.length, validation.length, test.length)]
  return { splits: { train: (seed) => epochs(train, seed), validation, test, notes }, segments, segmentLength }
}

/**
 * The accuracy on `test` of answering, for each operator at the root, the value that is most frequent under it in `train`
 * (without such an example, the one most frequent of all): what can be had without looking inside the expression.
 */
export function bestConstantPerRoot(train: readonly Example[], test: Examples): number {
  const rootOf = ({ tokens }: Example): number => (tokens[0] >= OPERATOR_0 && tokens[0] < CLOSE ? tokens[0] : 0)
  const answers = new Map(
    [...new Set(train.map(rootOf))].map((root) => {
      const examples = train.filter((example) => rootOf(example) === root)
      return [root, majority(examples, 10).label]
    }),
  )
  const otherwise = majority(train, 10).label
  let right = 0
  for (const example of test) if (example.label === (answers.get(rootOf(example)) ?? otherwise)) right++
  return right / Math.max(1, test.length)
}
