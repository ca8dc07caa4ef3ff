/** A piece of a heap, in bytes. */
export interface Piece {
  readonly at: number
  readonly bytes: number
}

/** Address 0 stays unused. */
const START = 64

/**
 * How the memory of a device is shared out: pieces that stay (variables, programs, their inputs) from the bottom, and
 * behind them one scratch and one arena that all programs share. These two hold nothing between runs, so they may move.
 */
export class Heap {
  /** Makes the memory at least so long, or sees that it can be made so; throws else, and leaves it as it is. */
  private readonly grow: (bytes: number, purpose: string) => void
  private readonly free: { at: number; bytes: number }[] = []
  private end = START
  private scratchBytes = 0
  private arenaBytes = 0

  constructor(grow: (bytes: number, purpose: string) => void) {
    this.grow = grow
  }

  /** What it takes in all. */
  get bytes(): number {
    return this.end + this.scratchBytes + this.arenaBytes
  }

  get scratch(): number {
    return this.end
  }

  get arena(): number {
    return this.end + this.scratchBytes
  }

  /** The address of `bytes` that stay until they are released. */
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
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64
