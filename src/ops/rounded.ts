/** The exact value of a scalar operation; a, b and c are the operands. */
export type Evaluate = (a: number, b: number, c: number) => number

/** The whole number next to x; of two the even one. */
function roundHalfEven(x: number): number {
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
const saturated = (x: number): number =>
  Number.isNaN(x) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)))

const int =
  (evaluate: Evaluate): Evaluate =>
  (a, b, c) =>
    evaluate(a, b, c) | 0

/**
 * The scalar operations whose exact value, rounded, every device gives: literals are folded by them. Names ending in I work
 * on i32 lanes, the others on f32 lanes unless noted.
 */
export const rounded = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  addI: int((a, b) => a + b),
  subI: int((a, b) => a - b),
  mulI: Math.imul,
  /** By 0 it is 0, as in NumPy. */
  modI: int(modulo),
  /** By 0 it is 0, as in NumPy. */
  floorDivideI: int(floorDivide),
  minimumI: int((a, b) => Math.min(a, b)),
  maximumI: int((a, b) => Math.max(a, b)),
  negI: int((a) => -a),
  absI: int(Math.abs),
  signI: int(Math.sign),
  lessI: (a, b) => (a < b ? 1 : 0),
  lessEqualI: (a, b) => (a <= b ? 1 : 0),
  equalI: (a, b) => (a === b ? 1 : 0),
  /** a is i32; b, c and the result are of one dtype, either. */
  where: (a, b, c) => (a !== 0 ? b : c),
  /** i32 -> f32 */
  toFloat: (a) => a,
  /** f32 -> i32: towards zero, saturating, NaN -> 0 */
  toInt: saturated,
  /** f32 -> i32 */
  isFinite: (a) => (Number.isFinite(a) ? 1 : 0),
  /** i32 random bits -> f32 in [0, 1) */
  uniform: (a) => (a >>> 8) * 2 ** -24,
} as const satisfies Record<string, Evaluate>

/** Those that cost several times what an addition does. */
const expensive = [
  ...['mod', 'floorDivide', 'pow', 'exp', 'log', 'log1p', 'sin', 'cos', 'tanh', 'erf', 'gelu', 'geluSlope'],
  ...['elu', 'eluPlusOne', 'modI', 'floorDivideI', 'philox'],
] as const

/** All scalar operations; their values are in `exact.ts`. In this order the CPU kernels number them. */
export type ScalarName = keyof typeof rounded | (typeof expensive)[number] | 'div' | 'sqrt' | 'rsqrt'
export const costly: ReadonlySet<string> = new Set(expensive)
export const scalarNames = [...new Set([...Object.keys(rounded), 'div', 'sqrt', 'rsqrt', ...expensive])] as ScalarName[]

// Random numbers are counted, not drawn, and the same bits everywhere.

/** The high 32 bits of a 32 x 32 bit product. */
const highOf = (a: number, b: number): number =>
  Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 2 ** 16)) / 2 ** 16)

/** Philox-4x32-10 (Salmon et al. 2011): four words of random bits for a counter of four words and a key of two. */
export function philox(counter: readonly [number, number, number, number], key: readonly [number, number]): number[] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  // thousands of weights are drawn: the rounds make no object
  for (let round = 0; round < 10; round++) {
    const even = c0
    const odd = c2
    c0 = highOf(0xcd9e8d57, odd) ^ c1 ^ k0
    c2 = highOf(0xd2511f53, even) ^ c3 ^ k1
    c1 = Math.imul(0xcd9e8d57, odd)
    c3 = Math.imul(0xd2511f53, even)
    k0 += 0x9e3779b9
    k1 += 0xbb67ae85
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0]
}

/** The random word of one element: counter = (element / 4, site, segment, step), key = (seed, 0). */
export const randomWord = (element: number, segment: number, step: number, seed: number, site: number): number =>
  philox([element >>> 2, site, segment, step], [seed, 0])[element & 3] | 0
