import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { Random, STREAM } from './random.ts'
import { about, checkRoom, part, type SettingsOf, segmentSettings, settingsOf, whole, written } from './settings.ts'
import {
  countsInWords,
  type Example,
  epochs,
  heldOut,
  majority,
  type Stream,
  shuffled,
  type Task,
  textOf,
} from './task.ts'
import { COLUMNS_SAY, columnsOf, named } from './text-columns.ts'
import { isLabel, type Row, WHOLE } from './text-files.ts'
import { readTexts } from './text-folder.ts'

const MOST_CLASSES = 1000

/** What there is to know of it. */
export const textAbout = about({
  source:
    'a folder with train.tsv and test.tsv, and perhaps validation.tsv, or one .tsv file, of which a tenth is to test with; or .csv, or ' +
    '.jsonl (an object a line), each as it is or as .gz; or the folder aclImdb of ai.stanford.edu/~amaas/data/sentiment. Where no ' +
    'file is for validation, a tenth of the training rows is, drawn at random, always the same one',
  sizes: 'those of the files; aclImdb: 22,500 to train on, 2,500, 25,000, less the reviews that are there twice',
  chance: undefined,
  bag: 0.66,
  licence: 'that of the files; aclImdb states none: for research, and not to be published again',
  settings: {
    path: written('path', 'folder or file to read'),
    ...segmentSettings(8, 512),
    length: whole(
      [1, 2 ** 32],
      'bytes kept of a text, from its beginning (T x S, but at most 4,000, as in Long Range Arena)',
    ),
    crop: part(
      'while training, up to this part of a text is left out at its beginning, and then up to as large a part of the rest at its end, others each time',
      0,
    ),
    columns: written(
      'text',
      'the columns of a line in their order, with commas between: label and text once each, any other word for what is not ' +
        'read; or their names in a first line of headings or in objects, as in label=sentiment,text=review (one with commas in ' +
        'double quotes). The last one reaches to the end of the line, over tabs (those that are called label and text; without ' +
        'headings the label is the first, the text the last of as many as the line with the fewest tabs has)',
    ),
    labels: written(
      'text',
      'the labels in the order of their classes, with commas between (those of the training rows, the least number or the first word of the alphabet first)',
    ),
  },
})
type TextSettings = SettingsOf<typeof textAbout.settings>

/**
 * Classification of text, byte by byte: id = byte + 1, 0 pads, 257 ids. A line of a file is `label TAB ... TAB text`, or what
 * headings or `columns` say; the text may itself hold tabs. A `.csv` file has commas between, or semicolons or tabs where its
 * first row has no comma, and quotes around what holds them, a `.jsonl` file an object a line. Files are UTF-8 or any bytes, or
 * UTF-16 behind its byte order mark, which is read as UTF-8.
 * @throws RmaatError 'config' for settings, 'data' for files, with file and line
 */
export async function text(options: Partial<TextSettings> & Pick<TextSettings, 'path'>): Promise<Task> {
  const settings = settingsOf('text', textAbout.settings, options)
  const { path, segments, segmentLength } = settings
  const length = settings.length ?? Math.min(4000, segments * segmentLength)
  checkRoom('text', settings, length, 'the longest text, by the setting length,')
  if (path === undefined)
    throw new RmaatError('config', 'text: path is missing; it must name a folder or a file, such as a .tsv')
  const given = settings.columns === undefined ? undefined : columnsOf(settings.columns)
  const asked = settings.labels === undefined ? undefined : labelsOf(settings.labels)

  const reading = { length, columns: given, labelled: true, labels: asked }
  const { rows: all, columns, test: others, validation: own, unread } = await readTexts(path, reading)
  if (all.length < 20) {
    const expected = 'expected at least 20 lines to hold some out of training'
    throw new RmaatError('data', `${path}: ${expected}, found ${all.length}`)
  }
  const [more, apart] = others ? [all, others] : heldOut(all, STREAM.test)
  const rows = without(apart, more)
  const classNames = asked ?? foundLabels(all, path)
  const classes = classNames.length
  const [left, validation] = own
    ? [rows, shuffled(without(apart, own), STREAM.validation)]
    : heldOut(rows, STREAM.validation)
  const training = without(validation, left)
  const dropped = more.length + (own?.length ?? 0) - validation.length - training.length
  if (training.length === 0)
    throw new RmaatError('data', `${path}: expected texts to train on; all of them are held out, too`)
  const classOf = new Map(classNames.map((label, index) => [label, index]))
  const examples = (part: readonly Row[]): Example[] =>
    part.map(({ tokens, label }) => {
      const found = classOf.get(label!)
      if (found !== undefined) return { tokens, label: found }
      throw new RmaatError(
        'data',
        `${path}: expected the labels ${inWords(classNames)}; found also ${label}; the setting labels says which there are, given or of the weights`,
      )
    })
  // in a random order, so that a part of them stands for all
  const test = examples(shuffled(apart, STREAM.test))
  const { label: most, share } = majority(test, classes)
  const trained = examples(training)
  return {
    name: 'text',
    description: `say to which of ${classes} classes a text belongs, from its first ${length} bytes`,
    vocabulary: 257,
    classes,
    classNames,
    segments,
    segmentLength,
    train: (seed) => cropped(epochs(trained, seed), settings.crop, seed),
    validation: examples(validation),
    test,
    notes: [
      `${columns ? `columns ${named(columns)}; ` : ''}labels ${inWords(classNames)}`,
      countsInWords(training.length, validation.length, test.length),
      ...(unread === undefined ? [] : [unread]),
      ...(dropped ? [`${dropped} rows of texts that are held out, too, are left out`] : []),
      ...(share === 1 ? [`every row to test with has the label ${classNames[most]}: its accuracy tells nothing`] : []),
    ],
    show: textOf,
  }
}

/** Each text without up to that share of it at its beginning, and again of what is left at its end. */
function* cropped(texts: Stream, most: number, seed: number): Stream {
  const random = new Random(seed, STREAM.train)
  const some = (length: number): number => Math.floor(random.uniform() * most * length)
  for (;;) {
    const { tokens, label } = texts.next().value
    const from = some(tokens.length)
    const to = tokens.length - some(tokens.length - from)
    // as rows of files have them
    yield { tokens: (tokens as Uint16Array).subarray(from, to), label }
  }
}

/** The rows of texts that are not among the others: what is tested with is neither trained on nor chosen by. */
function without(others: readonly Row[], rows: readonly Row[]): Row[] {
  const keyOf = ({ tokens }: Row): string => new TextDecoder('utf-16le').decode(tokens)
  const known = new Set(others.map(keyOf))
  return rows.filter((row) => !known.has(keyOf(row)))
}

function labelsOf(given: string): string[] {
  const labels = String(given).split(',')
  const right = labels.every(isLabel) && new Set(labels).size === labels.length
  if (right && labels.length >= 2 && labels.length <= MOST_CLASSES) return labels
  throw new RmaatError(
    'config',
    `text: labels is ${shown(given)}; it must be 2 to ${MOST_CLASSES} different labels with commas between`,
  )
}

/** The different labels of rows: numbers from the least to the greatest, words by their characters' codes. */
function foundLabels(rows: readonly Row[], where: string): string[] {
  const found = [...new Set(rows.map(({ label }) => label!))]
  const numbers = found.every((label) => WHOLE.test(label))
  found.sort(numbers ? (a, b) => Number(a) - Number(b) : undefined)
  if (!numbers && 2 * found.length > rows.length)
    throw new RmaatError(
      'data',
      `${where}: expected labels that come again; found ${found.length} different ones in ${rows.length} rows, such as ${shown(found[0])}; ${COLUMNS_SAY}`,
    )
  if (found.length >= 2 && found.length <= MOST_CLASSES) return found
  const what = found.length === 1 ? `only ${found[0]}` : `${found.length}`
  throw new RmaatError('data', `${where}: expected 2 to ${MOST_CLASSES} different labels; found ${what}`)
}

const inWords = (labels: readonly string[]): string =>
  labels.length <= 12 ? labels.join(', ') : `${labels.slice(0, 10).join(', ')}, … ${labels.at(-1)} (${labels.length})`
