// Scalar operations over lanes. An operation is a class without fields, so that `map1` and its kin can be made for it: as a
// type argument, because asc would merge the loops of an inlined function again. The classes are those of
// generated/scalars.ts, which is built from the table of operations, src/ops/scalar.ts.

import * as op from '../src/backends/wasm/opcodes'
import { word } from './place'

const GROUP: usize = 16
const UNROLLED: usize = 64

// One vector an iteration would cost more in addresses and checks than in what it computes. What is the same along a row
// stands there four times, so that it is read as the others are, by an address that stays.

export function map1<Op>(to: usize, a: usize, bytes: i32): void {
  const end = to + bytes
  for (const whole = to + (bytes & ~63); to < whole; to += UNROLLED, a += UNROLLED) {
    v128.store(to, of1<Op>(v128.load(a)))
    v128.store(to, of1<Op>(v128.load(a, 16)), 16)
    v128.store(to, of1<Op>(v128.load(a, 32)), 32)
    v128.store(to, of1<Op>(v128.load(a, 48)), 48)
  }
  for (; to < end; to += GROUP, a += GROUP) v128.store(to, of1<Op>(v128.load(a)))
}

export function map2<Op>(step: usize, to: usize, a: usize, b: usize, bytes: i32, rows: i32): void {
  const aStep = word(step, op.A + 1)
  const bStep = word(step, op.B + 1)
  for (; rows > 0; --rows) {
    const end = to + bytes
    for (const whole = to + (bytes & ~63); to < whole; to += UNROLLED) {
      v128.store(to, of2<Op>(v128.load(a), v128.load(b)))
      v128.store(to, of2<Op>(v128.load(a, 16), v128.load(b, 16)), 16)
      v128.store(to, of2<Op>(v128.load(a, 32), v128.load(b, 32)), 32)
      v128.store(to, of2<Op>(v128.load(a, 48), v128.load(b, 48)), 48)
      a += aStep
      b += bStep
    }
    for (; to < end; to += GROUP) {
      v128.store(to, of2<Op>(v128.load(a), v128.load(b)))
      a += aStep >> 2
      b += bStep >> 2
    }
    a += word(step, op.A + 2)
    b += word(step, op.B + 2)
  }
}

export function map3<Op>(step: usize, to: usize, a: usize, b: usize, c: usize, bytes: i32, rows: i32): void {
  const aStep = word(step, op.A + 1)
  const bStep = word(step, op.B + 1)
  const cStep = word(step, op.C + 1)
  for (; rows > 0; --rows) {
    const end = to + bytes
    for (const whole = to + (bytes & ~63); to < whole; to += UNROLLED) {
      v128.store(to, of3<Op>(v128.load(a), v128.load(b), v128.load(c)))
      v128.store(to, of3<Op>(v128.load(a, 16), v128.load(b, 16), v128.load(c, 16)), 16)
      v128.store(to, of3<Op>(v128.load(a, 32), v128.load(b, 32), v128.load(c, 32)), 32)
      v128.store(to, of3<Op>(v128.load(a, 48), v128.load(b, 48), v128.load(c, 48)), 48)
      a += aStep
      b += bStep
      c += cStep
    }
    for (; to < end; to += GROUP) {
      v128.store(to, of3<Op>(v128.load(a), v128.load(b), v128.load(c)))
      a += aStep >> 2
      b += bStep >> 2
      c += cStep >> 2
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
