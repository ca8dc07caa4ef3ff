import type { Block } from './graph.ts'

/** A piece of memory that results are placed in. In the arena it lives from its first to its last use. */
export interface Storage {
  readonly kind: 'arena' | 'input' | 'variable' | 'constant'
  readonly elements: number
  /** The block to whose instructions it belongs: a storage of an outer block lives through a whole inner loop. */
  readonly block: Block
  /** True of the record of a loop's carries. */
  readonly replay: boolean
  first: number
  last: number
  /** Its place in the arena. */
  offset: number
}

export const makeStorage = (kind: Storage['kind'], elements: number, block: Block, replay = false): Storage => ({
  kind,
  elements,
  block,
  replay,
  first: Number.POSITIVE_INFINITY,
  last: -1,
  offset: 0,
})

/**
 * Places storages by their lifetimes, the largest first, each at the lowest offset where it overlaps no other that lives
 * at the same time. Offsets are multiples of 16 elements. Returns the size of the arena in elements.
 */
export function placeByLifetime(storages: readonly Storage[]): number {
  const bySize = [...storages].sort((a, b) => b.elements - a.elements || a.first - b.first)
  const placed: Storage[] = [] // in order of their offsets
  let size = 0
  for (const storage of bySize) {
    let offset = 0
    for (const other of placed) {
      if (other.last < storage.first || storage.last < other.first) continue
      if (offset + storage.elements <= other.offset) break
      offset = Math.max(offset, aligned(other.offset + other.elements))
    }
    storage.offset = offset
    size = Math.max(size, aligned(offset + storage.elements))
    let at = placed.length
    while (at > 0 && placed[at - 1].offset > offset) at--
    placed.splice(at, 0, storage)
  }
  return size
}

const aligned = (elements: number): number => Math.ceil(elements / 16) * 16
