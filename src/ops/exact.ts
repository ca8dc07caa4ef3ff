// What the scalar operations are in exact arithmetic, as near as double precision comes to it; and the random numbers,
// which are exact.

/** The density of the normal distribution at 0. */
export const DENSITY = 1 / Math.sqrt(2 * Math.PI)

/** Error function: Maclaurin series for |x| < 2.5, continued fraction of the complement beyond (Abramowitz & Stegun 7.1.6, 7.1.14). */
export function erf(x: number): number {
  const z = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (z < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
  }
  return Math.sign(x) * (1 - complement(z))
}

/** 1 - erf(z), for z of at least 2.5. */
function complement(z: number): number {
  let fraction = 0
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (z + fraction)
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction))
}

/** 1 - Phi(t) for t >= 0, where Phi is the normal distribution. */
function normalTail(t: number): number {
  const z = t * Math.SQRT1_2
  return (z < 2.5 ? 1 - erf(z) : complement(z)) / 2
}
/** t times the density of the normal distribution at t; beyond 40 there is none, and Infinity must not meet 0. */
export const moment = (t: number): number => Math.min(t, 40) * Math.exp((-t * t) / 2) * DENSITY

/** x Phi(x), which does not cancel where x is far below 0. */
export function gelu(x: number): number {
  const t = Math.abs(x)
  return Math.max(x, 0) - Math.min(t, 40) * normalTail(t)
}
export function geluSlope(x: number): number {
  const below = normalTail(Math.abs(x)) - moment(Math.abs(x))
  return x < 0 ? below : 1 - below
}

/** The whole number next to x; of two the even one. */
export function roundHalfEven(x: number): number {
  const up = Math.round(x)
  return Math.abs(x % 1) === 0.5 && up % 2 !== 0 ? up - 1 : up
}

/** a - b floor(a / b), without the errors of a quotient. */
export function modulo(a: number, b: number): number {
  const rest = a % b
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest
}

/** floor(a / b), of the exact quotient: where that is rounded, it may reach the next whole number. */
export function floorDivide(a: number, b: number): number {
  const rest = a % b
  if (b === 0 || rest === 0) return a / b
  return Math.round((a - rest) / b) + (rest < 0 !== b < 0 ? -1 : 0)
}

/** As a 32-bit integer: towards 0, saturating; 0 for NaN. */
export const saturated = (x: number): number =>
  Number.isNaN(x) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)))

/** 1 to any power is 1, and so is -1 to an infinite one, as IEEE 754 has it. */
export const power = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b)

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
