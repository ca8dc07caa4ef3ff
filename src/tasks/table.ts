import { RmaatError } from '../errors.ts'

const TAB = 9
const NEWLINE = 10
const RETURN = 13
const QUOTE = 34
const COMMA = 44

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
 * Rows of cells with commas between, as RFC 4180 has them: a cell in double quotes may hold commas, ends of lines, and double
 * quotes written twice. A quote within a cell that does not begin with one is a quote. Blank rows at the end count as none.
 * @throws RmaatError 'data' for quotes that do not end, or that something follows, with file and line
 */
export function commaRows(bytes: Uint8Array, where: string): TableRow[] {
  const rows: TableRow[] = []
  let line = 1
  for (let at = 0; at < bytes.length; ) {
    const cells: Uint8Array[] = []
    const first = line
    for (let more = true; more; ) {
      const quoted = bytes[at] === QUOTE
      const begin = line
      const { cell, next, lines } = quoted ? quotedCell(bytes, at + 1, where, line) : plainCell(bytes, at)
      cells.push(cell)
      line += lines
      at = next
      if (bytes[at] === RETURN && (bytes[at + 1] === NEWLINE || at + 1 === bytes.length)) at++
      more = bytes[at] === COMMA
      if (!more && at < bytes.length && bytes[at] !== NEWLINE)
        throw new RmaatError(
          'data',
          `${where}, line ${begin}: expected a comma or the end of the line behind a quoted cell`,
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

function plainCell(bytes: Uint8Array, begin: number): Cell {
  let next = begin
  while (next < bytes.length && bytes[next] !== COMMA && bytes[next] !== NEWLINE) next++
  const end = bytes[next] !== COMMA && next > begin && bytes[next - 1] === RETURN ? next - 1 : next
  return { cell: bytes.subarray(begin, end), next, lines: 0 }
}

function quotedCell(bytes: Uint8Array, begin: number, where: string, line: number): Cell {
  const cell: number[] = []
  let lines = 0
  for (let at = begin; at < bytes.length; at++) {
    if (bytes[at] === QUOTE && bytes[++at] !== QUOTE) return { cell: Uint8Array.from(cell), next: at, lines }
    if (bytes[at] === NEWLINE) lines++
    cell.push(bytes[at])
  }
  throw new RmaatError('data', `${where}, line ${line}: a quoted cell begins here and does not end`)
}
