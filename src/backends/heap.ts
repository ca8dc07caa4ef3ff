/** A piece of a heap, in bytes. */
export interface Piece {
  readonly at: number
  readonly bytes: number
}

/** What a program needs while it runs, in bytes. */
interface Reservation {
  readonly scratch: number
  readonly arena: number
}

/** Address 0 stays unused. */
const START = 64

/**
 * The allocator of a device's memory. Pieces that stay (variables, programs, their inputs) come first; behind them are one
 * scratch and one arena for all programs, as large as the largest reservations. These two hold nothing between runs, so
 * that they move when pieces are allocated or released: a run uses them where they are then.
 */
export class Heap {
  /** Makes the memory at least so long, or checks that it can grow so far; else it throws, and changes nothing. */
  private readonly grow: (bytes: number, purpose: string) => void
  /** Sorted by address; none touches another, nor the end. */
  private readonly free: { at: number; bytes: number }[] = []
  private readonly reservations = new Set<Reservation>()
  private end = START
  private largest: Reservation = { scratch: 0, arena: 0 }

  constructor(grow: (bytes: number, purpose: string) => void) {
    this.grow = grow
  }

  /** The size of all. */
  get bytes(): number {
    return this.arena + this.largest.arena
  }

  get scratch(): number {
    return this.end
  }

  get arena(): number {
    return this.end + this.largest.scratch
  }

  /** `bytes` that stay until they are released. A refusal changes nothing. */
  allocate(bytes: number, purpose: string): Piece {
    const size = aligned(bytes)
    const gap = this.free.find((candidate) => candidate.bytes >= size)
    if (gap) {
      const { at } = gap
      gap.at += size
      gap.bytes -= size
      if (gap.bytes === 0) this.free.splice(this.free.indexOf(gap), 1)
      return { at, bytes }
    }
    const at = this.end
    this.grow(this.bytes + size, purpose)
    this.end += size
    return { at, bytes }
  }

  release({ at, bytes }: Piece): void {
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
    const last = this.free.at(-1)!
    if (last.at + last.bytes < this.end) return
    this.end = last.at
    this.free.pop()
  }

  /** Begins to record what a program allocates. */
  hold(): Holding {
    return new Holding(this)
  }

  /** Makes room for a program's scratch and arena. A refusal changes nothing. */
  reserve(scratchBytes: number, arenaBytes: number): Reservation {
    const reservation = { scratch: aligned(scratchBytes), arena: aligned(arenaBytes) }
    const { scratch, arena } = largestOf([this.largest, reservation])
    this.grow(this.end + scratch + arena, `an arena of ${arena} bytes with ${scratch} bytes of scratch`)
    this.reservations.add(reservation)
    this.largest = { scratch, arena }
    return reservation
  }

  unreserve(reservation: Reservation): void {
    this.reservations.delete(reservation)
    this.largest = largestOf([...this.reservations])
  }
}

/** All that one program has allocated: released together, even if only a part of it was granted. */
export class Holding {
  private readonly heap: Heap
  private readonly pieces: Piece[] = []
  private reservation: Reservation | undefined

  constructor(heap: Heap) {
    this.heap = heap
  }

  allocate(bytes: number, purpose: string): number {
    const piece = this.heap.allocate(bytes, purpose)
    this.pieces.push(piece)
    return piece.at
  }

  /** Once. */
  reserve(scratchBytes: number, arenaBytes: number): void {
    this.reservation = this.heap.reserve(scratchBytes, arenaBytes)
  }

  release(): void {
    for (const piece of this.pieces.splice(0)) this.heap.release(piece)
    if (this.reservation) this.heap.unreserve(this.reservation)
    this.reservation = undefined
  }
}

const largestOf = (reservations: readonly Reservation[]): Reservation => ({
  scratch: reservations.reduce((most, { scratch }) => Math.max(most, scratch), 0),
  arena: reservations.reduce((most, { arena }) => Math.max(most, arena), 0),
})

/** So many bytes, rounded up to the alignment of the heap. */
export const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64
