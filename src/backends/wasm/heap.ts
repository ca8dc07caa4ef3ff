import { RmaatError } from '../../errors.ts'

const PAGE = 65536
const LIMIT = 65536 * PAGE
/** Kernels may read a little past the end of an operand. */
const SLACK = 64
/** Address 0 stays unused. */
const START = 64

/**
 * The linear memory of a device: pieces that stay (variables, programs, their inputs) from the bottom, and behind them
 * one scratch and one arena that all programs share. These two hold nothing between runs, so they may move up.
 */
export class Heap {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: LIMIT / PAGE })
  private readonly free: { at: number; bytes: number }[] = []
  private end = START
  private scratchBytes = 0
  private arenaBytes = 0

  get scratch(): number {
    return this.end
  }

  get arena(): number {
    return this.end + this.scratchBytes
  }

  get heldBytes(): number {
    return this.memory.buffer.byteLength
  }

  /** The address of `bytes` that stay until they are released; zeros where the memory is new. */
  allocate(bytes: number, purpose: string): number {
    const size = aligned(bytes)
    const piece = this.free.findIndex((candidate) => candidate.bytes >= size)
    if (piece >= 0) {
      const { at, bytes: available } = this.free[piece]
      if (available === size) this.free.splice(piece, 1)
      else this.free[piece] = { at: at + size, bytes: available - size }
      return at
    }
    this.trim()
    const at = this.end
    this.grow(at + size + this.scratchBytes + this.arenaBytes, purpose)
    this.end += size
    return at
  }

  release(at: number, bytes: number): void {
    const size = aligned(bytes)
    if (size === 0) return
    this.free.push({ at, bytes: size })
    this.free.sort((a, b) => a.at - b.at)
    for (let i = this.free.length - 1; i > 0; i--) {
      const [before, after] = [this.free[i - 1], this.free[i]]
      if (before.at + before.bytes === after.at) {
        before.bytes += after.bytes
        this.free.splice(i, 1)
      }
    }
  }

  /** Takes back what is free before scratch and arena: only where these may move, as programs hold their addresses. */
  private trim(): void {
    const last = this.free.at(-1)
    if (last && last.at + last.bytes === this.end) {
      this.end = last.at
      this.free.pop()
    }
  }

  /** Makes room for a program's scratch and arena. */
  reserve(scratchBytes: number, arenaBytes: number): void {
    this.trim()
    const scratch = Math.max(this.scratchBytes, aligned(scratchBytes))
    const arena = Math.max(this.arenaBytes, aligned(arenaBytes))
    this.grow(this.end + scratch + arena, `an arena of ${arena} bytes with ${scratch} bytes of scratch`)
    this.scratchBytes = scratch
    this.arenaBytes = arena
  }

  private grow(bytes: number, purpose: string): void {
    const needed = bytes + SLACK
    if (needed > LIMIT) {
      throw new RmaatError(
        'memory',
        `${purpose} does not fit: ${needed} bytes are needed in all, WebAssembly has at most ${LIMIT} (4 GiB)`,
      )
    }
    const pages = Math.ceil(needed / PAGE) - this.memory.buffer.byteLength / PAGE
    if (pages <= 0) return
    try {
      this.memory.grow(pages)
    } catch (cause) {
      throw new RmaatError('memory', `${purpose} does not fit: the system refuses ${pages * PAGE} more bytes`, {
        cause,
      })
    }
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64
