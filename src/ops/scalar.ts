/**
 * The scalar operations that a `fused` kernel can fuse: where each is checked, how far off it may be, and the CPU kernels'
 * text. What computes needs none of it, and does not import it; the values are in `rounded.ts` and `exact.ts`.
 */

import { exact, moment } from './exact.ts'
import { type Evaluate, floorDivide, type ScalarName } from './rounded.ts'

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
  readonly evaluate: Evaluate
  /** Where it is checked, an operand each: nearly all of its domain, without what may overflow or be flushed to zero. */
  readonly ranges: readonly Range[]
  readonly budget: Budget
  /** An AssemblyScript expression of vectors of four lanes; where there is none, it is a function of assembly/math.ts by its name. */
  readonly simd?: string
  // What it makes of operands that are known to lie in intervals; of those without either compare/intervals.ts says it.
  /** Whether it is monotone in each operand, or between which ends. */
  readonly monotone?: true | ((operands: readonly Ends[]) => boolean)
  /** Of one operand: where it turns between two numbers, being monotone elsewhere. */
  readonly turns?: (low: number, high: number) => readonly number[]
  /** What it lies between where it is not monotone; anything, if nothing is said. */
  readonly bounds?: (operands: readonly Ends[]) => Ends
}

const UNIT = 2 ** -24 // half a unit in the last place of 1
const TINY = 2 ** -126 // the smallest normal number; below it, and powers below twice that, devices may flush to zero

const budget = (text: string, bound: (exact: number, args: readonly number[]) => number): Budget =>
  Object.assign(bound, { text })

const exactly = budget('exact', () => 0)
/** k units in the last place. */
const ulps = (k: number): Budget =>
  budget(`${k} ULP`, (exact) => Math.max(k * 2 * UNIT * Math.abs(exact), Math.max(1, k) * TINY))
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

type Entry = Omit<ScalarEntry, 'evaluate'>
type More = Omit<Entry, 'ranges' | 'budget'>
const real = <const M extends More>(ranges: readonly Range[], budget: Budget, more: M) => ({ ranges, budget, ...more })
const int = <const M extends More>(ranges: readonly Range[], more: M) => real(ranges, exactly, more)
const compares = (simd: string) => ({ simd: `math.truth(${simd}(a, b))` })
const monotone = true
const at =
  (...turns: readonly number[]) =>
  (low: number, high: number) =>
    turns.filter((x) => low < x && x < high)
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

const entries = {
  add: real(pair, rounded, { simd: 'f32x4.add(a, b)', monotone }),
  sub: real(pair, rounded, { simd: 'f32x4.sub(a, b)', monotone }),
  mul: real(pair, rounded, { simd: 'f32x4.mul(a, b)', monotone }),
  div: real(pair, ulps(2.5), { simd: 'f32x4.div(a, b)', monotone: divides }),
  mod: real(pair, ulps(1), { monotone: oneQuotient, bounds: upTo }),
  floorDivide: real(pair, wholes, { monotone: divides }),
  minimum: real(pair, exactly, { simd: 'f32x4.min(a, b)', monotone }),
  maximum: real(pair, exactly, { simd: 'f32x4.max(a, b)', monotone }),
  pow: real([magnitudes(1e-3, 1e3), even(-6, 6)], powers, { monotone: isPower }),
  neg: real([wide], exactly, { simd: 'f32x4.neg(a)', monotone }),
  abs: real([wide], exactly, { simd: 'f32x4.abs(a)', turns: at(0) }),
  sign: real([wide], exactly, { monotone }),
  floor: real([wide], exactly, { simd: 'f32x4.floor(a)', monotone }),
  ceil: real([wide], exactly, { simd: 'f32x4.ceil(a)', monotone }),
  round: real([wide], exactly, { simd: 'f32x4.nearest(a)', monotone }),
  exp: real([even(-86.9, 88)], ulps(4), { monotone }),
  log: real([positive], ulps(4), { monotone }),
  log1p: real([even(-0.999, 20)], ulps(4), { monotone }),
  sqrt: real([positive], ulps(2.5), { simd: 'f32x4.sqrt(a)', monotone }),
  rsqrt: real([positive], ulps(3), { monotone }),
  sin: real([either(1e-6, 1e38)], ulps(4), { turns: halfTurns(Math.PI / 2) }),
  cos: real([either(1e-6, 1e38)], ulps(4), { turns: halfTurns(0) }),
  tanh: real([either(1e-6, 12)], ulps(4), { monotone }),
  erf: real([even(-6, 6)], ulps(4), { monotone }),
  gelu: real([even(-12.9, 6)], bells, { turns: at(-0.7517915246935645) }),
  geluSlope: real([even(-12.9, 6)], bellSums, { turns: at(-Math.SQRT2, Math.SQRT2) }),
  elu: real([even(-20, 20)], ulps(4), { monotone }),
  eluPlusOne: real([even(-86.9, 20)], ulps(4), { monotone }),
  less: real(pair, exactly, compares('f32x4.lt')),
  lessEqual: real(pair, exactly, compares('f32x4.le')),
  equal: real([few, few], exactly, compares('f32x4.eq')),
  addI: int(words, { simd: 'i32x4.add(a, b)', monotone }),
  subI: int(words, { simd: 'i32x4.sub(a, b)', monotone }),
  mulI: int(words, { simd: 'i32x4.mul(a, b)', monotone }),
  modI: int(words, { monotone: oneQuotient, bounds: upTo }),
  floorDivideI: int(words, { monotone: divides }),
  minimumI: int(words, { simd: 'i32x4.min_s(a, b)', monotone }),
  maximumI: int(words, { simd: 'i32x4.max_s(a, b)', monotone }),
  negI: int([integers], { simd: 'i32x4.neg(a)', monotone }),
  absI: int([integers], { simd: 'i32x4.abs(a)', turns: at(0) }),
  signI: int([few], { monotone }),
  lessI: int([few, few], compares('i32x4.lt_s')),
  lessEqualI: int([few, few], compares('i32x4.le_s')),
  equalI: int([few, few], compares('i32x4.eq')),
  where: real([whole(0, 2), wide, wide], exactly, {
    simd: 'v128.bitselect(c, b, i32x4.eq(a, i32x4.splat(0)))',
  }),
  toFloat: real([integers], rounded, { simd: 'f32x4.convert_i32x4_s(a)', monotone }),
  toInt: real([wide], exactly, { simd: 'i32x4.trunc_sat_f32x4_s(a)', monotone }),
  isFinite: real([wide], exactly, {
    simd: 'math.truth(f32x4.lt(f32x4.abs(a), math.all(Infinity)))',
  }),
  philox: int([integers, whole(0, 1024), integers], {}),
  uniform: real([integers], exactly, { monotone: keepsSign, bounds: () => [0, 1] }),
} as const satisfies Record<ScalarName, Entry>

export const scalars = Object.fromEntries(
  Object.entries<Entry>(entries).map(([name, entry]) => [name, { ...entry, evaluate: exact[name as ScalarName] }]),
) as unknown as { readonly [Name in ScalarName]: (typeof entries)[Name] & Pick<ScalarEntry, 'evaluate'> }

/** The names of the operations that have an attribute. */
export type ScalarsThat<Key extends keyof ScalarEntry> = {
  [Name in ScalarName]: (typeof scalars)[Name] extends Readonly<Record<Key, unknown>> ? Name : never
}[ScalarName]
