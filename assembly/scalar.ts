// Scalar operations over lanes. An operation is a class without fields, so that `map1` and its kin can be specialised for it:
// as a type argument, because asc would merge the loops of an inlined function again. The classes are in
// generated/scalars.ts, which is built from the table of operations, src/ops/scalar.ts.

import { UNROLLED as UNROLLED_BYTES } from '../src/backends/sizes'
import * as op from '../src/backends/wasm/opcodes'
import { word } from './place'

const GROUP: usize = 16
const UNROLLED: usize = UNROLLED_BYTES

// Four vectors an iteration: with one, addresses and bounds checks would cost more than the arithmetic. A value that is
// broadcast along a row is stored four vectors long, and read with stride 0.

export function map1<Op>(to: usize, a: usize, bytes: i32): void {
  const end = to + bytes
  for (const whole = to + (bytes & ~(UNROLLED_BYTES - 1)); to < whole; to += UNROLLED, a += UNROLLED) {
    v128.store(to, of1<Op>(v128.load(a)))
    v128.store(to, of1<Op>(v128.load(a, 16)), 16)
    v128.store(to, of1<Op>(v128.load(a, 32)), 32)
    v128.store(to, of1<Op>(v128.load(a, 48)), 48)
  }
  for (; to < end; to += GROUP, a += GROUP) v128.store(to, of1<Op>(v128.load(a)))
}

export function map2<Op>(step: usize, to: usize, a: usize, b: usize, bytes: i32, rows: i32): void {
  const aStride = word(step, op.A + 1)
  const bStride = word(step, op.B + 1)
  for (; rows > 0; --rows) {
    const end = to + bytes
    for (const whole = to + (bytes & ~(UNROLLED_BYTES - 1)); to < whole; to += UNROLLED) {
      v128.store(to, of2<Op>(v128.load(a), v128.load(b)))
      v128.store(to, of2<Op>(v128.load(a, 16), v128.load(b, 16)), 16)
      v128.store(to, of2<Op>(v128.load(a, 32), v128.load(b, 32)), 32)
      v128.store(to, of2<Op>(v128.load(a, 48), v128.load(b, 48)), 48)
      a += aStride
      b += bStride
    }
    for (; to < end; to += GROUP) {
      v128.store(to, of2<Op>(v128.load(a), v128.load(b)))
      a += aStride >> 2
      b += bStride >> 2
    }
    a += word(step, op.A + 2)
    b += word(step, op.B + 2)
  }
}

export function map3<Op>(step: usize, to: usize, a: usize, b: usize, c: usize, bytes: i32, rows: i32): void {
  const aStride = word(step, op.A + 1)
  const bStride = word(step, op.B + 1)
  const cStride = word(step, op.C + 1)
  for (; rows > 0; --rows) {
    const end = to + bytes
    for (const whole = to + (bytes & ~(UNROLLED_BYTES - 1)); to < whole; to += UNROLLED) {
      v128.store(to, of3<Op>(v128.load(a), v128.load(b), v128.load(c)))
      v128.store(to, of3<Op>(v128.load(a, 16), v128.load(b, 16), v128.load(c, 16)), 16)
      v128.store(to, of3<Op>(v128.load(a, 32), v128.load(b, 32), v128.load(c, 32)), 32)
      v128.store(to, of3<Op>(v128.load(a, 48), v128.load(b, 48), v128.load(c, 48)), 48)
      a += aStride
      b += bStride
      c += cStride
    }
    for (; to < end; to += GROUP) {
      v128.store(to, of3<Op>(v128.load(a), v128.load(b), v128.load(c)))
      a += aStride >> 2
      b += bStride >> 2
      c += cStride >> 2
    }
    a += word(step, op.A + 2)
    b += word(step, op.B + 2)
    c += word(step, op.C + 2)
  }
}

// @ts-ignore: decorator
@inline
function of1<Op>(x: v128): v128 {
  return changetype<Op>(0).of(x)
}

// @ts-ignore: decorator
@inline
export function of2<Op>(x: v128, y: v128): v128 {
  return changetype<Op>(0).of(x, y)
}

// @ts-ignore: decorator
@inline
function of3<Op>(x: v128, y: v128, z: v128): v128 {
  return changetype<Op>(0).of(x, y, z)
}

/** The larger one, or NaN, for folding: cheaper than f32x4.max, which also looks at the signs of zeros. */
export class Largest {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return v128.or(f32x4.pmax(x, y), f32x4.ne(y, y))
  }
}

export class From {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return f32x4.sub(y, x)
  }
}

export class Pair<One, Two> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128, z: v128): v128 {
    return of2<Two>(of2<One>(x, y), z)
  }
}

export class Then<One, Two> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return of1<Two>(of2<One>(x, y))
  }
}
