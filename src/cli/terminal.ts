import { readFileSync } from 'node:fs'
import { printable } from '../errors.ts'

/** Standard output for results, standard error for messages and progress. */
export const terminal = {
  out: (text: string): void => write(process.stdout, text),
  err: (text: string): void => write(process.stderr, text),
  /** Whether `err` is a terminal, where a line can be redrawn. */
  watched: (): boolean => process.stderr.isTTY === true,
}

/** A failed write is an event of the stream; some versions of Node throw it instead. */
function write(stream: NodeJS.WriteStream, text: string): void {
  try {
    stream.write(text)
  } catch (error) {
    stream.emit('error', error)
  }
}

/** One JSON object on a line of `out`: what `--json` promises. */
export const jsonLine = (object: object): void => terminal.out(`${JSON.stringify(object)}\n`)
/** Lines of text, which may hold names and texts of files. */
export const say = (text: string): void => terminal.out(`${printable(text)}\n`)
export const notice = (text: string): void => terminal.err(`${printable(text)}\n`)

const callers: Readonly<Record<string, string>> = {
  rmaat: 'npm run -s rmaat --',
  start: 'npm run -s rmaat --',
  npx: 'npx rmaat',
}
/** How this command was called: by a script of its repository, by npx, or by its own name. */
export const commandName = callers[process.env.npm_lifecycle_event ?? ''] ?? 'rmaat'

export const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** 12,345 */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Three significant digits: 0.0123, 4.56, 789. */
export const short = (value: number): string =>
  value === 0 ? '0' : Math.abs(value) >= 100 ? count(value) : String(Number(value.toPrecision(3)))

/** 1.2e-7 */
export const scientific = (value = Number.NaN): string => (value === 0 ? '0' : value.toExponential(1))

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** 1.5 KiB, 20.3 MiB, 4.00 GiB */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10))
  const scaled = value / 1024 ** power
  return `${power === 0 ? scaled : scaled.toFixed(scaled < 10 ? 2 : 1)} ${units[power]}`
}

/** 12.3 ms, 4.56 s, 20.3 s, 3 min 20 s, 2 h 5 min */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 1) return `${short(milliseconds)} ms`
  if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 2 : 1))} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** `1 step`, `20 steps` */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`
