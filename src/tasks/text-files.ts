import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { asItIsOrPacked, isFolder, listFolder, readBytes, withoutMark } from '../runtime/files.ts'

const MOST_COLUMNS = 100
const TAB = 9
const NEWLINE = 10
const RETURN = 13

/** A line of a file: the label as it is written there. */
export interface Row {
  readonly tokens: Uint16Array
  readonly label: string
}

/** Texts as tokens: the id of a byte is its value and one. */
export function tokensOf(bytes: Uint8Array): Uint16Array {
  const tokens = Uint16Array.from(bytes)
  for (let place = 0; place < tokens.length; place++) tokens[place]++
  return tokens
}

/** The places of label and text, from 0, and how many columns there are. */
export interface Columns {
  readonly label: number
  readonly text: number
  readonly count: number
}

/** @throws RmaatError 'config' for what names no columns */
export function columnsOf(given: string): Columns {
  const names = String(given).split(',')
  const [label, text] = [names.indexOf('label'), names.indexOf('text')]
  const once = names.filter((name) => name === 'label' || name === 'text').length === 2
  if (label >= 0 && text >= 0 && once && names.length <= MOST_COLUMNS) return { label, text, count: names.length }
  const right = `the columns with commas between, label and text once each among at most ${MOST_COLUMNS}, as in label,-,text`
  throw new RmaatError('config', `text: columns is ${shown(given)}; it must be ${right}`)
}

export interface Parsed {
  readonly rows: Row[]
  /** Of files of lines. */
  readonly columns: Columns | undefined
  /** The rows of a test file, where there is one. */
  readonly test?: Row[]
}

/**
 * The texts of a folder or of one file, each cut after `length` bytes.
 * @throws RmaatError 'data'
 */
export async function readTexts(path: string, length: number, given: Columns | undefined): Promise<Parsed> {
  const read = async (file: string, known?: Columns) =>
    parseTexts(withoutMark(await readBytes(file), file), file, length, known ?? given)
  if (!(await isFolder(path))) return read(path)
  const names = await listFolder(path)
  return names.includes('train') && names.includes('test')
    ? readReviews(path, length, given)
    : fromFolder(path, names, read)
}

async function fromFolder(
  folder: string,
  names: readonly string[],
  read: (file: string, columns?: Columns) => Promise<Parsed>,
): Promise<Parsed> {
  const [train, test] = ['train.tsv', 'test.tsv'].map((name) => asItIsOrPacked(names, name))
  if (train === undefined || test === undefined) {
    const found = names.slice(0, 5).join(', ') || 'nothing'
    throw new RmaatError(
      'data',
      `${folder}: expected train.tsv and test.tsv, each as it is or as .gz, or the folders train and test of aclImdb (ai.stanford.edu/~amaas/data/sentiment); found ${found}${names.length > 5 ? ', …' : ''}`,
    )
  }
  const { rows, columns } = await read(`${folder}/${train}`)
  return { rows, columns, test: (await read(`${folder}/${test}`, columns)).rows }
}

/**
 * The Large Movie Review Dataset as it is published: a review is a file `NUMBER_RATING.txt` in `pos` or `neg` of `train`
 * and `test`, which are taken as the labels 1 and 0; `unsup` is not read.
 */
async function readReviews(folder: string, length: number, given: Columns | undefined): Promise<Parsed> {
  if (given) throw new RmaatError('config', `text: columns goes with files of lines, but ${folder} holds a file a text`)
  const part = async (name: string): Promise<Row[]> => {
    const rows: Row[] = []
    for (const [kind, label] of [
      ['neg', '0'],
      ['pos', '1'],
    ]) {
      const names = (await listFolder(`${folder}/${name}/${kind}`)).filter((file) => /\.txt(\.gz)?$/i.test(file))
      if (names.length === 0)
        throw new RmaatError('data', `${folder}/${name}/${kind}: expected reviews as .txt files, found none`)
      for (const file of names) {
        const where = `${folder}/${name}/${kind}/${file}`
        const bytes = withoutMark(await readBytes(where), where)
        if (bytes.length === 0) throw new RmaatError('data', `${where}: expected a text, found none`)
        rows.push({ tokens: tokensOf(bytes.subarray(0, length)), label })
      }
    }
    return rows
  }
  return { rows: await part('train'), columns: undefined, test: await part('test') }
}

/**
 * The rows of a file, their texts cut after `length` bytes. Blank lines at its end count as none.
 * @param where the file's name, for errors
 * @throws RmaatError 'data' with file and line for a line with too few columns, a bad label or an empty text
 */
export function parseTexts(
  bytes: Uint8Array,
  where: string,
  length: number,
  given?: Columns,
): Parsed & { columns: Columns } {
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
export const named = ({ label, text, count }: Columns): string =>
  Array.from({ length: count }, (_, at) => (at === label ? 'label' : at === text ? 'text' : '-')).join(', ')

function tabsIn(line: Uint8Array): number {
  let tabs = 0
  for (let at = line.indexOf(TAB); at !== -1; at = line.indexOf(TAB, at + 1)) tabs++
  return tabs
}

/** A label of a file: a whole number. */
export const LABEL = /^(?:0|-?[1-9][0-9]{0,14})$/

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
  return { tokens: tokensOf(bytes), label }
}
