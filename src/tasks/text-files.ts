import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { csvRows, linesOf, type Separator, TABS, type TableRow, tabRows } from './table.ts'
import { COLUMNS_SAY, type Columns, NAMES, type Places } from './text-columns.ts'

const LONGEST_LABEL = 100

/** A row of a file: the label as it is written there, undefined where none is read. */
export interface Row {
  readonly tokens: Uint16Array
  readonly label: string | undefined
}

/** Texts as tokens: the id of a byte is its value and one. */
export function tokensOf(bytes: Uint8Array): Uint16Array {
  const tokens = Uint16Array.from(bytes)
  for (let place = 0; place < tokens.length; place++) tokens[place]++
  return tokens
}

export interface Parsed {
  readonly rows: Row[]
  /** Of files of rows. */
  readonly columns: Columns | undefined
  /** The rows of a test file and of one for validation, where there is one. */
  readonly test?: Row[]
  readonly validation?: Row[] | undefined
  /** A file beside them that would be one for validation if it were called so. */
  readonly unread?: string | undefined
}

/** What is read of a file. */
export interface Reading {
  /** How many bytes are kept of each text, from its beginning. */
  readonly length: number
  /** Where label and text stand, where that is known. */
  readonly columns?: Columns | undefined
  /** Whether every row must have a label; else one is read where it stands. */
  readonly labelled: boolean
  /** Labels that are known: a first line with one of them is none of headings. */
  readonly labels?: readonly string[] | undefined
  /** Whether the columns are those of other rows: then lines of a single column are texts. */
  readonly elsewhere?: boolean
}

/** How files begin that are no lines, and what they are. */
const PACKED = [
  [[0x50, 0x4b, 3, 4], 'what a spreadsheet (.xlsx) or .zip begins with'],
  [[0x50, 0x41, 0x52, 0x31], 'what a .parquet file begins with'],
  [[0x1f, 0x8b], 'what is packed, but its name does not end in .gz'],
] as const

/**
 * The rows of a file by its name: `.csv` has commas between cells, `.jsonl`, `.ndjson` and `.json` an object a line, any other
 * one tabs.
 * @param where the file's name, for errors
 * @throws RmaatError 'data' with file and line for a row with too few columns, a bad label or an empty text
 */
export function parseTexts(bytes: Uint8Array, where: string, reading: Reading): Parsed & { columns: Columns } {
  if (bytes.length > 1 && (bytes[0] === 0 || bytes[1] === 0)) {
    throw new RmaatError(
      'data',
      `${where}: expected UTF-8, or UTF-16 with a byte order mark; found a zero in its first bytes`,
    )
  }
  const packed = PACKED.find(([first]) => first.every((byte, at) => bytes[at] === byte))
  if (packed) throw new RmaatError('data', `${where}: expected a .tsv, .csv or .jsonl file; found ${packed[1]}`)
  const [, kind] = /\.(csv|jsonl|ndjson|json)(?:\.gz)?$/i.exec(where) ?? []
  const parsed =
    kind && !/csv/i.test(kind) ? fromObjects(bytes, where, reading) : fromTable(bytes, where, reading, !!kind)
  if (parsed.rows.length === 0)
    throw new RmaatError('data', `${where}: expected rows of labels and texts, found nothing`)
  return parsed
}

/** Rows of cells. Between tabs the last column of a file that is no .csv reaches to the end of its line. */
function fromTable(bytes: Uint8Array, where: string, reading: Reading, isCsv: boolean) {
  const { length, labelled, labels, elsewhere } = reading
  const { table, separator } = isCsv ? csvRows(bytes, where) : { table: tabRows(bytes), separator: TABS }
  // spreadsheets write rows that hold nothing at the end
  if (isCsv) while (table.at(-1)?.cells.every(({ length }) => length === 0)) table.pop()
  const isPlain = !labelled && (elsewhere || !reading.columns) && isOneColumn(table, reading.columns, isCsv)
  const columns = isPlain ? undefined : reading.columns
  if (isPlain && !isCsv) checkPlain(table, where, reading.columns)
  const heading = table.length === 0 ? undefined : headingOf(table[0], where, columns, labelled)
  const places =
    heading ?? (columns && 'count' in columns ? columns : findPlaces(table, where, labelled, isCsv, separator))
  const first =
    heading || columns || table.length === 0 ? undefined : `line ${table[0].line} has ${shown(inWords(table[0]))}`
  const rows = table.slice(heading ? 1 : 0).map(({ cells, line }) => {
    const at = `${where}, line ${line}`
    if (isCsv ? cells.length !== places.count : cells.length < places.count) {
      const expected = `${plural(places.count)} between ${separator.called}s`
      const isBlank = cells.length === 1 && cells[0].length === 0
      throw new RmaatError('data', `${at}: expected ${expected}, found ${isBlank ? 'a blank line' : cells.length}`)
    }
    const place = (index: number): string => `column ${index + 1} of ${places.count}`
    const cell = (index: number): Uint8Array =>
      isCsv || index < places.count - 1 ? cells[index] : lineOf(cells.slice(index))
    const label = places.label === undefined ? undefined : labelOf(cell(places.label), at)
    const hint = line === table[0].line ? undefined : first
    return rowOf(label, cell(places.text), at, length, [place(places.label ?? 0), place(places.text)], hint)
  })
  if (!heading && places.label !== undefined) checkFirst(rows, `${where}, line ${table[0]?.line}`, labels)
  return { rows, columns: heading ? (columns ?? NAMES) : places }
}

/** Whether there is nothing but a text a line, without the heading that it should have. */
function isOneColumn(table: readonly TableRow[], columns: Columns | undefined, isCsv: boolean): boolean {
  const isOne = ({ cells }: TableRow): boolean => cells.length === 1
  if (table.length === 0 || !(isCsv ? table.every(isOne) : table.some(isOne))) return false
  return !columns || 'count' in columns || !headings(table[0]).includes(columns.text)
}

/** Plain lines may not be those of another kind of file, as where that comes from standard input. */
function checkPlain([first]: readonly TableRow[], where: string, columns: Columns | undefined): void {
  if (!first) return
  const line = inWords(first)
  const name = columns && !('count' in columns) ? columns.text : NAMES.text
  const words = line.split(/[,;]/).map((word) => word.replaceAll('"', '').trim())
  const kind = words.length > 1 && words.includes(name) ? '.csv' : /^\{.*\}$/.test(line) ? '.jsonl' : undefined
  if (kind === undefined) return
  const found = `found ${shown(line)}, as a ${kind} file has it: expected a file of that name`
  throw new RmaatError('data', `${where}, line 1: ${found}, or the setting columns to be text where each line is one`)
}

const headings = ({ cells }: TableRow): string[] => cells.map((cell) => new TextDecoder().decode(cell).trim())
const inWords = (row: TableRow): string => headings(row).join(', ')

function labelOf(cell: Uint8Array, at: string): string {
  const label = new TextDecoder().decode(cell)
  return label.includes('\ufffd') && isLabel(label.trim()) ? utf8(cell, `${at}: the label`) : label
}

/** @throws RmaatError 'data' for bytes that are no UTF-8: different ones would become the same text */
function utf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const found = `found ${shown(new TextDecoder('windows-1252').decode(bytes))} in another encoding`
    throw new RmaatError('data', `${what} must be UTF-8; ${found}: expected the file to be saved as UTF-8`, { cause })
  }
}

/** Cells of a line and the tabs between. */
function lineOf(cells: readonly Uint8Array[]): Uint8Array {
  const [first, last] = [cells[0], cells.at(-1)!]
  return new Uint8Array(first.buffer, first.byteOffset, last.byteOffset + last.length - first.byteOffset)
}

/** The places of names in the first line; undefined where that is no line of headings. */
function headingOf(row: TableRow, where: string, columns: Columns | undefined, labelled: boolean): Places | undefined {
  if (columns && 'count' in columns) return undefined
  const { label, text } = columns ?? NAMES
  const found = headings(row)
  const places = { label: placeOf(found, label), text: placeOf(found, text) }
  const fits = places.text !== undefined && (places.label !== undefined || !labelled)
  if (fits) return { label: places.label, text: places.text!, count: row.cells.length }
  if (!columns) return undefined
  const expected = labelled ? `${shown(label)} and ${shown(text)}` : shown(text)
  throw new RmaatError(
    'data',
    `${where}, line ${row.line}: expected headings with ${expected} once each, as the setting columns says, given or of the weights; found ${shown(inWords(row))}`,
  )
}

function placeOf(names: readonly string[], name: string | undefined): number | undefined {
  if (name === undefined) return undefined
  const at = names.indexOf(name)
  return at >= 0 && names.lastIndexOf(name) === at ? at : undefined
}

/**
 * The label is the first column, the text the last one. Of lines with tabs there are as many as the one with the fewest has;
 * more tabs belong to texts, so most lines must agree.
 */
function findPlaces(
  table: readonly TableRow[],
  where: string,
  labelled: boolean,
  isCsv: boolean,
  separator: Separator,
): Places {
  const counts = table.map(({ cells }) => cells.length)
  const least = isCsv ? (counts[0] ?? 1) : counts.reduce((a, b) => Math.min(a, b), counts[0] ?? 1)
  const few = counts.filter((count) => count === least).length
  if (least > 1 && few < counts.length / 10) {
    throw new RmaatError(
      'data',
      `${where}, line ${table[counts.indexOf(least)].line}: found ${least} columns between ${separator.called}s, but most lines have more; the setting columns says which they are`,
    )
  }
  if (least === 1 && !labelled) return { label: undefined, text: 0, count: 1 }
  const count = Math.max(2, least)
  return { label: 0, text: count - 1, count }
}

/** A first line whose label is no other row's, and a word where the others are numbers or come again, would be one of headings. */
function checkFirst(rows: readonly Row[], at: string, labels: readonly string[] | undefined): void {
  if (rows.length < 2) return
  const [first, ...others] = rows.map(({ label }) => label!)
  if (WHOLE.test(first) || labels?.includes(first)) return
  if (others.includes(first) || new Set(others).size === others.length) return
  throw new RmaatError(
    'data',
    `${at}: the label ${shown(first)} is that of no other row; where this is a line of headings, the setting columns ` +
      'says how those of label and text are called, as in label=sentiment,text=review; where it is none, the setting labels names all labels',
  )
}

/** Rows that are objects, one a line. */
function fromObjects(bytes: Uint8Array, where: string, { length, columns = NAMES, labelled }: Reading) {
  if ('count' in columns)
    throw new RmaatError(
      'config',
      `text: ${where} has objects, so columns must name them, as in label=sentiment,text=review`,
    )
  const encoder = new TextEncoder()
  const rows = linesOf(bytes).map((line, index) => {
    const at = `${where}, line ${index + 1}`
    const found = objectOf(utf8(line, at), at)
    const names = `found ${Object.keys(found).map(shown).join(', ') || 'nothing'}; the setting columns says how they are called, as in label=sentiment,text=review`
    const [label, text] = [columns.label, columns.text].map((name) => (name === undefined ? undefined : found[name]))
    if (text === undefined) throw new RmaatError('data', `${at}: expected a text as ${shown(columns.text)}, ${names}`)
    if (labelled && label === undefined)
      throw new RmaatError('data', `${at}: expected a label as ${shown(columns.label)}, ${names}`)
    if (typeof text !== 'string')
      throw new RmaatError('data', `${at}: expected a text as ${shown(columns.text)}, found ${shown(text)}`)
    if (typeof label === 'number' && Number.isInteger(label) && !Number.isSafeInteger(label))
      throw new RmaatError('data', `${at}: expected a label of so many digits in quotes, found about ${label}`)
    const known = ['string', 'number', 'boolean'].includes(typeof label)
    if (!known && (labelled || label != null))
      throw new RmaatError('data', `${at}: expected a label as ${shown(columns.label)}, found ${shown(label)}`)
    return rowOf(
      known ? String(label) : undefined,
      encoder.encode(text),
      at,
      length,
      [columns.label, columns.text].map(shown),
    )
  })
  return { rows, columns }
}

function objectOf(text: string, at: string): Readonly<Record<string, unknown>> {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (cause) {
    const what = text.trim() === '' ? 'found a blank line' : (cause as Error).message
    throw new RmaatError('data', `${at}: expected a JSON object, the whole of it on this line: ${what}`, { cause })
  }
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Record<string, unknown>
  throw new RmaatError('data', `${at}: expected a JSON object, one a line, found ${shown(found)}`)
}

/** A label that is a whole number. */
export const WHOLE = /^(?:0|-?[1-9][0-9]{0,14})$/

/** Whether a label is one: what may stand in a list of labels with commas between. */
export const isLabel = (label: string): boolean =>
  label.length <= LONGEST_LABEL && label.trim() === label && /^[^,\p{Cc}]+$/u.test(label)

function rowOf(
  given: string | undefined,
  bytes: Uint8Array,
  at: string,
  length: number,
  places: readonly string[],
  hint?: string,
): Row {
  const say = hint === undefined ? COLUMNS_SAY : `${hint}; ${COLUMNS_SAY}`
  const label = given?.trim()
  if (label !== undefined && !isLabel(label)) {
    const right = `expected a label, a number or words of at most ${LONGEST_LABEL} characters without a comma`
    throw new RmaatError('data', `${at}: ${right}, in ${places[0]}, found ${shown(given)}; ${say}`)
  }
  if (bytes.length === 0) throw new RmaatError('data', `${at}: expected a text in ${places[1]}, found none; ${say}`)
  return { tokens: tokensOf(bytes.subarray(0, length)), label }
}

const plural = (count: number): string => (count === 1 ? '1 column' : `${count} columns`)
