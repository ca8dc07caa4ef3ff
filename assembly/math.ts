// Transcendental functions of four f32 lanes, without branches. The polynomials are minimax fits of our own (Lawson's
// iteration, the coefficients rounded to f32 one after another); the splits of ln 2 are those of Cephes (S. Moshier).
// The relaxed module fuses multiply and add where the machine can.

export { floorDivide, floorDivideI, mod, modI } from './division'
export { cos, sin } from './sine'

const NEAREST: f32 = 12582912.0 // 1.5 x 2^23: after adding it the nearest integer stands in the low bits
const LOG2_E: f32 = 1.44269504088896341
const LN_2_HIGH: f32 = 0.693359375
const LN_2_LOW: f32 = -2.12194440054690583e-4

// @ts-ignore: decorator
@inline
export function all(value: f32): v128 {
  return f32x4.splat(value)
}

/** a x b + c */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** mask ? a : b */
// @ts-ignore: decorator
@inline
export function select(a: v128, b: v128, mask: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_laneselect(a, b, mask)
  return v128.bitselect(a, b, mask)
}

/** x - n ln 2, where n is a whole number. */
// @ts-ignore: decorator
@inline
function reduce(x: v128, n: v128): v128 {
  return madd(n, all(-LN_2_LOW), madd(n, all(-LN_2_HIGH), x))
}

/** e^x; 0 where the result is below 2^-125.5, in the last binade of normal numbers. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const t = f32x4.pmax(f32x4.pmin(x, all(88.9)), all(-88))
  const shifted = madd(t, all(LOG2_E), all(NEAREST))
  const r = reduce(t, f32x4.sub(shifted, all(NEAREST)))
  let p = madd(all(2 * 0.008289730176329613), r, all(2 * 0.04189785569906235))
  p = madd(p, r, all(2 * 0.16667647659778595))
  p = madd(p, r, all(2 * 0.4999915063381195))
  p = madd(p, r, all(2 * 0.9999997019767761))
  p = madd(p, r, all(2))
  // 2^(n - 1), so that 2^128 need not be made: twice the polynomial overflows by itself
  const power = i32x4.max_s(i32x4.add(i32x4.shl(shifted, 23), all(0.5)), i32x4.splat(0))
  return f32x4.mul(p, power)
}

/** x > 0 ? x : e^x - 1 */
// @ts-ignore: decorator
@inline
export function elu(x: v128): v128 {
  const t = f32x4.pmax(f32x4.pmin(x, all(0)), all(-20))
  const shifted = madd(t, all(LOG2_E), all(NEAREST))
  const r = reduce(t, f32x4.sub(shifted, all(NEAREST)))
  let p = madd(all(0.0013868435053154826), r, all(0.008366432040929794))
  p = madd(p, r, all(0.04166746139526367))
  p = madd(p, r, all(0.1666654497385025))
  p = madd(p, r, all(0.4999999701976776))
  p = madd(p, f32x4.mul(r, r), r)
  const power = i32x4.add(i32x4.shl(shifted, 23), all(1))
  return f32x4.add(madd(power, p, f32x4.sub(power, all(1))), f32x4.pmax(x, all(0)))
}

/** x > 0 ? x + 1 : e^x */
// @ts-ignore: decorator
@inline
export function eluPlusOne(x: v128): v128 {
  return f32x4.add(exp(f32x4.pmin(x, all(0))), f32x4.pmax(x, all(0)))
}

/** The exponent e for which x / 2^e lies in [sqrt 1/2, sqrt 2). */
// @ts-ignore: decorator
@inline
function exponent(x: v128): v128 {
  return i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23)
}

/** log(1 + f) + e ln 2, for 1 + f in [sqrt 1/2, sqrt 2) */
// @ts-ignore: decorator
@inline
function logarithm(f: v128, e: v128): v128 {
  let p = madd(all(-0.07638189196586609), f, all(0.12764763832092285))
  p = madd(p, f, all(-0.13160189986228943))
  p = madd(p, f, all(0.14201273024082184))
  p = madd(p, f, all(-0.1662331521511078))
  p = madd(p, f, all(0.20001250505447388))
  p = madd(p, f, all(-0.250008225440979))
  p = madd(p, f, all(0.3333333134651184))
  const n = f32x4.convert_i32x4_s(e)
  const square = f32x4.mul(f, f)
  const tail = madd(square, all(-0.5), madd(p, f32x4.mul(square, f), f32x4.mul(n, all(LN_2_LOW))))
  return madd(n, all(LN_2_HIGH), f32x4.add(f, tail))
}

/** `value` is log(u) where 0 < u < infinity; the limits elsewhere. */
// @ts-ignore: decorator
@inline
function atLimits(value: v128, u: v128): v128 {
  const positive = select(value, u, f32x4.lt(u, all(Infinity)))
  const nonzero = v128.or(positive, f32x4.lt(u, all(0)))
  return select(all(-Infinity), nonzero, f32x4.eq(u, all(0)))
}

// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const small = f32x4.lt(x, all(1.1754943508222875e-38))
  const normal = select(f32x4.mul(x, all(16777216)), x, small)
  const e = exponent(normal)
  const f = f32x4.sub(i32x4.sub(normal, i32x4.shl(e, 23)), all(1))
  return atLimits(logarithm(f, i32x4.sub(e, v128.and(small, i32x4.splat(24)))), x)
}

/** log(1 + x), with what rounding 1 + x has lost. */
// @ts-ignore: decorator
@inline
export function log1p(x: v128): v128 {
  const u = f32x4.add(x, all(1))
  const lost = f32x4.sub(x, f32x4.sub(u, all(1)))
  const e = exponent(u)
  const bits = i32x4.shl(e, 23)
  const scale = f32x4.pmax(i32x4.sub(all(1), bits), all(0))
  return atLimits(logarithm(madd(lost, scale, f32x4.sub(i32x4.sub(u, bits), all(1))), e), u)
}

// @ts-ignore: decorator
@inline
function clamp(x: v128, limit: f32): v128 {
  return f32x4.pmax(f32x4.pmin(x, all(limit)), all(-limit))
}

/** e^(b log |a|), with the sign of a where b is odd; NaN where a < 0 is finite and b is no whole number. */
// @ts-ignore: decorator
@inline
export function pow(a: v128, b: v128): v128 {
  // no infinity: times log 1 it would be NaN
  const size = exp(f32x4.mul(clamp(b, f32.MAX_VALUE), log(f32x4.abs(a))))
  const half = f32x4.mul(b, all(0.5))
  const whole = f32x4.eq(b, f32x4.floor(b))
  const odd = v128.andnot(whole, f32x4.eq(half, f32x4.floor(half)))
  const sign = v128.and(v128.and(a, odd), i32x4.splat(i32.MIN_VALUE))
  const negative = v128.and(f32x4.lt(a, all(0)), f32x4.gt(a, all(-Infinity)))
  const value = v128.or(v128.or(size, sign), v128.andnot(negative, whole))
  return select(all(1), value, v128.or(f32x4.eq(b, all(0)), f32x4.eq(a, all(1))))
}

/** -e / (e + 2) for |x|, where e = exp(-2 |x|) - 1; the sign is that of x. */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const e = elu(f32x4.mul(f32x4.abs(x), all(-2)))
  return v128.bitselect(x, f32x4.div(f32x4.neg(e), f32x4.add(e, all(2))), i32x4.splat(i32.MIN_VALUE))
}

/** x P(x^2) / Q(x^2), both of degree 5 in x^2. */
// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const t = clamp(x, 3.93)
  const z = f32x4.mul(t, t)
  let p = madd(all(2.242327127532917e-6), z, all(0.0002745521196629852))
  p = madd(p, z, all(0.003073065774515271))
  p = madd(p, z, all(0.050597745925188065))
  p = madd(p, z, all(0.1735502928495407))
  p = madd(p, z, all(1.128379225730896))
  let q = madd(all(3.9557155105285347e-5), z, all(0.0010051041608676314))
  q = madd(q, z, all(0.013566529378294945))
  q = madd(q, z, all(0.10721538215875626))
  q = madd(q, z, all(0.48713961243629456))
  q = madd(q, z, all(1))
  return clamp(f32x4.div(f32x4.mul(t, p), q), 1)
}

/** e^(-t^2 / 2) for 0 <= t <= 13.3; 0 below 2^-126. */
// @ts-ignore: decorator
@inline
function bell(t: v128): v128 {
  const z = f32x4.mul(t, f32x4.mul(t, all(-0.5)))
  const shifted = madd(z, all(LOG2_E), all(NEAREST))
  // what ln 2 in one number loses is little beside the rounding of t^2
  const r = madd(f32x4.sub(shifted, all(NEAREST)), all(-0.693147180559945309), z)
  let p = madd(all(0.008289730176329613), r, all(0.04189785569906235))
  p = madd(p, r, all(0.16667647659778595))
  p = madd(p, r, all(0.4999915063381195))
  p = madd(p, r, all(0.9999997019767761))
  p = madd(p, r, all(1))
  return i32x4.max_s(i32x4.add(p, i32x4.shl(shifted, 23)), i32x4.splat(0))
}

/** (1 - Phi(t)) e^(t^2 / 2) for 0 <= t <= 13.3, where Phi is the normal distribution: P(t) / Q(t), of degree 3 and 4. */
// @ts-ignore: decorator
@inline
function tailOverBell(t: v128): v128 {
  let p = madd(all(0.014998595230281353), t, all(0.11085323989391327))
  p = madd(p, t, all(0.34681597352027893))
  p = madd(p, t, all(0.5))
  let q = madd(all(0.03760576993227005), t, all(0.277528315782547))
  q = madd(q, t, all(0.911811351776123))
  q = madd(q, t, all(1.4915119409561157))
  q = madd(q, t, all(1))
  return f32x4.div(p, q)
}

/** x Phi(x), by the tail of Phi alone. */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  const t = f32x4.pmin(f32x4.abs(x), all(13.3))
  return f32x4.sub(f32x4.pmax(x, all(0)), f32x4.mul(f32x4.mul(t, bell(t)), tailOverBell(t)))
}

/** Phi(x) + x Phi'(x) */
// @ts-ignore: decorator
@inline
export function geluSlope(x: v128): v128 {
  const t = f32x4.pmin(f32x4.abs(x), all(13.3))
  const below = f32x4.mul(bell(t), madd(t, all(-0.398942280401432678), tailOverBell(t)))
  return select(below, f32x4.sub(all(1), below), f32x4.lt(x, all(0)))
}

// @ts-ignore: decorator
@inline
export function rsqrt(x: v128): v128 {
  return f32x4.div(all(1), f32x4.sqrt(x))
}

/** 1, -1, or x where it is 0 or NaN. */
// @ts-ignore: decorator
@inline
export function sign(x: v128): v128 {
  const one = v128.bitselect(x, all(1), i32x4.splat(i32.MIN_VALUE))
  return v128.bitselect(one, x, v128.or(f32x4.lt(x, all(0)), f32x4.gt(x, all(0))))
}

// @ts-ignore: decorator
@inline
export function signI(x: v128): v128 {
  return i32x4.sub(i32x4.lt_s(x, i32x4.splat(0)), i32x4.gt_s(x, i32x4.splat(0)))
}

/** Random bits as a number in [0, 1) */
// @ts-ignore: decorator
@inline
export function uniform(bits: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(bits, 8)), all(5.9604644775390625e-8))
}

/** 0 or 1 for a mask. */
// @ts-ignore: decorator
@inline
export function truth(mask: v128): v128 {
  return i32x4.shr_u(mask, 31)
}
