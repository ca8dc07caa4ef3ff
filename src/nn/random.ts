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

/** Which random stream a layer draws from: the 32-bit FNV-1a hash of its name's UTF-8 bytes, in [0, 2^32). */
export function siteOf(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

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
