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

/**
 * What an operand is drawn from where the operation is checked: evenly, or whole numbers alone; or `magnitudes`, even in
 * their logarithm, of one sign or of `either`.
 */
export interface Range {
  readonly from: number
  readonly to: number
  readonly drawn: 'even' | 'whole' | 'magnitudes' | 'either'
}

export interface ScalarRow {
  /** The exact result; a, b and c are the operands. */
  readonly evaluate: (a: number, b: number, c: number) => number
  /** Where it is checked, an operand each: nearly all of its domain, without what may overflow or be flushed to zero. */
  readonly ranges: readonly Range[]
  readonly budget: Budget
  /** An AssemblyScript expression of vectors of four lanes; where there is none, it is a function of assembly/math.ts by its name. */
  readonly simd?: string
  /** A WGSL expression as exact as the budget; where there is none, it is a function of kernels/math.wgsl, `op_` and its name. */
  readonly wgsl?: string
  // What it makes of operands that are known to lie in intervals; of those without either compare/intervals.ts says it.
  /** Whether it is monotone in each operand. */
  readonly monotone?: true
  /** Of one operand: where it turns between two numbers, being monotone elsewhere. */
  readonly turns?: (low: number, high: number) => readonly number[]
  /** Whether it costs several times what an addition does. */
  readonly costly?: true
}

const UNIT = 2 ** -24 // half a unit in the last place of 1
const TINY = 2 ** -126 // the smallest normal number; below it, and powers below twice that, devices may flush to zero

const budget = (text: string, bound: (exact: number, args: readonly number[]) => number): Budget =>
  Object.assign(bound, { text })

const exactly = budget('exact', () => 0)
/** k units in the last place. */
const ulps = (k: number): Budget => budget(`${k} ULP`, (exact) => Math.max(k * 2 * UNIT * Math.abs(exact), k * TINY))
// exp(b log |a|): the error of the logarithm is multiplied by b log |a|
const powers = budget(
  '(8 + 4·|b·ln |a||)·2⁻²⁴·|x|',
  (exact, [a, b]) => (8 + 4 * Math.abs(b * Math.log(Math.abs(a) || 1))) * UNIT * Math.abs(exact) + 2 * TINY,
)

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
  let fraction = 0
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (z + fraction)
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)))
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

const even = (from: number, to: number): Range => ({ from, to, drawn: 'even' })
const whole = (from: number, to: number): Range => ({ from, to, drawn: 'whole' })
const magnitudes = (from: number, to: number): Range => ({ from, to, drawn: 'magnitudes' })
const either = (from: number, to: number): Range => ({ from, to, drawn: 'either' })
const wide = either(1e-9, 1e9)
const positive = magnitudes(1e-37, 1e38)
const integers = whole(-(2 ** 31), 2 ** 31)
const few = whole(-4, 4)

type Evaluate = ScalarRow['evaluate']
type More = Omit<ScalarRow, 'evaluate' | 'ranges' | 'budget'>
const real = <const M extends More>(evaluate: Evaluate, ranges: readonly Range[], budget: Budget, more: M) => ({
  evaluate,
  ranges,
  budget,
  ...more,
})
const int = <const M extends More>(evaluate: Evaluate, ranges: readonly Range[], more: M) =>
  real((a, b, c) => evaluate(a, b, c) | 0, ranges, exactly, more)
const monotone = true
const at =
  (...turns: readonly number[]) =>
  (low: number, high: number) =>
    turns.filter((x) => low < x && x < high)
const costly = true

/** In the order of this table the CPU kernels number them. */
export const scalars = {
  add: real((a, b) => a + b, [wide, wide], ulps(0.5), { simd: 'f32x4.add(a, b)', wgsl: '(a + b)', monotone }),
  sub: real((a, b) => a - b, [wide, wide], ulps(0.5), { simd: 'f32x4.sub(a, b)', wgsl: '(a - b)', monotone }),
  mul: real((a, b) => a * b, [wide, wide], ulps(0.5), { simd: 'f32x4.mul(a, b)', wgsl: '(a * b)', monotone }),
  div: real((a, b) => a / b, [wide, wide], ulps(2.5), { simd: 'f32x4.div(a, b)' }),
  minimum: real((a, b) => Math.min(a, b), [wide, wide], exactly, {
    simd: 'f32x4.min(a, b)',
    wgsl: 'min(a, b)',
    monotone,
  }),
  maximum: real((a, b) => Math.max(a, b), [wide, wide], exactly, {
    simd: 'f32x4.max(a, b)',
    wgsl: 'max(a, b)',
    monotone,
  }),
  pow: real((a, b) => a ** b, [magnitudes(1e-3, 1e3), even(-6, 6)], powers, { costly }),
  neg: real((a) => -a, [wide], exactly, { simd: 'f32x4.neg(a)', wgsl: '(-a)', monotone }),
  abs: real((a) => Math.abs(a), [wide], exactly, { simd: 'f32x4.abs(a)', wgsl: 'abs(a)', turns: at(0) }),
  sign: real((a) => Math.sign(a), [wide], exactly, { wgsl: 'sign(a)', monotone }),
  exp: real((a) => Math.exp(a), [even(-86.9, 88)], ulps(4), { monotone, costly }),
  log: real((a) => Math.log(a), [positive], ulps(4), { monotone, costly }),
  log1p: real((a) => Math.log1p(a), [even(-0.999, 20)], ulps(4), { monotone, costly }),
  sqrt: real((a) => Math.sqrt(a), [positive], ulps(2.5), { simd: 'f32x4.sqrt(a)', monotone }),
  rsqrt: real((a) => 1 / Math.sqrt(a), [positive], ulps(3), { monotone }),
  tanh: real((a) => Math.tanh(a), [either(1e-6, 12)], ulps(4), { monotone, costly }),
  erf: real((a) => erf(a), [even(-6, 6)], ulps(4), { monotone, costly }),
  elu: real((a) => (a > 0 ? a : Math.expm1(a)), [even(-20, 20)], ulps(4), { monotone, costly }),
  /** elu(a) + 1, which does not cancel where a is far below 0. */
  eluPlusOne: real((a) => (a > 0 ? a + 1 : Math.exp(a)), [even(-86.9, 20)], ulps(4), { monotone, costly }),
  less: real((a, b) => (a < b ? 1 : 0), [wide, wide], exactly, {
    simd: 'math.truth(f32x4.lt(a, b))',
    wgsl: 'i32(a < b)',
  }),
  lessEqual: real((a, b) => (a <= b ? 1 : 0), [wide, wide], exactly, {
    simd: 'math.truth(f32x4.le(a, b))',
    wgsl: 'i32(a <= b)',
  }),
  equal: real((a, b) => (a === b ? 1 : 0), [few, few], exactly, {
    simd: 'math.truth(f32x4.eq(a, b))',
    wgsl: 'i32(a == b)',
  }),
  addI: int((a, b) => a + b, [integers, integers], { simd: 'i32x4.add(a, b)', wgsl: '(a + b)', monotone }),
  subI: int((a, b) => a - b, [integers, integers], { simd: 'i32x4.sub(a, b)', wgsl: '(a - b)', monotone }),
  mulI: int((a, b) => Math.imul(a, b), [integers, integers], { simd: 'i32x4.mul(a, b)', wgsl: '(a * b)', monotone }),
  minimumI: int((a, b) => Math.min(a, b), [integers, integers], {
    simd: 'i32x4.min_s(a, b)',
    wgsl: 'min(a, b)',
    monotone,
  }),
  maximumI: int((a, b) => Math.max(a, b), [integers, integers], {
    simd: 'i32x4.max_s(a, b)',
    wgsl: 'max(a, b)',
    monotone,
  }),
  negI: int((a) => -a, [integers], { simd: 'i32x4.neg(a)', wgsl: '(-a)', monotone }),
  absI: int((a) => Math.abs(a), [integers], { simd: 'i32x4.abs(a)', wgsl: 'abs(a)', turns: at(0) }),
  signI: int((a) => Math.sign(a), [few], { wgsl: 'sign(a)', monotone }),
  lessI: int((a, b) => (a < b ? 1 : 0), [few, few], { simd: 'math.truth(i32x4.lt_s(a, b))', wgsl: 'i32(a < b)' }),
  lessEqualI: int((a, b) => (a <= b ? 1 : 0), [few, few], {
    simd: 'math.truth(i32x4.le_s(a, b))',
    wgsl: 'i32(a <= b)',
  }),
  equalI: int((a, b) => (a === b ? 1 : 0), [few, few], { simd: 'math.truth(i32x4.eq(a, b))', wgsl: 'i32(a == b)' }),
  /** a is i32; b, c and the result are of one dtype, either. */
  where: real((a, b, c) => (a !== 0 ? b : c), [whole(0, 2), wide, wide], exactly, {
    simd: 'v128.bitselect(c, b, i32x4.eq(a, i32x4.splat(0)))',
    wgsl: 'select(c, b, a != 0)',
  }),
  /** i32 -> f32 */
  toFloat: real((a) => a, [integers], ulps(0.5), { simd: 'f32x4.convert_i32x4_s(a)', wgsl: 'f32(a)', monotone }),
  /** f32 -> i32: towards zero, saturating, NaN -> 0 */
  toInt: real(
    (a) => (Number.isNaN(a) ? 0 : Math.max(-2147483648, Math.min(2147483647, Math.trunc(a)))),
    [wide],
    exactly,
    { simd: 'i32x4.trunc_sat_f32x4_s(a)', monotone },
  ),
  /** f32 -> i32 */
  isFinite: real((a) => (Number.isFinite(a) ? 1 : 0), [wide], exactly, {
    simd: 'math.truth(f32x4.lt(f32x4.abs(a), math.all(Infinity)))',
  }),
  /**
   * i32 element, segment, step -> i32 random bits. It takes seed and site beside its operands, which `evaluate` does not
   * know: a backend calls `randomWord`.
   */
  philox: int(() => 0, [integers, whole(0, 1024), integers], { costly }),
  /** i32 random bits -> f32 in [0, 1) */
  uniform: real((a) => (a >>> 8) * UNIT, [integers], exactly, {}),
} as const satisfies Record<string, ScalarRow>

export type ScalarName = keyof typeof scalars

/** The names of the operations that have an attribute. */
export type ScalarsThat<Key extends keyof ScalarRow> = {
  [Name in ScalarName]: (typeof scalars)[Name] extends Readonly<Record<Key, unknown>> ? Name : never
}[ScalarName]
