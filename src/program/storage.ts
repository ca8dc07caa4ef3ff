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
