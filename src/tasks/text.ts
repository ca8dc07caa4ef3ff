import { RmaatError } from '../errors.ts'
import { isFolder, listFolder, readBytes } from '../runtime/files.ts'
import { checkIntegers, SEGMENT_RANGES, settingsOf } from './settings.ts'
import { type Example, epochs, showing, type Task } from './task.ts'

export interface TextSettings {
  /**
   * A folder with `train.tsv` and `test.tsv`, or one file `.tsv`, of which the last tenth is the test set; each as it is
   * or packed as `.gz`. Rows should be in a random order: the last tenth of the training rows is the validation set.
   */
  path: string
  /** T */
  segments: number
  /** S */
  segmentLength: number
  /** How many bytes of a text are kept, from its beginning; at most T x S. Without it T x S, but at most 4,000, as in Long Range Arena. */
  length: number | undefined
  /** The number of columns of each line; without it as many as the first line has. */
  columns: number | undefined
}

const MOST_CLASSES = 1000
const TAB = 9
const NEWLINE = 10
const RETURN = 13

/**
 * Classification of text, byte by byte: id = byte + 1, 0 pads, 257 ids. A line of a file is
 * `label TAB ... TAB text`, the label a whole number from 0, the text the last column; the text may itself hold tabs.
 * @throws RmaatError 'config' for settings, 'data' for files, with file and line
 */
export async function text(options: Partial<TextSettings> & Pick<TextSettings, 'path'>): Promise<Task> {
  const settings = settingsOf<TextSettings>(
    'text',
    { path: '', segments: 8, segmentLength: 512, length: undefined, columns: undefined },
    options,
  )
  const { path, segments, segmentLength, columns } = settings
  checkIntegers('text', settings, SEGMENT_RANGES)
  const room = segments * segmentLength
  const length = settings.length ?? Math.min(4000, room)
  checkIntegers('text', { length }, { length: [1, room] })
  if (columns !== undefined) checkIntegers('text', settings, { columns: [2, 100] })
  if (typeof path !== 'string' || path === '') {
    throw new RmaatError('config', 'text: path is missing; it must name a folder or a .tsv file')
  }

  const read = async (file: string) => parseTexts(await readBytes(file), file, length, columns)
  const { rows, test } = (await isFolder(path)) ? await fromFolder(path, read) : lastTenth(await read(path), path)
  const { rows: training, test: validation } = lastTenth(rows, path)
  const classes = 1 + training.reduce((greatest, { label }) => Math.max(greatest, label), 0)
  const unknown = [...validation, ...test].find(({ label }) => label >= classes)
  if (classes < 2 || unknown !== undefined) {
    const found = unknown === undefined ? 'only 0' : `0..${classes - 1}, but ${unknown.label} among the others`
    throw new RmaatError(
      'data',
      `${path}: expected at least two labels, all of them in the training rows; found ${found}`,
    )
  }
  return {
    name: 'text',
    description: `say to which of ${classes} classes a text belongs, from its first ${length} bytes`,
    vocabulary: 257,
    classes,
    segments,
    segmentLength,
    train: (seed) => epochs(training, seed),
    validation,
    test,
    show: showing((tokens) => new TextDecoder().decode(Uint8Array.from(tokens, (token) => token - 1))),
  }
}

interface Rows {
  readonly rows: readonly Example[]
  readonly test: readonly Example[]
}

async function fromFolder(folder: string, read: (file: string) => Promise<Example[]>): Promise<Rows> {
  const names = await listFolder(folder)
  const [train, test] = ['train.tsv', 'test.tsv'].map((name) =>
    names.find((other) => other === name || other === `${name}.gz`),
  )
  if (train === undefined || test === undefined) {
    const found = names.slice(0, 5).join(', ') || 'nothing'
    throw new RmaatError(
      'data',
      `${folder}: expected train.tsv and test.tsv, each as it is or as .gz; found ${found}${names.length > 5 ? ', …' : ''}`,
    )
  }
  return { rows: await read(`${folder}/${train}`), test: await read(`${folder}/${test}`) }
}

function lastTenth(rows: readonly Example[], where: string): Rows {
  if (rows.length < 20) {
    throw new RmaatError(
      'data',
      `${where}: expected at least 20 lines to hold some out of training, found ${rows.length}`,
    )
  }
  const cut = rows.length - Math.floor(rows.length / 10)
  return { rows: rows.slice(0, cut), test: rows.slice(cut) }
}

/**
 * The rows of a file, their texts cut after `length` bytes.
 * @param where the file's name, for errors
 * @throws RmaatError 'data' with file and line for a line with too few columns, a bad label or an empty text
 */
export function parseTexts(bytes: Uint8Array, where: string, length: number, columns?: number): Example[] {
  const rows: Example[] = []
  let expected = columns
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start)
    const next = newline === -1 ? bytes.length : newline + 1
    let end = newline === -1 ? bytes.length : newline
    if (bytes[end - 1] === RETURN && end > start) end--
    const line = bytes.subarray(start, end)
    expected ??= 1 + line.reduce((tabs, byte) => tabs + (byte === TAB ? 1 : 0), 0)
    rows.push(parseLine(line, expected, length, `${where}, line ${rows.length + 1}`))
    start = next
  }
  if (rows.length === 0) throw new RmaatError('data', `${where}: expected lines of labels and texts, found nothing`)
  return rows
}

function parseLine(line: Uint8Array, columns: number, length: number, where: string): Example {
  let begin = 0
  for (let column = 1; column < Math.max(2, columns); column++) {
    const tab = line.indexOf(TAB, begin)
    if (tab === -1) {
      throw new RmaatError('data', `${where}: expected ${Math.max(2, columns)} columns between tabs, found ${column}`)
    }
    begin = tab + 1
  }
  const written = new TextDecoder().decode(line.subarray(0, line.indexOf(TAB)))
  const label = /^[0-9]{1,4}$/.test(written) ? Number(written) : MOST_CLASSES
  if (label >= MOST_CLASSES) {
    const shown = JSON.stringify(written.slice(0, 40))
    throw new RmaatError(
      'data',
      `${where}: expected a label 0..${MOST_CLASSES - 1} in the first column, found ${shown}`,
    )
  }
  if (begin === line.length) throw new RmaatError('data', `${where}: expected a text in the last column, found none`)
  const tokens = new Uint16Array(line.subarray(begin, begin + length))
  for (let place = 0; place < tokens.length; place++) tokens[place]++
  return { tokens, label }
}
