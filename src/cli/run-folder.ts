import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { RmaatError } from '../errors.ts'
import { isFolder, makeFolder, readBytes, removeParts, whyRefused, writeFileAtomically } from '../runtime/files.ts'
import { takeLock } from './lock.ts'
import { typed } from './paths.ts'
import { notice } from './terminal.ts'

/** The folder of a training run. Nothing is created before it begins. */
export class RunFolder {
  path: string
  /** Whether the name was chosen here, so that another may be taken where it is in use. */
  private readonly named: boolean
  private file: number | undefined
  /** Length of the log's complete lines, in bytes. */
  private length = 0
  private unlock: (() => void) | undefined

  /** @param out the folder that was asked for, else one is named for the run */
  constructor(out: string | undefined, name: string, resumed = false) {
    if (out === '') throw new RmaatError('config', '--out is "": expected the name of a folder')
    this.named = out === undefined
    this.path = typed(out ?? stamped(name))
    if (!resumed) this.refuseOther()
  }

  private refuseOther(): void {
    const files = [this.log, this.weights, this.config, this.checkpoint, this.best]
    const there = this.named ? undefined : files.find((file) => existsSync(file))
    if (there !== undefined) {
      throw new RmaatError('data', `${there} is there already: expected a folder without a run's files after --out`)
    }
  }

  /**
   * The folder of a run that was begun, and what its checkpoint holds, where one was made. No other process gets it then.
   * @throws RmaatError 'data' where there is none, or a process has it
   */
  static async ofRun(path: string): Promise<{ folder: RunFolder; checkpoint: Uint8Array | undefined }> {
    if (path === '') throw new RmaatError('config', '--resume is "": expected the folder of a run')
    const folder = new RunFolder(path, '', true)
    if (!(await isFolder(folder.path)))
      throw new RmaatError('data', `${path}: expected the folder of a run, found a file`)
    if (!existsSync(folder.config)) {
      throw new RmaatError('data', `${path}: expected the folder of a run that was begun, but it has no config.json`)
    }
    try {
      folder.lock()
      await removeParts(folder.path)
      return { folder, checkpoint: existsSync(folder.checkpoint) ? await readBytes(folder.checkpoint) : undefined }
    } catch (error) {
      folder.close()
      throw error
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
  /** The state of the training when it was last saved. */
  get checkpoint(): string {
    return join(this.path, 'checkpoint.safetensors')
  }
  /** That of the checkpoints which was best. */
  get best(): string {
    return join(this.path, 'best.safetensors')
  }

  get begun(): boolean {
    return this.file !== undefined
  }

  private lock(): void {
    try {
      this.unlock ??= takeLock(this.path)
    } catch (cause) {
      if (cause instanceof RmaatError) throw cause
      throw new RmaatError('data', `${this.path}: expected a place to write, but ${whyRefused(cause)}`, { cause })
    }
  }

  /**
   * Makes the folder with the configuration and a log: an empty one, or of a run that goes on so many bytes of the one that
   * is there, up to the last whole line.
   */
  async begin(configuration: object, length = 0): Promise<void> {
    try {
      await makeFolder(this.named ? dirname(this.path) : this.path)
      // several runs may begin in one millisecond
      const first = this.path
      if (this.named) for (let number = 2; !made(this.path); number++) this.path = `${first}-${number}`
    } catch (cause) {
      this.fail(cause)
    }
    const goesOn = this.unlock !== undefined
    this.lock()
    // first of all: where it stands the run can be resumed
    if (!goesOn) {
      this.refuseOther() // another run may have been there meanwhile
      await this.saveConfiguration(configuration)
    }
    try {
      this.file = goesOn && existsSync(this.log) ? openSync(this.log, 'r+') : openSync(this.log, 'wx+')
      this.length = wholeLines(this.file, length)
      ftruncateSync(this.file, this.length)
    } catch (cause) {
      this.fail(cause)
    }
    if (this.length < length)
      notice(`log      ${this.log} has lost its end, or all: steps before the checkpoint are missing from it`)
  }

  /** Appends a line to log.jsonl: all of it, or nothing. */
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

  /** The bytes of the log, which are on the disk then. */
  flush(): number {
    try {
      fsyncSync(this.file!)
      const [written, found] = [fstatSync(this.file!), statSync(this.log)]
      if (written.ino !== found.ino) throw new Error('another file stands there')
      return this.length
    } catch (cause) {
      return this.fail(cause)
    }
  }

  /** Writes the weights, and beside them their configuration. */
  async save(weights: Uint8Array, configuration: object): Promise<void> {
    await this.saveConfiguration(configuration)
    await writeFileAtomically(this.weights, weights)
  }

  private saveConfiguration(configuration: object): Promise<void> {
    return writeFileAtomically(this.config, `${JSON.stringify(configuration, null, 2)}\n`)
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file)
    this.file = undefined
    this.unlock?.()
    this.unlock = undefined
  }
}

/** Length of the complete lines among the first bytes of a file. */
function wholeLines(file: number, most: number): number {
  const bytes = Buffer.alloc(Math.min(most, fstatSync(file).size))
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, at)
    if (read === 0) break
    at += read
  }
  return bytes.lastIndexOf('\n') + 1
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
