/** A result in the arena. Its live range goes from the first to the last instruction that touches it. */
export interface Allocation {
  readonly elements: number
  first: number
  last: number
  offset: number
  /** The part of the arena that it lies in, if it is private to an iteration of a parallel loop. */
  readonly part?: Part
}

/** The part of the arena for the private results of one parallel loop: each thread has one of its own. */
export interface Part {
  offset: number
  elements: number
}

/** Gives all allocations their offsets. All parts begin behind the shared results. Returns the size of the arena. */
export function allocate(allocations: readonly Allocation[], parts: readonly Part[]): number {
  const shared = placeByLiveRange(allocations.filter(({ part }) => part === undefined))
  let size = shared
  for (const part of parts) {
    const inside = allocations.filter((allocation) => allocation.part === part)
    part.offset = shared
    part.elements = placeByLiveRange(inside)
    for (const allocation of inside) allocation.offset += shared
    size = Math.max(size, shared + part.elements)
  }
  return size
}

/** What is so many times smaller than the largest result hardly changes the size of the arena. */
const SMALL = 64

/**
 * Places the largest first, each at the lowest offset where it overlaps none whose live range meets its own. Small ones that
 * are shared keep their place for an instruction more: if the next one wrote there, a GPU could not run both at the same time.
 * Offsets are multiples of 16 elements. Returns the size of all in elements.
 */
function placeByLiveRange(allocations: readonly Allocation[]): number {
  const bySize = [...allocations].sort((a, b) => b.elements - a.elements || a.first - b.first)
  const taken = new Taken(allocations.reduce((end, { last }) => Math.max(end, last), 0) + 1)
  return bySize.reduce((size, allocation) => {
    const { elements, first, last, part } = allocation
    const isSmall = elements * SMALL <= bySize[0].elements
    allocation.offset = taken.place(elements, first, isSmall && !part ? last + 1 : last)
    return Math.max(size, aligned(allocation.offset + elements))
  }, 0)
}

const aligned = (elements: number): number => Math.ceil(elements / 16) * 16

/**
 * Which elements are taken, and when: a segment tree over the instructions (node 1 is the root, 2i and 2i + 1 are the
 * children of i). A live range is the union of the spans of O(log n) nodes.
 */
class Taken {
  /** The leaf of instruction 0; the other leaves follow. */
  private readonly leaves: number
  /** Taken in all of a node's span. */
  private readonly throughout: Ranges[] = []
  /** Taken somewhere in it, by live ranges of which a node or an end lies beneath. */
  private readonly within: Ranges[] = []

  constructor(last: number) {
    this.leaves = 2 ** Math.ceil(Math.log2(last + 1))
  }

  /** Takes the lowest offset that is free from the first to the last instruction, and returns it. */
  place(elements: number, first: number, last: number): number {
    if (elements === 0) return 0
    const { spans, above } = this.nodesOf(first, last)
    const others = [...spans.map((node) => this.within[node]), ...above.map((node) => this.throughout[node])]
    const offset = lowestGap(
      others.filter((ranges) => ranges !== undefined),
      elements,
    )
    const end = aligned(offset + elements)
    const take = (ranges: Ranges[], node: number): void => {
      ranges[node] ??= new Ranges()
      ranges[node].add(offset, end)
    }
    for (const node of spans) take(this.throughout, node)
    for (const node of new Set([...spans, ...above])) take(this.within, node)
    return offset
  }

  /** The nodes whose spans make up a live range, and all ancestors of its two ends: ancestors of the spans are among them. */
  private nodesOf(first: number, last: number): { spans: number[]; above: number[] } {
    const spans: number[] = []
    const above = new Set<number>()
    let [low, high] = [this.leaves + first, this.leaves + last]
    for (let [left, right] = [low, high + 1]; left < right; left >>= 1, right >>= 1) {
      if (left % 2 === 1) spans.push(left++)
      if (right % 2 === 1) spans.push(--right)
    }
    for (; low > 0; low >>= 1, high >>= 1) above.add(low).add(high)
    return { spans, above: [...above] }
  }
}

/** The lowest offset from which so many elements are free in all of the given ranges. */
function lowestGap(taken: readonly Ranges[], elements: number): number {
  let offset = 0
  for (let at = 0, free = 0; free < taken.length; at = (at + 1) % taken.length) {
    const behind = taken[at].behind(offset, elements)
    free = behind === offset ? free + 1 : 1
    offset = behind
  }
  return offset
}

/** Ranges in ascending order, which neither overlap nor touch. */
class Ranges {
  private readonly starts: number[] = []
  private readonly ends: number[] = []

  add(start: number, end: number): void {
    const { starts, ends } = this
    const from = this.firstThatEnds(start)
    let to = from
    while (to < starts.length && starts[to] <= end) to++
    const joined = to > from
    starts.splice(from, to - from, joined ? Math.min(start, starts[from]) : start)
    ends.splice(from, to - from, joined ? Math.max(end, ends[to - 1]) : end)
  }

  /** The lowest offset, not before the given one, from which so many elements are free. */
  behind(offset: number, elements: number): number {
    const { starts, ends } = this
    for (let at = this.firstThatEnds(offset); at < starts.length && starts[at] < offset + elements; at++)
      offset = Math.max(offset, ends[at])
    return offset
  }

  /** The first range that ends there or later. */
  private firstThatEnds(there: number): number {
    let [low, high] = [0, this.ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.ends[middle] < there) low = middle + 1
      else high = middle
    }
    return low
  }
}
