/**
 * The scalar operations that a `rows` kernel can fuse, each defined here in double precision: this table is what every
 * backend is held against. Names ending in I work on i32 lanes, the others on f32 lanes unless noted.
 */

/** How far a float32 result may be from the exact one for the operands that the device held. */
export interface Budget {
  /** A bound on |error|. */
  (exact: number, args: readonly number[]): number
  /** The bound as the documentation has it. */
  readonly text: string
}

export interface ScalarRow {
  readonly arity: 1 | 2 | 3
  readonly evaluate: (a: number, b: number, c: number) => number
  readonly budget: Budget
}

const UNIT = 2 ** -24 // half a unit in the last place of 1
const TINY = 2 ** -126 // the smallest normal number; below it, and powers below twice that, devices may flush to zero

/** The density of the normal distribution at 0. */
export const DENSITY = 1 / Math.sqrt(2 * Math.PI)

const budget = (text: string, bound: (exact: number, args: readonly number[]) => number): Budget =>
  Object.assign(bound, { text })

const exactly = budget('exact', () => 0)
/** k units in the last place. */
const ulps = (k: number): Budget => budget(`${k} ULP`, (exact) => Math.max(k * 2 * UNIT * Math.abs(exact), k * TINY))
const rounded = ulps(0.5)
// exp(b log |a|): the error of the logarithm is multiplied by b log |a|
const powers = budget(
  '(8 + 4·|b·ln |a||)·2⁻²⁴·|x|',
  (exact, [a, b]) => (8 + 4 * Math.abs(b * Math.log(Math.abs(a) || 1))) * UNIT * Math.abs(exact) + 2 * TINY,
)

// e^(-a^2 / 2): what the exponent is rounded by stays in the result; beyond 40 there is none
const bell = (a: number): number => (16 + 2 * Math.min(a * a, 1600)) * UNIT
const bells = budget('(16 + 2·a²)·2⁻²⁴·|x|', (exact, [a]) => bell(a) * Math.abs(exact) + 16 * TINY)
const bellSums = budget(
  '(16 + 2·a²)·2⁻²⁴·(Φ(a) + |a|·φ(a))',
  (exact, [a]) => bell(a) * (exact + (a < 0 ? 2 * moment(-a) : 0)) + 16 * TINY,
)

type Evaluate = ScalarRow['evaluate']
const real = (evaluate: Evaluate, arity: ScalarRow['arity'], budget: Budget): ScalarRow => ({ arity, evaluate, budget })
const int = (evaluate: Evaluate, arity: ScalarRow['arity']): ScalarRow =>
  real((a, b, c) => evaluate(a, b, c) | 0, arity, exactly)

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
const moment = (t: number): number => Math.min(t, 40) * Math.exp((-t * t) / 2) * DENSITY

/** x Phi(x), which does not cancel where x is far below 0. */
function gelu(x: number): number {
  const t = Math.abs(x)
  return Math.max(x, 0) - Math.min(t, 40) * normalTail(t)
}
function geluSlope(x: number): number {
  const below = normalTail(Math.abs(x)) - moment(Math.abs(x))
  return x < 0 ? below : 1 - below
}

/** The high and low 32 bits of a 32 x 32 bit product. */
function multiplyWide(a: number, b: number): [number, number] {
  const low = (a & 0xffff) * (b & 0xffff)
  const middle1 = (a >>> 16) * (b & 0xffff) + (low >>> 16)
  const middle2 = (a & 0xffff) * (b >>> 16) + (middle1 & 0xffff)
  return [
    ((a >>> 16) * (b >>> 16) + Math.floor(middle1 / 65536) + Math.floor(middle2 / 65536)) >>> 0,
    Math.imul(a, b) >>> 0,
  ]
}

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

export const scalars = {
  add: real((a, b) => a + b, 2, rounded),
  sub: real((a, b) => a - b, 2, rounded),
  mul: real((a, b) => a * b, 2, rounded),
  div: real((a, b) => a / b, 2, ulps(2.5)),
  minimum: real((a, b) => Math.min(a, b), 2, exactly),
  maximum: real((a, b) => Math.max(a, b), 2, exactly),
  pow: real((a, b) => a ** b, 2, powers),
  neg: real((a) => -a, 1, exactly),
  abs: real((a) => Math.abs(a), 1, exactly),
  sign: real((a) => Math.sign(a), 1, exactly),
  exp: real((a) => Math.exp(a), 1, ulps(4)),
  log: real((a) => Math.log(a), 1, ulps(4)),
  log1p: real((a) => Math.log1p(a), 1, ulps(4)),
  sqrt: real((a) => Math.sqrt(a), 1, ulps(2.5)),
  rsqrt: real((a) => 1 / Math.sqrt(a), 1, ulps(3)),
  tanh: real((a) => Math.tanh(a), 1, ulps(4)),
  erf: real((a) => erf(a), 1, ulps(4)),
  /** a Phi(a) (Hendrycks & Gimpel 2016), where Phi is the normal distribution and phi its density. */
  gelu: real(gelu, 1, bells),
  /** Phi(a) + a phi(a) */
  geluSlope: real(geluSlope, 1, bellSums),
  elu: real((a) => (a > 0 ? a : Math.expm1(a)), 1, ulps(4)),
  /** elu(a) + 1, which does not cancel where a is far below 0. */
  eluPlusOne: real((a) => (a > 0 ? a + 1 : Math.exp(a)), 1, ulps(4)),
  less: real((a, b) => (a < b ? 1 : 0), 2, exactly),
  lessEqual: real((a, b) => (a <= b ? 1 : 0), 2, exactly),
  equal: real((a, b) => (a === b ? 1 : 0), 2, exactly),
  addI: int((a, b) => a + b, 2),
  subI: int((a, b) => a - b, 2),
  mulI: int((a, b) => Math.imul(a, b), 2),
  minimumI: int((a, b) => Math.min(a, b), 2),
  maximumI: int((a, b) => Math.max(a, b), 2),
  negI: int((a) => -a, 1),
  absI: int((a) => Math.abs(a), 1),
  signI: int((a) => Math.sign(a), 1),
  lessI: int((a, b) => (a < b ? 1 : 0), 2),
  lessEqualI: int((a, b) => (a <= b ? 1 : 0), 2),
  equalI: int((a, b) => (a === b ? 1 : 0), 2),
  /** a is i32; b, c and the result are of one dtype, either. */
  where: real((a, b, c) => (a !== 0 ? b : c), 3, exactly),
  /** i32 -> f32 */
  toFloat: real((a) => a, 1, rounded),
  /** f32 -> i32: towards zero, saturating, NaN -> 0 */
  toInt: real((a) => (Number.isNaN(a) ? 0 : Math.max(-2147483648, Math.min(2147483647, Math.trunc(a)))), 1, exactly),
  /** f32 -> i32 */
  isFinite: real((a) => (Number.isFinite(a) ? 1 : 0), 1, exactly),
  /** i32 element, segment, step -> i32 random bits; `evaluate` stands aside: a backend calls `randomWord` with seed and site. */
  philox: int(() => 0, 3),
  /** i32 random bits -> f32 in [0, 1) */
  uniform: real((a) => (a >>> 8) * UNIT, 1, exactly),
} as const satisfies Record<string, ScalarRow>

export type ScalarName = keyof typeof scalars

/** Whether every device gives the exact result, rounded. */
export const isRounded = (name: ScalarName): boolean =>
  name !== 'philox' && [exactly, rounded].includes(scalars[name].budget)
