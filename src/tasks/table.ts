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

/** A row of a table as its file has it. */
export interface TableRow {
  readonly cells: readonly Uint8Array[]
  /** The number of its first line, from 1. */
  readonly line: number
}

/** The lines of a file, without what ends them; blank ones at its end count as none. */
export function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start)
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
 * What stands between the cells of a .csv file: commas, but where its first row has none outside of quotes the tabs or semicolons
 * that it has, as spreadsheets write them where the comma is the decimal point.
 */
export function separatorOf(bytes: Uint8Array): Separator {
  const all = [COMMAS, TABS, SEMICOLONS]
  const found = new Set<number>()
  let quoted = false
  for (let at = 0; at < bytes.length && (quoted || bytes[at] !== NEWLINE); at++) {
    if (quoted && bytes[at] === QUOTE && bytes[at + 1] === QUOTE) at++
    else if (quoted) quoted = bytes[at] !== QUOTE
    else if (bytes[at] === QUOTE) quoted = at === 0 || all.some(({ byte }) => byte === bytes[at - 1])
    else found.add(bytes[at])
  }
  return all.find(({ byte }) => found.has(byte)) ?? COMMAS
}

/**
 * Rows of cells with commas between, or another separator, as RFC 4180 has them: a cell in double quotes may hold commas, ends
 * of lines, and double quotes written twice. A quote within a cell that does not begin with one is a quote. Blank rows at the
 * end count as none. Before the end of a line there may be several returns, as files have them that were written as text twice.
 * @throws RmaatError 'data' for quotes that do not end, or that something follows, with file and line
 */
export function commaRows(
  bytes: Uint8Array,
  where: string,
  { byte: separator, called }: Separator = COMMAS,
): TableRow[] {
  const rows: TableRow[] = []
  let line = 1
  for (let at = 0; at < bytes.length; ) {
    const cells: Uint8Array[] = []
    const first = line
    for (let more = true; more; ) {
      const quoted = bytes[at] === QUOTE
      const begin = line
      const { cell, next, lines } = quoted ? quotedCell(bytes, at + 1, where, line) : plainCell(bytes, at, separator)
      cells.push(cell)
      line += lines
      at = behindReturns(bytes, next)
      more = bytes[at] === separator
      if (!more && at < bytes.length && bytes[at] !== NEWLINE)
        throw new RmaatError(
          'data',
          `${where}, line ${line}: expected a ${called} or the end of the line behind the quoted cell${line === begin ? '' : ` that begins in line ${begin}`}`,
        )
      at++
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

/** The end of the line, where nothing but returns comes before it; else the place itself. */
function behindReturns(bytes: Uint8Array, at: number): number {
  let next = at
  while (bytes[next] === RETURN) next++
  return next === bytes.length || bytes[next] === NEWLINE ? next : at
}

function plainCell(bytes: Uint8Array, begin: number, separator: number): Cell {
  let next = begin
  while (next < bytes.length && bytes[next] !== separator && bytes[next] !== NEWLINE) next++
  let end = next
  if (bytes[next] !== separator) while (end > begin && bytes[end - 1] === RETURN) end--
  return { cell: bytes.subarray(begin, end), next, lines: 0 }
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
function endsIn(cell: Uint8Array): number {
  let count = 0
  for (let at = cell.indexOf(NEWLINE); at !== -1; at = cell.indexOf(NEWLINE, at + 1)) count++
  return count
}
