/**
 * The scalar operations that a `fused` kernel can fuse, each defined here in double precision: this table is what every
 * backend is held against. Names ending in I work on i32 lanes, the others on f32 lanes unless noted.
 */

import { erf, floorDivide, gelu, geluSlope, modulo, moment, power, roundHalfEven, saturated } from './exact.ts'

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

/** A number that lies from the one to the other. */
export type Ends = readonly [low: number, high: number]
export const anything: Ends = [-Infinity, Infinity]
export const isExact = ([low, high]: Ends): boolean => low === high
const holdsZero = ([low, high]: Ends): boolean => low <= 0 && high >= 0

export interface ScalarEntry {
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
  /** Whether it is monotone in each operand, or between which ends. */
  readonly monotone?: true | ((operands: readonly Ends[]) => boolean)
  /** Of one operand: where it turns between two numbers, being monotone elsewhere. */
  readonly turns?: (low: number, high: number) => readonly number[]
  /** What it lies between where it is not monotone; anything, if nothing is said. */
  readonly bounds?: (operands: readonly Ends[]) => Ends
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
const rounded = ulps(0.5)
const wholes = budget('exact below 2²², else 2.5 ULP', (exact) =>
  Math.abs(exact) < 2 ** 22 ? 0 : 5 * UNIT * Math.abs(exact),
)
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

const even = (from: number, to: number): Range => ({ from, to, drawn: 'even' })
const whole = (from: number, to: number): Range => ({ from, to, drawn: 'whole' })
const magnitudes = (from: number, to: number): Range => ({ from, to, drawn: 'magnitudes' })
const either = (from: number, to: number): Range => ({ from, to, drawn: 'either' })
const wide = either(1e-9, 1e9)
const positive = magnitudes(1e-37, 1e38)
const integers = whole(-(2 ** 31), 2 ** 31)
const few = whole(-4, 4)
const pair = [wide, wide]
const words = [integers, integers]

type Evaluate = ScalarEntry['evaluate']
type More = Omit<ScalarEntry, 'evaluate' | 'ranges' | 'budget'>
const real = <const M extends More>(evaluate: Evaluate, ranges: readonly Range[], budget: Budget, more: M) => ({
  evaluate,
  ranges,
  budget,
  ...more,
})
const int = <const M extends More>(evaluate: Evaluate, ranges: readonly Range[], more: M) =>
  real((a, b, c) => evaluate(a, b, c) | 0, ranges, exactly, more)
/** The texts of a comparison. */
const compares = (simd: string, wgsl: string) => ({ simd: `math.truth(${simd}(a, b))`, wgsl: `i32(a ${wgsl} b)` })
const monotone = true
const at =
  (...turns: readonly number[]) =>
  (low: number, high: number) =>
    turns.filter((x) => low < x && x < high)
const costly = true
/** Where the second operand keeps its sign. */
const divides = ([, b]: readonly Ends[]): boolean => !holdsZero(b)
const keepsSign = ([a]: readonly Ends[]): boolean => !holdsZero(a) || isExact(a)
const isPower = ([a, b]: readonly Ends[]): boolean => a[0] > 0 || (!holdsZero(a) && isExact(b))
/** Where a / b stays between two whole numbers. */
const oneQuotient = (operands: readonly Ends[]): boolean => {
  const [a, b] = operands
  const quotients = a.flatMap((x) => b.map((y) => floorDivide(x, y)))
  return (divides(operands) || isExact(b)) && quotients.every((q) => q === quotients[0])
}
const upTo = ([, b]: readonly Ends[]): Ends => (holdsZero(b) ? anything : [Math.min(0, b[0]), Math.max(0, b[1])])
/** Turns at `first` and every half turn behind it. */
const halfTurns =
  (first: number) =>
  (low: number, high: number): readonly number[] => {
    const next = first + Math.ceil((low - first) / Math.PI) * Math.PI
    if (high - low > 2 * Math.PI) return [first, first + Math.PI]
    return [next, next + Math.PI, next + 2 * Math.PI].filter((x) => low < x && x < high)
  }

/** In the order of this table the CPU kernels number them. */
export const scalars = {
  add: real((a, b) => a + b, pair, rounded, { simd: 'f32x4.add(a, b)', wgsl: '(a + b)', monotone }),
  sub: real((a, b) => a - b, pair, rounded, { simd: 'f32x4.sub(a, b)', wgsl: '(a - b)', monotone }),
  mul: real((a, b) => a * b, pair, rounded, { simd: 'f32x4.mul(a, b)', wgsl: '(a * b)', monotone }),
  div: real((a, b) => a / b, pair, ulps(2.5), { simd: 'f32x4.div(a, b)', monotone: divides }),
  /** The sign is that of b; a result of 0 has that of a. */
  mod: real(modulo, pair, ulps(1), { monotone: oneQuotient, bounds: upTo, costly }),
  floorDivide: real(floorDivide, pair, wholes, { monotone: divides, costly }),
  minimum: real((a, b) => Math.min(a, b), pair, exactly, { simd: 'f32x4.min(a, b)', wgsl: 'min(a, b)', monotone }),
  maximum: real((a, b) => Math.max(a, b), pair, exactly, { simd: 'f32x4.max(a, b)', wgsl: 'max(a, b)', monotone }),
  pow: real(power, [magnitudes(1e-3, 1e3), even(-6, 6)], powers, { monotone: isPower, costly }),
  neg: real((a) => -a, [wide], exactly, { simd: 'f32x4.neg(a)', wgsl: '(-a)', monotone }),
  abs: real(Math.abs, [wide], exactly, { simd: 'f32x4.abs(a)', wgsl: 'abs(a)', turns: at(0) }),
  sign: real(Math.sign, [wide], exactly, { wgsl: 'sign(a)', monotone }),
  floor: real(Math.floor, [wide], exactly, { simd: 'f32x4.floor(a)', wgsl: 'floor(a)', monotone }),
  ceil: real(Math.ceil, [wide], exactly, { simd: 'f32x4.ceil(a)', wgsl: 'ceil(a)', monotone }),
  round: real(roundHalfEven, [wide], exactly, { simd: 'f32x4.nearest(a)', wgsl: 'round(a)', monotone }),
  exp: real(Math.exp, [even(-86.9, 88)], ulps(4), { monotone, costly }),
  log: real(Math.log, [positive], ulps(4), { monotone, costly }),
  log1p: real(Math.log1p, [even(-0.999, 20)], ulps(4), { monotone, costly }),
  sqrt: real(Math.sqrt, [positive], ulps(2.5), { simd: 'f32x4.sqrt(a)', monotone }),
  rsqrt: real((a) => 1 / Math.sqrt(a), [positive], ulps(3), { monotone }),
  sin: real(Math.sin, [either(1e-6, 1e38)], ulps(4), { turns: halfTurns(Math.PI / 2), costly }),
  cos: real(Math.cos, [either(1e-6, 1e38)], ulps(4), { turns: halfTurns(0), costly }),
  tanh: real(Math.tanh, [either(1e-6, 12)], ulps(4), { monotone, costly }),
  erf: real(erf, [even(-6, 6)], ulps(4), { monotone, costly }),
  /** a Phi(a) (Hendrycks & Gimpel 2016), where Phi is the normal distribution and phi its density. */
  gelu: real(gelu, [even(-12.9, 6)], bells, { turns: at(-0.7517915246935645), costly }),
  /** Phi(a) + a phi(a) */
  geluSlope: real(geluSlope, [even(-12.9, 6)], bellSums, { turns: at(-Math.SQRT2, Math.SQRT2), costly }),
  elu: real((a) => (a > 0 ? a : Math.expm1(a)), [even(-20, 20)], ulps(4), { monotone, costly }),
  /** elu(a) + 1, which does not cancel where a is far below 0. */
  eluPlusOne: real((a) => (a > 0 ? a + 1 : Math.exp(a)), [even(-86.9, 20)], ulps(4), { monotone, costly }),
  less: real((a, b) => (a < b ? 1 : 0), pair, exactly, compares('f32x4.lt', '<')),
  lessEqual: real((a, b) => (a <= b ? 1 : 0), pair, exactly, compares('f32x4.le', '<=')),
  equal: real((a, b) => (a === b ? 1 : 0), [few, few], exactly, compares('f32x4.eq', '==')),
  addI: int((a, b) => a + b, words, { simd: 'i32x4.add(a, b)', wgsl: '(a + b)', monotone }),
  subI: int((a, b) => a - b, words, { simd: 'i32x4.sub(a, b)', wgsl: '(a - b)', monotone }),
  mulI: int(Math.imul, words, { simd: 'i32x4.mul(a, b)', wgsl: '(a * b)', monotone }),
  /** By 0 it is 0, as in NumPy. */
  modI: int(modulo, words, { monotone: oneQuotient, bounds: upTo, costly }),
  /** By 0 it is 0, as in NumPy. */
  floorDivideI: int(floorDivide, words, { monotone: divides, costly }),
  minimumI: int((a, b) => Math.min(a, b), words, { simd: 'i32x4.min_s(a, b)', wgsl: 'min(a, b)', monotone }),
  maximumI: int((a, b) => Math.max(a, b), words, { simd: 'i32x4.max_s(a, b)', wgsl: 'max(a, b)', monotone }),
  negI: int((a) => -a, [integers], { simd: 'i32x4.neg(a)', wgsl: '(-a)', monotone }),
  absI: int(Math.abs, [integers], { simd: 'i32x4.abs(a)', wgsl: 'abs(a)', turns: at(0) }),
  signI: int(Math.sign, [few], { wgsl: 'sign(a)', monotone }),
  lessI: int((a, b) => (a < b ? 1 : 0), [few, few], compares('i32x4.lt_s', '<')),
  lessEqualI: int((a, b) => (a <= b ? 1 : 0), [few, few], compares('i32x4.le_s', '<=')),
  equalI: int((a, b) => (a === b ? 1 : 0), [few, few], compares('i32x4.eq', '==')),
  /** a is i32; b, c and the result are of one dtype, either. */
  where: real((a, b, c) => (a !== 0 ? b : c), [whole(0, 2), wide, wide], exactly, {
    simd: 'v128.bitselect(c, b, i32x4.eq(a, i32x4.splat(0)))',
    wgsl: 'select(c, b, a != 0)',
  }),
  /** i32 -> f32 */
  toFloat: real((a) => a, [integers], rounded, { simd: 'f32x4.convert_i32x4_s(a)', wgsl: 'f32(a)', monotone }),
  /** f32 -> i32: towards zero, saturating, NaN -> 0 */
  toInt: real(saturated, [wide], exactly, { simd: 'i32x4.trunc_sat_f32x4_s(a)', monotone }),
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
  uniform: real((a) => (a >>> 8) * UNIT, [integers], exactly, { monotone: keepsSign, bounds: () => [0, 1] }),
} as const satisfies Record<string, ScalarEntry>

export type ScalarName = keyof typeof scalars

/** The names of the operations that have an attribute. */
export type ScalarsThat<Key extends keyof ScalarEntry> = {
  [Name in ScalarName]: (typeof scalars)[Name] extends Readonly<Record<Key, unknown>> ? Name : never
}[ScalarName]

/** Whether every device gives the exact result, rounded. */
export const isRounded = (name: ScalarName): boolean =>
  name !== 'philox' && [exactly, rounded].includes(scalars[name].budget)
