/** Elements of the arena that are in use from one instruction to another. */
export interface Storage {
  readonly elements: number
  first: number
  last: number
  /** Its place in the arena. */
  offset: number
  /** Of what an iteration makes for itself: the part of the arena that it lies in. */
  readonly part?: Part
}

/** What one loop has of the arena for results that its iterations need from nobody else. */
export interface Part {
  offset: number
  elements: number
}

/** Places all storages: those of each part by themselves, and the parts at the end, in one place. Returns the arena's size. */
export function placeAll(storages: readonly Storage[], parts: readonly Part[]): number {
  const shared = placeByLifetime(storages.filter(({ part }) => part === undefined))
  let size = shared
  for (const part of parts) {
    const inside = storages.filter((storage) => storage.part === part)
    part.offset = shared
    part.elements = placeByLifetime(inside)
    for (const storage of inside) storage.offset += shared
    size = Math.max(size, shared + part.elements)
  }
  return size
}

/**
 * Places storages by their lifetimes, the largest first, each at the lowest offset where it overlaps no other that lives
 * at the same time. Offsets are multiples of 16 elements. Returns the size of the arena in elements.
 */
function placeByLifetime(storages: readonly Storage[]): number {
  const bySize = [...storages].sort((a, b) => b.elements - a.elements || a.first - b.first)
  const taken = new Taken(storages.reduce((end, { last }) => Math.max(end, last), 0))
  return bySize.reduce((size, storage) => {
    storage.offset = taken.place(storage)
    return Math.max(size, aligned(storage.offset + storage.elements))
  }, 0)
}

const aligned = (elements: number): number => Math.ceil(elements / 16) * 16

/**
 * What is taken of the arena, and when: a binary tree over time (node 1 at the root, 2i and 2i + 1 beneath i). A lifetime
 * is made up of the spans of a few nodes; so a place is found, and taken, in as many steps as the tree is high, times the
 * gaps that are passed.
 */
class Taken {
  /** The node of instruction 0; those of the others follow. */
  private readonly leaves: number
  /** What is taken through all of a node's span. */
  private readonly throughout: Ranges[] = []
  /** What is taken at any time of it by lifetimes of which a span, or an end, lies in it. */
  private readonly within: Ranges[] = []

  constructor(last: number) {
    this.leaves = 2 ** Math.ceil(Math.log2(last + 1))
  }

  /** Takes the lowest place where a storage fits, and returns its offset. */
  place({ elements, first, last }: Storage): number {
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

  /** The nodes whose spans make up a time, and all at its two ends: among these are the ones above them. */
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

/** The lowest offset from which so many elements are in none of the ranges. */
function lowestGap(taken: readonly Ranges[], elements: number): number {
  let offset = 0
  for (let at = 0, free = 0; free < taken.length; at = (at + 1) % taken.length) {
    const behind = taken[at].behind(offset, elements)
    free = behind === offset ? free + 1 : 1
    offset = behind
  }
  return offset
}

/** Ranges of numbers in order, which neither overlap nor touch. */
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

  /** The lowest offset, not before the given one, from which so many elements are in no range. */
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
