import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RmaatError } from '../errors.ts'
import { makeFolder, whyRefused, writeFileAtomically } from '../runtime/files.ts'
import { typed } from './paths.ts'

/** Where a training run leaves its files. Nothing is made before it begins. */
export class RunFolder {
  private path: string
  /** Whether the name was chosen here, so that another may be taken where it is in use. */
  private readonly named: boolean
  private file: number | undefined
  /** Bytes of whole lines. */
  private length = 0

  /** @param out the folder that was asked for, else one is named for the run */
  constructor(out: string | undefined, name: string) {
    if (out === '') throw new RmaatError('config', '--out is "": expected the name of a folder')
    this.named = out === undefined
    this.path = typed(out ?? stamped(name))
    const there = [this.log, this.weights, this.config].find((file) => existsSync(file))
    if (there !== undefined && !this.named) {
      throw new RmaatError('data', `${there} is there already: expected a folder without a run's files after --out`)
    }
  }

  get log(): string {
    return join(this.path, 'log.jsonl')
  }
  get weights(): string {
    return join(this.path, 'weights.safetensors')
  }
  get config(): string {
    return join(this.path, 'config.json')
  }

  get begun(): boolean {
    return this.file !== undefined
  }

  /** Makes the folder and an empty log. */
  async begin(): Promise<void> {
    try {
      await makeFolder(this.named ? dirname(this.path) : this.path)
      // several runs may begin in one millisecond
      const first = this.path
      if (this.named) for (let number = 2; !made(this.path); number++) this.path = `${first}-${number}`
      this.file = openSync(this.log, 'wx')
    } catch (cause) {
      this.fail(cause)
    }
  }

  /** Appends one whole line to log.jsonl, or nothing of it. */
  write(entry: object): void {
    if (this.file === undefined) throw new RmaatError('internal', 'a log is written that has not begun')
    try {
      const line = Buffer.from(`${JSON.stringify(entry)}\n`)
      for (let written = 0; written < line.length; ) {
        written += writeSync(this.file, line, written, line.length - written, this.length + written)
      }
      this.length += line.length
    } catch (cause) {
      ftruncateSync(this.file, this.length)
      this.fail(cause)
    }
  }

  private fail(cause: unknown): never {
    throw new RmaatError('data', `${this.log}: expected a place to write the log, but ${whyRefused(cause)}`, { cause })
  }

  /** Writes the weights, and beside them their configuration. */
  async save(weights: Uint8Array, configuration: object): Promise<void> {
    await writeFileAtomically(this.config, `${JSON.stringify(configuration, null, 2)}\n`)
    await writeFileAtomically(this.weights, weights)
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file)
    this.file = undefined
  }
}

/** Makes a folder; false where one of that name is there. */
function made(path: string): boolean {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** runs/order-2025-01-31T12-00-00-000 */
export const stamped = (name: string): string =>
  join('runs', `${name}-${new Date().toISOString().slice(0, 23).replace(/[:.]/g, '-')}`)
