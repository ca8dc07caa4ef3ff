// Sines and cosines: x is r and n quarter turns, r between -pi/4 and pi/4. The polynomials are fits as those of math.ts.

import { demote, lowWords, NEAREST_LONG, upper } from './division'
import { all, madd, select } from './math'

const PI_2_HIGH: f64 = 1.5707963109016418
const PI_2_MIDDLE: f64 = 1.5893254712295857e-08
const PI_2_LOW: f64 = 6.123233995736766e-17

// @ts-ignore: decorator
@inline
export function sin(x: v128): v128 {
  return circle(x, i32x4.splat(0))
}

// @ts-ignore: decorator
@inline
export function cos(x: v128): v128 {
  return circle(x, i32x4.splat(1))
}

/** The sine of x and some quarter turns. */
function circle(x: v128, quarters: v128): v128 {
  const low = f64x2.promote_low_f32x4(x)
  const high = f64x2.promote_low_f32x4(upper(x))
  const lowTurns = shiftedTurns(low)
  const highTurns = shiftedTurns(high)
  const r = demote(unwound(low, lowTurns), unwound(high, highTurns))
  const near = sine(r, i32x4.add(lowWords(lowTurns, highTurns), quarters))
  const isNear = f32x4.lt(f32x4.abs(x), all(268435456))
  return i32x4.all_true(isNear) ? near : v128.bitselect(near, farSine(x, quarters), isNear)
}

/** The quarter turns nearest to x, in the low bits. */
// @ts-ignore: decorator
@inline
function shiftedTurns(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, f64x2.splat(0.63661977236758134)), f64x2.splat(NEAREST_LONG))
}

/** x - n pi/2, for |n| < 2^28: pi/2 in three parts, n times the first two is exact. */
// @ts-ignore: decorator
@inline
function unwound(x: v128, shifted: v128): v128 {
  const n = f64x2.sub(shifted, f64x2.splat(NEAREST_LONG))
  const first = f64x2.sub(x, f64x2.mul(n, f64x2.splat(PI_2_HIGH)))
  const second = f64x2.sub(first, f64x2.mul(n, f64x2.splat(PI_2_MIDDLE)))
  return f64x2.sub(second, f64x2.mul(n, f64x2.splat(PI_2_LOW)))
}

/** sin(r + n pi/2) */
// @ts-ignore: decorator
@inline
function sine(r: v128, n: v128): v128 {
  const z = f32x4.mul(r, r)
  let p = madd(all(2.8325475796009414e-6), z, all(-0.00019853065896313637))
  p = madd(p, z, all(0.008333379402756691))
  p = madd(p, z, all(-0.1666666716337204))
  // with the sign of r, also where that is 0
  const odd = v128.or(madd(f32x4.mul(p, z), r, r), v128.and(r, i32x4.splat(i32.MIN_VALUE)))
  let q = madd(all(2.4432327336398885e-5), z, all(-0.0013887309469282627))
  q = madd(q, z, all(0.04166664555668831))
  const even = madd(f32x4.mul(q, z), z, madd(all(-0.5), z, all(1)))
  const value = select(even, odd, i32x4.shr_s(i32x4.shl(n, 31), 31))
  return v128.xor(value, v128.and(i32x4.shl(n, 30), i32x4.splat(i32.MIN_VALUE)))
}

/** The same for |x| of at least 2^28, by the bits of 2 / pi (Payne & Hanek 1983); NaN of NaN and infinities. */
function farSine(x: v128, quarters: v128): v128 {
  const turns0 = turnsOf(i32x4.extract_lane(x, 0))
  const turns1 = turnsOf(i32x4.extract_lane(x, 1))
  const turns2 = turnsOf(i32x4.extract_lane(x, 2))
  const turns3 = turnsOf(i32x4.extract_lane(x, 3))
  let r = f32x4.splat(angleOf(turns0))
  r = f32x4.replace_lane(r, 1, angleOf(turns1))
  r = f32x4.replace_lane(r, 2, angleOf(turns2))
  r = f32x4.replace_lane(r, 3, angleOf(turns3))
  let n = i32x4.splat(quartersOf(turns0))
  n = i32x4.replace_lane(n, 1, quartersOf(turns1))
  n = i32x4.replace_lane(n, 2, quartersOf(turns2))
  n = i32x4.replace_lane(n, 3, quartersOf(turns3))
  const sign = v128.and(x, i32x4.splat(i32.MIN_VALUE))
  // -x is -r and -n
  const negative = i32x4.shr_s(sign, 31)
  n = i32x4.sub(v128.xor(n, negative), negative)
  const value = sine(v128.xor(r, sign), i32x4.add(n, quarters))
  return v128.or(value, v128.not(f32x4.lt(f32x4.abs(x), all(Infinity))))
}

/** |x| in turns without the whole ones, times 2^64, for the bits of an f32 of at least 2^28. */
function turnsOf(bits: i32): u64 {
  const from = max(((bits >>> 23) & 255) - 152, 0) // bits of 2 / pi before give whole turns
  const significand = u64((bits & 0x7fffff) | 0x800000)
  return significand * bitsOfTwoOverPi(from) + ((significand * (bitsOfTwoOverPi(from + 64) >> 32)) >> 32)
}

/** 64 bits of 2 / pi. */
function bitsOfTwoOverPi(from: i32): u64 {
  const shift = u64(from & 63)
  return (wordOfTwoOverPi(from >> 6) << shift) | ((wordOfTwoOverPi((from >> 6) + 1) >> 1) >> (63 - shift))
}

// no table: the memory below the heap is not the module's
function wordOfTwoOverPi(index: i32): u64 {
  if (index == 0) return 0xa2f9836e4e441529
  if (index == 1) return 0xfc2757d1f534ddc0
  return index == 2 ? 0xdb6295993c439041 : 0xfe5163abdebbc561
}

// @ts-ignore: decorator
@inline
function quartersOf(turns: u64): i32 {
  return i32((turns + (1 << 61)) >> 62)
}

/** What is left beside the quarter turns, in radians. */
// @ts-ignore: decorator
@inline
function angleOf(turns: u64): f32 {
  return f32(f64(i64(turns << 2)) * (1.5707963267948966 / 18446744073709551616.0))
}
