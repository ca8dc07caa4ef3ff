// The scalar operations of a `rows` program over lanes. An operation is a class without fields, so that `map1` and its
// kin can be made for it: as a type argument, because asc would merge the loops of an inlined function again.

import * as math from './math'
import * as op from '../src/backends/wasm/opcodes'
import { random } from './philox'
import { word } from './place'

const GROUP: usize = 16
const UNROLLED: usize = 64

/** The step's operation over rows of so many bytes, in whole groups of four lanes. */
export function apply(step: usize, to: usize, a: usize, b: usize, c: usize, bytes: i32, rows: i32): void {
  switch (word(step, 0)) {
    case op.ADD:
      return map2<Add<f32>>(step, to, a, b, bytes, rows)
    case op.ADD_I:
      return map2<Add<i32>>(step, to, a, b, bytes, rows)
    case op.SUB:
      return map2<Sub<f32>>(step, to, a, b, bytes, rows)
    case op.SUB_I:
      return map2<Sub<i32>>(step, to, a, b, bytes, rows)
    case op.MUL:
      return map2<Mul<f32>>(step, to, a, b, bytes, rows)
    case op.MUL_I:
      return map2<Mul<i32>>(step, to, a, b, bytes, rows)
    case op.DIV:
      return map2<Div>(step, to, a, b, bytes, rows)
    case op.POW:
      return map2<Pow>(step, to, a, b, bytes, rows)
    case op.MINIMUM:
      return map2<Min<f32>>(step, to, a, b, bytes, rows)
    case op.MINIMUM_I:
      return map2<Min<i32>>(step, to, a, b, bytes, rows)
    case op.MAXIMUM:
      return map2<Max<f32>>(step, to, a, b, bytes, rows)
    case op.MAXIMUM_I:
      return map2<Max<i32>>(step, to, a, b, bytes, rows)
    case op.LESS:
      return map2<Less<f32>>(step, to, a, b, bytes, rows)
    case op.LESS_I:
      return map2<Less<i32>>(step, to, a, b, bytes, rows)
    case op.LESS_EQUAL:
      return map2<LessEqual<f32>>(step, to, a, b, bytes, rows)
    case op.LESS_EQUAL_I:
      return map2<LessEqual<i32>>(step, to, a, b, bytes, rows)
    case op.EQUAL:
      return map2<Equal<f32>>(step, to, a, b, bytes, rows)
    case op.EQUAL_I:
      return map2<Equal<i32>>(step, to, a, b, bytes, rows)
    case op.NEG:
      return map1<Neg<f32>>(to, a, bytes)
    case op.NEG_I:
      return map1<Neg<i32>>(to, a, bytes)
    case op.ABS:
      return map1<Abs<f32>>(to, a, bytes)
    case op.ABS_I:
      return map1<Abs<i32>>(to, a, bytes)
    case op.SIGN:
      return map1<Sign>(to, a, bytes)
    case op.SIGN_I:
      return map1<SignI>(to, a, bytes)
    case op.SQRT:
      return map1<Sqrt>(to, a, bytes)
    case op.RSQRT:
      return map1<Rsqrt>(to, a, bytes)
    case op.EXP:
      return map1<Exp>(to, a, bytes)
    case op.LOG:
      return map1<Log>(to, a, bytes)
    case op.LOG1P:
      return map1<Log1p>(to, a, bytes)
    case op.TANH:
      return map1<Tanh>(to, a, bytes)
    case op.ERF:
      return map1<Erf>(to, a, bytes)
    case op.GELU:
      return map1<Gelu>(to, a, bytes)
    case op.GELU_SLOPE:
      return map1<GeluSlope>(to, a, bytes)
    case op.ELU:
      return map1<Elu>(to, a, bytes)
    case op.ELU_PLUS_ONE:
      return map1<EluPlusOne>(to, a, bytes)
    case op.TO_FLOAT:
      return map1<ToFloat>(to, a, bytes)
    case op.TO_INT:
      return map1<ToInt>(to, a, bytes)
    case op.IS_FINITE:
      return map1<IsFinite>(to, a, bytes)
    case op.UNIFORM:
      return map1<Uniform>(to, a, bytes)
    case op.WHERE:
      return map3<Where>(step, to, a, b, c, bytes, rows)
    case op.PHILOX:
      return random(to, a, b, c, word(step, op.IMMEDIATE), word(step, op.IMMEDIATE + 1), bytes)
    case op.ADD_ADD:
      return map3<Pair<Add<f32>, Add<f32>>>(step, to, a, b, c, bytes, rows)
    case op.ADD_MUL:
      return map3<Pair<Add<f32>, Mul<f32>>>(step, to, a, b, c, bytes, rows)
    case op.SUB_MUL:
      return map3<Pair<Sub<f32>, Mul<f32>>>(step, to, a, b, c, bytes, rows)
    case op.MUL_ADD:
      return map3<Pair<Mul<f32>, Add<f32>>>(step, to, a, b, c, bytes, rows)
    case op.MUL_SUB:
      return map3<Pair<Mul<f32>, Sub<f32>>>(step, to, a, b, c, bytes, rows)
    case op.MUL_FROM:
      return map3<Pair<Mul<f32>, From>>(step, to, a, b, c, bytes, rows)
    case op.MUL_MUL:
      return map3<Pair<Mul<f32>, Mul<f32>>>(step, to, a, b, c, bytes, rows)
    case op.SUB_EXP:
      return map2<Then<Sub<f32>, Exp>>(step, to, a, b, bytes, rows)
    case op.MUL_EXP:
      return map2<Then<Mul<f32>, Exp>>(step, to, a, b, bytes, rows)
    default:
      unreachable()
  }
}

// One vector an iteration would cost more in addresses and checks than in what it computes. What is the same along a row
// stands there four times, so that it is read as the others are, by an address that stays.

function map1<Op>(to: usize, a: usize, bytes: i32): void {
  const end = to + bytes
  for (const whole = to + (bytes & ~63); to < whole; to += UNROLLED, a += UNROLLED) {
    v128.store(to, of1<Op>(v128.load(a)))
    v128.store(to, of1<Op>(v128.load(a, 16)), 16)
    v128.store(to, of1<Op>(v128.load(a, 32)), 32)
    v128.store(to, of1<Op>(v128.load(a, 48)), 48)
  }
  for (; to < end; to += GROUP, a += GROUP) v128.store(to, of1<Op>(v128.load(a)))
}

function map2<Op>(step: usize, to: usize, a: usize, b: usize, bytes: i32, rows: i32): void {
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

function map3<Op>(step: usize, to: usize, a: usize, b: usize, c: usize, bytes: i32, rows: i32): void {
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

export class Add<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return v128.add<T>(x, y)
  }
}

class Sub<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return v128.sub<T>(x, y)
  }
}

class Mul<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return v128.mul<T>(x, y)
  }
}

class Min<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return v128.min<T>(x, y)
  }
}

export class Max<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return v128.max<T>(x, y)
  }
}

class Div {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return f32x4.div(x, y)
  }
}

class Pow {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return math.pow(x, y)
  }
}

class Less<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return truth(v128.lt<T>(x, y))
  }
}

class LessEqual<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return truth(v128.le<T>(x, y))
  }
}

class Equal<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return truth(v128.eq<T>(x, y))
  }
}

class Neg<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return v128.neg<T>(x)
  }
}

class Abs<T> {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return v128.abs<T>(x)
  }
}

class Sign {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.sign(x)
  }
}

class SignI {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.signI(x)
  }
}

class Sqrt {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.sqrt(x)
  }
}

class Rsqrt {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.rsqrt(x)
  }
}

class Exp {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.exp(x)
  }
}

class Log {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.log(x)
  }
}

class Log1p {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.log1p(x)
  }
}

class Tanh {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.tanh(x)
  }
}

class Erf {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.erf(x)
  }
}

class Gelu {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.gelu(x)
  }
}

class GeluSlope {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.geluSlope(x)
  }
}

class Elu {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.elu(x)
  }
}

class EluPlusOne {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.eluPlusOne(x)
  }
}

class ToFloat {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.convert_i32x4_s(x)
  }
}

class ToInt {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return i32x4.trunc_sat_f32x4_s(x)
  }
}

class Uniform {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return math.uniform(x)
  }
}

class IsFinite {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return truth(f32x4.lt(f32x4.abs(x), math.all(Infinity)))
  }
}

/** The larger one, or NaN, for folding: cheaper than f32x4.max, which also looks at the signs of zeros. */
export class Largest {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return v128.or(f32x4.pmax(x, y), f32x4.ne(y, y))
  }
}

class From {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return f32x4.sub(y, x)
  }
}

class Pair<One, Two> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128, z: v128): v128 {
    return of2<Two>(of2<One>(x, y), z)
  }
}

class Then<One, Two> {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return of1<Two>(of2<One>(x, y))
  }
}

class Where {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128, z: v128): v128 {
    return v128.bitselect(z, y, i32x4.eq(x, i32x4.splat(0)))
  }
}

/** 0 or 1 for a mask. */
// @ts-ignore: decorator
@inline
function truth(mask: v128): v128 {
  return i32x4.shr_u(mask, 31)
}
