import { RmaatError } from '../errors.ts'
import { joined } from '../runtime/files.ts'

const TAB = 9
const NEWLINE = 10
const RETURN = 13
const QUOTE = 34
const COMMA = 44
const SEMICOLON = 59

/** What stands between the cells of a table: its byte, and what it is called. */
export interface Separator {
  readonly byte: number
  readonly called: string
}
export const TABS: Separator = { byte: TAB, called: 'tab' }
const COMMAS: Separator = { byte: COMMA, called: 'comma' }
const SEMICOLONS: Separator = { byte: SEMICOLON, called: 'semicolon' }
/** Those that are found, the first of them first. */
const KNOWN = [COMMAS, TABS, SEMICOLONS]

/** A row of a table as its file has it. */
export interface TableRow {
  readonly cells: readonly Uint8Array[]
  /** The number of its first line, from 1. */
  readonly line: number
}

/** The lines of a file, without what ends them; blank ones at its end count as none. A file without any newline may have returns. */
export function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  const last = bytes.includes(NEWLINE) ? NEWLINE : RETURN
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(last, start)
    const end = newline === -1 ? bytes.length : newline
    lines.push(bytes.subarray(start, end > start && bytes[end - 1] === RETURN ? end - 1 : end))
    start = newline === -1 ? bytes.length : newline + 1
  }
  while (lines.at(-1)?.length === 0) lines.pop()
  return lines
}

/** A row for each line, its cells between tabs. */
export const tabRows = (bytes: Uint8Array): TableRow[] =>
  linesOf(bytes).map((line, at) => {
    const cells: Uint8Array[] = []
    for (let begin = 0; begin <= line.length; ) {
      const tab = line.indexOf(TAB, begin)
      const end = tab === -1 ? line.length : tab
      cells.push(line.subarray(begin, end))
      begin = end + 1
    }
    return { cells, line: at + 1 }
  })

/**
 * The rows of a .csv file, and what stands between its cells: what a first line such as `sep=;` says, which Excel takes and
 * writes, else see separatorOf.
 * @throws RmaatError 'data' as commaRows does
 */
export function csvRows(bytes: Uint8Array, where: string): { table: TableRow[]; separator: Separator } {
  const [line, said] = /^"?sep=([\t !#-~])"?(?=[\r\n]|$)/i.exec(latin(bytes.subarray(0, 8))) ?? ['', '']
  if (line === '') {
    const separator = separatorOf(bytes)
    return { table: commaRows(bytes, where, separator), separator }
  }
  const byte = said.charCodeAt(0)
  const separator = KNOWN.find((known) => known.byte === byte) ?? { byte, called: `"${said}"` }
  const behind = behindEnd(bytes, line.length)
  return { table: commaRows(bytes.subarray(behind), where, separator, 2), separator }
}
const latin = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes)

/**
 * What stands between the cells of a .csv file: commas, but where its first row has none outside of quotes the tabs or semicolons
 * that it has, as spreadsheets write them where the comma is the decimal point.
 */
export function separatorOf(bytes: Uint8Array): Separator {
  const found = new Set<number>()
  let quoted = false
  for (let at = 0; at < bytes.length && (quoted || behindEnd(bytes, at) === at); at++) {
    if (quoted && bytes[at] === QUOTE && bytes[at + 1] === QUOTE) at++
    else if (quoted) quoted = bytes[at] !== QUOTE
    else if (bytes[at] === QUOTE) quoted = at === 0 || KNOWN.some(({ byte }) => byte === bytes[at - 1])
    else found.add(bytes[at])
  }
  return KNOWN.find(({ byte }) => found.has(byte)) ?? COMMAS
}

/**
 * Rows of cells with commas between, or another separator, as RFC 4180 has them: a cell in double quotes may hold commas, ends
 * of lines, and double quotes written twice. A quote within a cell that does not begin with one is a quote. Blank rows at the
 * end count as none. A line ends with a newline, before which there may be several returns, as in files that were written as text
 * twice, or with a return alone.
 * @param line the number of the first one
 * @throws RmaatError 'data' for quotes that do not end, or that something follows, with file and line
 */
export function commaRows(
  bytes: Uint8Array,
  where: string,
  { byte: separator, called }: Separator = COMMAS,
  line = 1,
): TableRow[] {
  const rows: TableRow[] = []
  for (let at = 0; at < bytes.length; ) {
    const cells: Uint8Array[] = []
    const first = line
    for (let more = true; more; ) {
      const quoted = bytes[at] === QUOTE
      const begin = line
      const { cell, next, lines } = quoted ? quotedCell(bytes, at + 1, where, line) : plainCell(bytes, at, separator)
      cells.push(cell)
      line += lines
      more = bytes[next] === separator
      at = more ? next + 1 : behindEnd(bytes, next)
      if (at === next && at < bytes.length)
        throw new RmaatError(
          'data',
          `${where}, line ${line}: expected a ${called} or the end of the line behind the quoted cell${line === begin ? '' : ` that begins in line ${begin}`}`,
        )
    }
    rows.push({ cells, line: first })
    line++
  }
  const isBlank = ({ cells }: TableRow): boolean => cells.length === 1 && cells[0].length === 0
  while (rows.length > 0 && isBlank(rows.at(-1)!)) rows.pop()
  return rows
}

interface Cell {
  readonly cell: Uint8Array
  /** The place behind it. */
  readonly next: number
  /** How many lines end in it. */
  readonly lines: number
}

/** The place behind the end of a line that stands there; else the place itself. */
function behindEnd(bytes: Uint8Array, at: number): number {
  let next = at
  while (bytes[next] === RETURN) next++
  if (bytes[next] === NEWLINE) return next + 1
  return next === bytes.length || next === at ? next : at + 1
}

function plainCell(bytes: Uint8Array, begin: number, separator: number): Cell {
  let next = begin
  while (next < bytes.length && bytes[next] !== separator && bytes[next] !== NEWLINE && bytes[next] !== RETURN) next++
  return { cell: bytes.subarray(begin, next), next, lines: 0 }
}

function quotedCell(bytes: Uint8Array, begin: number, where: string, line: number): Cell {
  // up to a quote that is written twice, and with it
  const parts: Uint8Array[] = []
  for (let from = begin; ; ) {
    const quote = bytes.indexOf(QUOTE, from)
    if (quote === -1) throw new RmaatError('data', `${where}, line ${line}: a quoted cell begins here and does not end`)
    const isTwice = bytes[quote + 1] === QUOTE
    parts.push(bytes.subarray(from, isTwice ? quote + 1 : quote))
    from = quote + 2
    if (isTwice) continue
    const cell = parts.length === 1 ? parts[0] : joined(parts)
    return { cell, next: quote + 1, lines: endsIn(cell) }
  }
}

/** How many lines end in it. */
const endsIn = (cell: Uint8Array): number => latin(cell).match(/\r*\n|\r/g)?.length ?? 0
