import { philox } from '../ops/rounded.ts'

/**
 * Numbers for initial weights, on the host and in double precision. Each depends on seed, site and its own index alone:
 * the words are those of `randomWord(element, 0, 0, seed, site)`, so no layer's weights depend on the order of creation.
 */

/** A random stream: `seed` is the run's, `site` the layer's (`siteOf`). Both are taken modulo 2^32. */
export interface Stream {
  readonly seed: number
  readonly site: number
}

/** The 32-bit FNV-1a hash of bytes, in [0, 2^32), behind others whose hash it was. One byte that differs gives another. */
export function hashOf(bytes: Uint8Array, hash = 0x811c9dc5): number {
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** Which random stream a layer draws from: the hash of its name's UTF-8 bytes. */
export const siteOf = (name: string): number => hashOf(new TextEncoder().encode(name))

/** `count` numbers in (0, 1), the middles of 2^32 equal intervals: never 0, whose logarithm is infinite. */
function unit(count: number, { seed, site }: Stream): Float64Array {
  const result = new Float64Array(count)
  for (let element = 0; element < count; element += 4) {
    const words = philox([element >>> 2, site, 0, 0], [seed, 0])
    for (let k = 0; k < 4 && element + k < count; k++) result[element + k] = (words[k] + 0.5) / 2 ** 32
  }
  return result
}

/** `count` numbers uniform in (low, high). */
export function uniform(count: number, { low, high, ...stream }: Stream & { low: number; high: number }): Float64Array {
  return unit(count, stream).map((u) => low + (high - low) * u)
}

/** `count` normally distributed numbers by the Box-Muller transform, a pair from a pair of words. */
export function normal(
  count: number,
  { std, mean = 0, ...stream }: Stream & { std: number; mean?: number },
): Float64Array {
  const u = unit(count + (count % 2), stream)
  return Float64Array.from({ length: count }, (_, element) => {
    const radius = Math.sqrt(-2 * Math.log(u[element & ~1]))
    const angle = 2 * Math.PI * u[element | 1]
    return mean + std * radius * (element % 2 === 0 ? Math.cos(angle) : Math.sin(angle))
  })
}
