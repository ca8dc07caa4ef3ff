import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rmaat } from '../../src/cli/rmaat.ts'
import { terminal } from '../../src/cli/terminal.ts'
import { readSafetensors } from '../../src/nn/safetensors.ts'

export interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the command in this process, and keeps what it writes. */
export async function run(...args: string[]): Promise<Result> {
  const usual = { ...terminal }
  // that of a test before, which failed in this process
  const { exitCode } = process
  process.exitCode = undefined
  let [out, err] = ['', '']
  Object.assign(terminal, {
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
    watched: () => false,
  })
  try {
    await rmaat(args)
    return { code: Number(process.exitCode ?? 0), out, err }
  } finally {
    process.exitCode = exitCode
    Object.assign(terminal, usual)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the command prints
export const jsonLines = (text: string): any[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A folder for the time of a test file. */
export function temporaryFolder(): { path: (...parts: string[]) => string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'rmaat-'))
  return { path: (...parts) => join(root, ...parts), remove: () => rmSync(root, { recursive: true }) }
}

/** Flags of a model that trains in no time. */
export const tiny = [
  ...['--memory', '2', '--width', '8', '--layers', '1', '--heads', '2', '--features', '4', '--feed-forward', '8'],
  ...['--batch', '4', '--steps', '5', '--test-examples', '100'],
]

/** What a run leaves that is the same whenever it is made: of the log all but what the clock and processes tell. */
export function leftIn(out: string) {
  const told = jsonLines(readFileSync(join(out, 'log.jsonl'), 'utf8'))
  const log = told
    .filter(({ kind }) => ['step', 'checkpoint'].includes(kind))
    .map(({ milliseconds, waitMilliseconds, tokensPerSecond, ...entry }) => entry)
  const bits = (name: string) => {
    const { tensors } = readSafetensors(readFileSync(join(out, `${name}.safetensors`)))
    const hash = createHash('sha256')
    for (const [name, { data }] of tensors) hash.update(name).update(data)
    return hash.digest('hex')
  }
  return { log, weights: bits('weights'), best: bits('best') }
}
