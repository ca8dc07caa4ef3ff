// Counted random numbers, which are exact.

/** The high and low 32 bits of a 32 x 32 bit product. */
const multiplyWide = (a: number, b: number): [number, number] => [
  Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 2 ** 16)) / 2 ** 16),
  Math.imul(a, b) >>> 0,
]

/** Philox-4x32-10 (Salmon et al. 2011): four words of random bits for a counter of four words and a key of two. */
export function philox(counter: readonly [number, number, number, number], key: readonly [number, number]): number[] {
  let [c0, c1, c2, c3] = counter.map((word) => word >>> 0)
  let [k0, k1] = key.map((word) => word >>> 0)
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiplyWide(0xd2511f53, c0)
    const [high1, low1] = multiplyWide(0xcd9e8d57, c2)
    ;[c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0]
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return [c0, c1, c2, c3]
}

/** The random word of one element: counter = (element / 4, site, segment, step), key = (seed, 0). */
export const randomWord = (element: number, segment: number, step: number, seed: number, site: number): number =>
  philox([element >>> 2, site, segment, step], [seed, 0])[element & 3] | 0
