// Quotients in double precision, two lanes at a time: of two f32 one is exact enough to tell on which side of a whole number
// below 2^28 it lies, and that number times the divisor is exact.

import { all } from './math'

export const NEAREST_LONG: f64 = 6755399441055744.0 // 1.5 x 2^52: after adding it the nearest integer stands in the low word

// @ts-ignore: decorator
@inline
export function upper(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 1)
}

/** The low words of four double lanes. */
// @ts-ignore: decorator
@inline
export function lowWords(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6)
}

// @ts-ignore: decorator
@inline
export function demote(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
}

/** Of double lanes: whether both are smaller than the limit; a NaN is not. */
// @ts-ignore: decorator
@inline
function areBelow(x: v128, limit: f64): bool {
  return i64x2.all_true(f64x2.lt(f64x2.abs(x), f64x2.splat(limit)))
}

/** a - b floor(a / b) */
// @ts-ignore: decorator
@inline
export function mod(a: v128, b: v128): v128 {
  const low = restOf(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b))
  const rest = demote(low, restOf(f64x2.promote_low_f32x4(upper(a)), f64x2.promote_low_f32x4(upper(b))))
  const sign = v128.and(a, i32x4.splat(i32.MIN_VALUE))
  return v128.or(rest, v128.and(sign, f32x4.eq(rest, all(0))))
}

function restOf(a: v128, b: v128): v128 {
  const quotient = f64x2.div(a, b)
  if (areBelow(quotient, 268435456) && areBelow(b, Infinity))
    return f64x2.sub(a, f64x2.mul(f64x2.floor(quotient), b))
  const first = restOfLane(f64x2.extract_lane(a, 0), f64x2.extract_lane(b, 0))
  return f64x2.replace_lane(f64x2.splat(first), 1, restOfLane(f64x2.extract_lane(a, 1), f64x2.extract_lane(b, 1)))
}

function restOfLane(a: f64, b: f64): f64 {
  const rest = a % b
  return rest != 0 && rest < 0 != b < 0 ? rest + b : rest
}

/** floor(a / b) */
// @ts-ignore: decorator
@inline
export function floorDivide(a: v128, b: v128): v128 {
  const low = wholeQuotient(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b))
  return demote(low, wholeQuotient(f64x2.promote_low_f32x4(upper(a)), f64x2.promote_low_f32x4(upper(b))))
}

function wholeQuotient(a: v128, b: v128): v128 {
  const quotient = f64x2.floor(f64x2.div(a, b))
  if (areBelow(a, Infinity) && areBelow(b, Infinity)) return quotient
  // by an infinity the quotient is 0 or just below 0; of one it is NaN, but not by 0
  const finite = f64x2.lt(f64x2.abs(a), f64x2.splat(Infinity))
  const byInfinity = f64x2.eq(f64x2.abs(b), f64x2.splat(Infinity))
  const below = v128.and(v128.and(finite, byInfinity), f64x2.lt(f64x2.mul(a, b), f64x2.splat(0)))
  const known = v128.or(finite, f64x2.eq(b, f64x2.splat(0)))
  return v128.or(v128.bitselect(f64x2.splat(-1), quotient, below), v128.not(known))
}

/** floor(a / b), which wraps around; 0 where b is 0. */
// @ts-ignore: decorator
@inline
export function floorDivideI(a: v128, b: v128): v128 {
  const low = wordsOfQuotient(f64x2.convert_low_i32x4_s(a), f64x2.convert_low_i32x4_s(b))
  const high = wordsOfQuotient(f64x2.convert_low_i32x4_s(upper(a)), f64x2.convert_low_i32x4_s(upper(b)))
  return v128.andnot(lowWords(low, high), i32x4.eq(b, i32x4.splat(0)))
}

// @ts-ignore: decorator
@inline
function wordsOfQuotient(a: v128, b: v128): v128 {
  return f64x2.add(f64x2.floor(f64x2.div(a, b)), f64x2.splat(NEAREST_LONG))
}

// @ts-ignore: decorator
@inline
export function modI(a: v128, b: v128): v128 {
  const rest = i32x4.sub(a, i32x4.mul(floorDivideI(a, b), b))
  return v128.andnot(rest, i32x4.eq(b, i32x4.splat(0)))
}
