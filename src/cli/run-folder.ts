import { appendFileSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { RmaatError } from '../errors.ts'
import { writeFileAtomically } from '../runtime/files.ts'

/** Where a training run leaves its files. Nothing is made before the first line of the log is written. */
export class RunFolder {
  readonly path: string
  readonly log: string
  readonly weights: string
  readonly config: string
  private file: number | undefined

  constructor(path: string) {
    this.path = path
    this.log = join(path, 'log.jsonl')
    this.weights = join(path, 'weights.safetensors')
    this.config = join(path, 'config.json')
    const there = [this.log, this.weights, this.config].find((file) => existsSync(file))
    if (there !== undefined) {
      throw new RmaatError('data', `${there} is there already: expected a folder without a run's files after --out`)
    }
  }

  get begun(): boolean {
    return this.file !== undefined
  }

  /** Appends one whole line to log.jsonl. */
  write(entry: object): void {
    try {
      if (this.file === undefined) {
        mkdirSync(this.path, { recursive: true })
        this.file = openSync(this.log, 'ax')
      }
      appendFileSync(this.file, `${JSON.stringify(entry)}\n`)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new RmaatError('data', `${this.log}: expected a place to write the log (${code})`, { cause })
    }
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

/** runs/order-2025-01-31T12-00-00-000: to the millisecond, as several may start in one second */
export const stamped = (name: string): string =>
  join('runs', `${name}-${new Date().toISOString().slice(0, 23).replace(/[:.]/g, '-')}`)

export const defaultFolder = (task: string, method: string): string => stamped(`${task}-${method}`)
