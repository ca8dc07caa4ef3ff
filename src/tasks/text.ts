import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { asItIsOrPacked, isFolder, listFolder, readBytes, withoutMark } from '../runtime/files.ts'
import { Random, STREAM } from './random.ts'
import { checkIntegers, SEGMENT_RANGES, settingsOf } from './settings.ts'
import { countsInWords, type Example, epochs, majority, showing, type Task } from './task.ts'

export interface TextSettings {
  /**
   * A folder with `train.tsv` and `test.tsv`, or one file `.tsv`, of which a tenth is the test set; each as it is or packed
   * as `.gz`. A tenth of the training rows is the validation set. Tenths are drawn at random, always the same ones.
   */
  path: string
  /** T */
  segments: number
  /** S */
  segmentLength: number
  /** How many bytes of a text are kept, from its beginning; at most T x S. Without it T x S, but at most 4,000, as in Long Range Arena. */
  length: number | undefined
  /**
   * The columns of a line in their order, with commas between: `label` and `text` once each, any other word for what is not
   * read. The last one reaches to the end of the line, over tabs. Without it the label is the first column and the text the
   * last one, of as many as the line with the fewest tabs has.
   */
  columns: string | undefined
  /** The labels in the order of their classes, with commas between; without it those of the training rows, from the least on. */
  labels: string | undefined
}

const MOST_CLASSES = 1000
const MOST_COLUMNS = 100
const TAB = 9
const NEWLINE = 10
const RETURN = 13

/** A line of a file: the label as it is written there. */
interface Row {
  readonly tokens: Uint16Array
  readonly label: string
}

/**
 * Classification of text, byte by byte: id = byte + 1, 0 pads, 257 ids. A line of a file is `label TAB ... TAB text`, or
 * what `columns` says, the label a whole number; the text may itself hold tabs. Files are UTF-8 or any bytes, or UTF-16
 * behind its byte order mark, which is read as UTF-8.
 * @throws RmaatError 'config' for settings, 'data' for files, with file and line
 */
export async function text(options: Partial<TextSettings> & Pick<TextSettings, 'path'>): Promise<Task> {
  const settings = settingsOf<TextSettings>(
    'text',
    { path: '', segments: 8, segmentLength: 512, length: undefined, columns: undefined, labels: undefined },
    options,
  )
  const { path, segments, segmentLength } = settings
  checkIntegers('text', settings, SEGMENT_RANGES)
  const room = segments * segmentLength
  const length = settings.length ?? Math.min(4000, room)
  checkIntegers('text', { length }, { length: [1, room] })
  if (typeof path !== 'string' || path === '') {
    throw new RmaatError('config', 'text: path is missing; it must name a folder or a .tsv file')
  }
  const given = settings.columns === undefined ? undefined : columnsOf(settings.columns)
  const asked = settings.labels === undefined ? undefined : labelsOf(settings.labels)

  const read = async (file: string, known?: Columns) =>
    parseTexts(withoutMark(await readBytes(file), file), file, length, known ?? given)
  const folder = await isFolder(path)
  const { rows: all, columns, test: others } = folder ? await fromFolder(path, read) : await read(path)
  if (all.length < 20) {
    const expected = 'expected at least 20 lines to hold some out of training'
    throw new RmaatError('data', `${path}: ${expected}, found ${all.length}`)
  }
  const [rows, apart] = others ? [all, others] : heldOut(all, STREAM.test)
  const classNames = asked ?? foundLabels(all, path)
  const classes = classNames.length
  const [training, validation] = heldOut(rows, STREAM.validation)
  const classOf = new Map(classNames.map((label, index) => [label, index]))
  const examples = (part: readonly Row[]): Example[] =>
    part.map(({ tokens, label }) => {
      const found = classOf.get(label)
      if (found !== undefined) return { tokens, label: found }
      throw new RmaatError('data', `${path}: expected the labels ${inWords(classNames)}; found also ${label}`)
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
    train: (seed) => epochs(trained, seed),
    validation: examples(validation),
    test,
    notes: [
      `columns ${named(columns)}; labels ${inWords(classNames)}`,
      countsInWords(training.length, validation.length, test.length),
      ...(share === 1 ? [`every row to test with has the label ${classNames[most]}: its accuracy tells nothing`] : []),
    ],
    show: showing((tokens) => new TextDecoder().decode(Uint8Array.from(tokens, (token) => token - 1))),
  }
}

/** The places of label and text, from 0, and how many columns there are. */
interface Columns {
  readonly label: number
  readonly text: number
  readonly count: number
}

function columnsOf(given: string): Columns {
  const names = String(given).split(',')
  const [label, text] = [names.indexOf('label'), names.indexOf('text')]
  const once = names.filter((name) => name === 'label' || name === 'text').length === 2
  if (label >= 0 && text >= 0 && once && names.length <= MOST_COLUMNS) return { label, text, count: names.length }
  const right = `the columns with commas between, label and text once each among at most ${MOST_COLUMNS}, as in label,-,text`
  throw new RmaatError('config', `text: columns is ${shown(given)}; it must be ${right}`)
}

function labelsOf(given: string): string[] {
  const labels = String(given).split(',')
  const right = labels.every((label) => LABEL.test(label)) && new Set(labels).size === labels.length
  if (right && labels.length >= 2 && labels.length <= MOST_CLASSES) return labels
  throw new RmaatError(
    'config',
    `text: labels is ${shown(given)}; it must be 2 to ${MOST_CLASSES} different whole numbers with commas between`,
  )
}

const LABEL = /^(?:0|-?[1-9][0-9]{0,14})$/

/** The different labels of rows, from the least to the greatest. */
function foundLabels(rows: readonly Row[], where: string): string[] {
  const found = [...new Set(rows.map(({ label }) => label))].sort((a, b) => Number(a) - Number(b))
  if (found.length >= 2 && found.length <= MOST_CLASSES) return found
  const what = found.length === 1 ? `only ${found[0]}` : `${found.length}`
  throw new RmaatError('data', `${where}: expected 2 to ${MOST_CLASSES} different labels; found ${what}`)
}

const inWords = (labels: readonly string[]): string =>
  labels.length <= 12 ? labels.join(', ') : `${labels.slice(0, 10).join(', ')}, … ${labels.at(-1)} (${labels.length})`

interface Parsed {
  readonly rows: Row[]
  readonly columns: Columns
  /** The rows of a test file, where there is one. */
  readonly test?: Row[]
}

async function fromFolder(folder: string, read: (file: string, columns?: Columns) => Promise<Parsed>): Promise<Parsed> {
  const names = await listFolder(folder)
  const [train, test] = ['train.tsv', 'test.tsv'].map((name) => asItIsOrPacked(names, name))
  if (train === undefined || test === undefined) {
    const found = names.slice(0, 5).join(', ') || 'nothing'
    throw new RmaatError(
      'data',
      `${folder}: expected train.tsv and test.tsv, each as it is or as .gz; found ${found}${names.length > 5 ? ', …' : ''}`,
    )
  }
  const { rows, columns } = await read(`${folder}/${train}`)
  return { rows, columns, test: (await read(`${folder}/${test}`, columns)).rows }
}

/** The same random order whenever it is asked for. */
function shuffled(rows: readonly Row[], stream: number): Row[] {
  const order = new Random(0, stream).shuffle(Uint32Array.from(rows.keys()))
  return Array.from(order, (index) => rows[index])
}

/** What is left, and a tenth. */
function heldOut(rows: readonly Row[], stream: number): [Row[], Row[]] {
  const mixed = shuffled(rows, stream)
  const cut = rows.length - Math.floor(rows.length / 10)
  return [mixed.slice(0, cut), mixed.slice(cut)]
}

/**
 * The rows of a file, their texts cut after `length` bytes. Blank lines at its end count as none.
 * @param where the file's name, for errors
 * @throws RmaatError 'data' with file and line for a line with too few columns, a bad label or an empty text
 */
export function parseTexts(bytes: Uint8Array, where: string, length: number, given?: Columns): Parsed {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start)
    const next = newline === -1 ? bytes.length : newline + 1
    let end = newline === -1 ? bytes.length : newline
    if (bytes[end - 1] === RETURN && end > start) end--
    lines.push(bytes.subarray(start, end))
    start = next
  }
  while (lines.at(-1)?.length === 0) lines.pop()
  if (lines.length === 0) throw new RmaatError('data', `${where}: expected lines of labels and texts, found nothing`)
  if (lines[0][0] === 0 || lines[0][1] === 0) {
    throw new RmaatError(
      'data',
      `${where}: expected UTF-8, or UTF-16 with a byte order mark; found a zero in its first bytes`,
    )
  }
  const columns = given ?? findColumns(lines, where)
  return { rows: lines.map((line, at) => parseLine(line, columns, length, `${where}, line ${at + 1}`)), columns }
}

/** As many columns as the line with the fewest tabs has; more tabs belong to texts, so most lines must agree. */
function findColumns(lines: readonly Uint8Array[], where: string): Columns {
  const tabs = lines.map(tabsIn)
  const least = tabs.reduce((a, b) => Math.min(a, b))
  const few = tabs.filter((count) => count === least).length
  if (least > 0 && few < lines.length / 10) {
    throw new RmaatError(
      'data',
      `${where}, line ${1 + tabs.indexOf(least)}: found ${least + 1} columns between tabs, but most lines have more; the setting columns says which they are`,
    )
  }
  const count = Math.max(2, 1 + least)
  return { label: 0, text: count - 1, count }
}

/** `label, -, text` */
const named = ({ label, text, count }: Columns): string =>
  Array.from({ length: count }, (_, at) => (at === label ? 'label' : at === text ? 'text' : '-')).join(', ')

function tabsIn(line: Uint8Array): number {
  let tabs = 0
  for (let at = line.indexOf(TAB); at !== -1; at = line.indexOf(TAB, at + 1)) tabs++
  return tabs
}

function parseLine(line: Uint8Array, columns: Columns, length: number, where: string): Row {
  const found: Uint8Array[] = []
  for (let begin = 0; found.length < columns.count; ) {
    const tab = found.length === columns.count - 1 ? line.length : line.indexOf(TAB, begin)
    if (tab === -1) {
      const columnsHere = `${columns.count} columns between tabs, found ${found.length + 1}`
      throw new RmaatError('data', `${where}: expected ${columnsHere}`)
    }
    found.push(line.subarray(begin, tab))
    begin = tab + 1
  }
  const label = new TextDecoder().decode(found[columns.label])
  const bytes = found[columns.text].subarray(0, length)
  const place = (index: number) => `column ${index + 1} of ${columns.count}`
  if (!LABEL.test(label)) {
    const expected = `expected a label, a whole number, in ${place(columns.label)}`
    throw new RmaatError(
      'data',
      `${where}: ${expected}, found ${shown(label)}; there is no line of headings, and the setting columns says which column is which`,
    )
  }
  if (bytes.length === 0) {
    throw new RmaatError('data', `${where}: expected a text in ${place(columns.text)}, found none`)
  }
  const tokens = new Uint16Array(bytes)
  for (let place = 0; place < tokens.length; place++) tokens[place]++
  return { tokens, label }
}
