// A linear recurrence: out[lane, t] = a[lane, t] x out[lane, t - 1] + b[lane, t] with a's first step left out, its steps in the
// order of the call. Each lane is computed alone, one step after another, so that its bits depend on nothing else: states
// stay in registers. Sixteen lanes that lie side by side, a cache line, are four vectors, whose chains overlap; else up to
// four lanes of any stride are one.

import { CACHE_LINE } from '../src/backends/sizes'
import { place, word } from './place'
import { endOf, firstOf } from './threads'

const PIECE: i32 = CACHE_LINE / 4 // lanes of a cache line, which threads do not share
const PLACES: usize = 5 // words before the operands
const STEPS: usize = PLACES + 12
const RANK: usize = STEPS + 6

// of the call, by thread
let steps: i32 = 0
let stepA: usize = 0
let stepB: usize = 0
let stepOut: usize = 0
let partA: usize = 0
let partB: usize = 0
let partOut: usize = 0
let conjugate = false

export function scan(at: usize): void {
  const complex = word(at, 2) != 0
  conjugate = word(at, 3) != 0
  steps = word(at, 4)
  const a = place(at + (PLACES << 2))
  const b = place(at + ((PLACES + 4) << 2))
  const out = place(at + ((PLACES + 8) << 2))
  stepA = <usize>word(at, STEPS)
  stepB = <usize>word(at, STEPS + 1)
  stepOut = <usize>word(at, STEPS + 2)
  partA = <usize>word(at, STEPS + 3)
  partB = <usize>word(at, STEPS + 4)
  partOut = <usize>word(at, STEPS + 5)
  const rank = word(at, RANK)
  const axes = at + ((RANK + 1) << 2)
  let lanes = 1
  for (let i = 0; i < rank; ++i) lanes *= word(axes, 4 * i)
  const inner = rank > 0 ? axes + 16 * (rank - 1) : 0
  const width = rank > 0 ? word(inner, 0) : 1
  const strideA = rank > 0 ? word(inner, 1) : 0
  const strideB = rank > 0 ? word(inner, 2) : 0
  const strideOut = rank > 0 ? word(inner, 3) : 0
  const isLine = strideA == 4 && strideB == 4 && strideOut == 4

  const pieces = (lanes + PIECE - 1) / PIECE
  const end = min(endOf(pieces) * PIECE, lanes)
  for (let i = firstOf(pieces) * PIECE; i < end; ) {
    const left = min(width - (i % width), end - i)
    const wide = isLine && left >= PIECE
    const count = wide ? PIECE : min(left, 4)
    const fromA = a + offset(axes, rank, 1, i)
    const fromB = b + offset(axes, rank, 2, i)
    const to = out + offset(axes, rank, 3, i)
    if (complex) {
      if (wide) complexLine(fromA, fromB, to)
      else complexFew(count, fromA, strideA, fromB, strideB, to, strideOut)
    } else if (wide) realLine(fromA, fromB, to)
    else realFew(count, fromA, strideA, fromB, strideB, to, strideOut)
    i += count
  }
}

/** The byte offset of a lane in the operand of that column. */
function offset(axes: usize, rank: i32, column: usize, lane: i32): usize {
  let bytes = 0
  let rest = <u32>lane
  for (let axis = axes + 16 * rank; rest > 0; ) {
    axis -= 16
    const size = <u32>word(axis, 0)
    const outer = rest / size
    bytes += <i32>(rest - outer * size) * word(axis, column)
    rest = outer
  }
  return <usize>bytes
}

// @ts-ignore: decorator
@inline
function next(a: v128, state: v128, b: v128): v128 {
  return f32x4.add(f32x4.mul(a, state), b)
}

function realLine(a: usize, b: usize, out: usize): void {
  let h0 = v128.load(b)
  let h1 = v128.load(b, 16)
  let h2 = v128.load(b, 32)
  let h3 = v128.load(b, 48)
  for (let left = steps; ; ) {
    v128.store(out, h0)
    v128.store(out, h1, 16)
    v128.store(out, h2, 32)
    v128.store(out, h3, 48)
    if (--left == 0) return
    b += stepB
    out += stepOut
    h0 = next(v128.load(a), h0, v128.load(b))
    h1 = next(v128.load(a, 16), h1, v128.load(b, 16))
    h2 = next(v128.load(a, 32), h2, v128.load(b, 32))
    h3 = next(v128.load(a, 48), h3, v128.load(b, 48))
    a += stepA
  }
}

function realFew(count: i32, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, strideOut: i32): void {
  let state = take(b, strideB, count)
  for (let left = steps; ; ) {
    give(out, strideOut, count, state)
    if (--left == 0) return
    b += stepB
    out += stepOut
    state = next(take(a, strideA, count), state, take(b, strideB, count))
    a += stepA
  }
}

/** The real part of a x state + b. */
// @ts-ignore: decorator
@inline
function real(a: v128, turn: v128, state: v128, imaginary: v128, b: v128): v128 {
  return f32x4.add(f32x4.sub(f32x4.mul(a, state), f32x4.mul(turn, imaginary)), b)
}

/** The imaginary one. */
// @ts-ignore: decorator
@inline
function imaginary(a: v128, turn: v128, state: v128, imaginary: v128, b: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.mul(a, imaginary), f32x4.mul(turn, state)), b)
}

/** The imaginary part of a factor is a's, or the negative of it. */
// @ts-ignore: decorator
@inline
function sign(): v128 {
  return i32x4.splat(conjugate ? i32.MIN_VALUE : 0)
}

function complexLine(a: usize, b: usize, out: usize): void {
  const flip = sign()
  let h0 = v128.load(b)
  let h1 = v128.load(b, 16)
  let h2 = v128.load(b, 32)
  let h3 = v128.load(b, 48)
  let i0 = v128.load(b + partB)
  let i1 = v128.load(b + partB, 16)
  let i2 = v128.load(b + partB, 32)
  let i3 = v128.load(b + partB, 48)
  for (let left = steps; ; ) {
    v128.store(out, h0)
    v128.store(out, h1, 16)
    v128.store(out, h2, 32)
    v128.store(out, h3, 48)
    v128.store(out + partOut, i0)
    v128.store(out + partOut, i1, 16)
    v128.store(out + partOut, i2, 32)
    v128.store(out + partOut, i3, 48)
    if (--left == 0) return
    b += stepB
    out += stepOut
    const c = a + partA
    const d = b + partB
    let factor = v128.load(a)
    let turn = v128.xor(v128.load(c), flip)
    let before = h0
    h0 = real(factor, turn, before, i0, v128.load(b))
    i0 = imaginary(factor, turn, before, i0, v128.load(d))
    factor = v128.load(a, 16)
    turn = v128.xor(v128.load(c, 16), flip)
    before = h1
    h1 = real(factor, turn, before, i1, v128.load(b, 16))
    i1 = imaginary(factor, turn, before, i1, v128.load(d, 16))
    factor = v128.load(a, 32)
    turn = v128.xor(v128.load(c, 32), flip)
    before = h2
    h2 = real(factor, turn, before, i2, v128.load(b, 32))
    i2 = imaginary(factor, turn, before, i2, v128.load(d, 32))
    factor = v128.load(a, 48)
    turn = v128.xor(v128.load(c, 48), flip)
    before = h3
    h3 = real(factor, turn, before, i3, v128.load(b, 48))
    i3 = imaginary(factor, turn, before, i3, v128.load(d, 48))
    a += stepA
  }
}

function complexFew(count: i32, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, strideOut: i32): void {
  const flip = sign()
  let state = take(b, strideB, count)
  let other = take(b + partB, strideB, count)
  for (let left = steps; ; ) {
    give(out, strideOut, count, state)
    give(out + partOut, strideOut, count, other)
    if (--left == 0) return
    b += stepB
    out += stepOut
    const factor = take(a, strideA, count)
    const turn = v128.xor(take(a + partA, strideA, count), flip)
    const before = state
    state = real(factor, turn, before, other, take(b, strideB, count))
    other = imaginary(factor, turn, before, other, take(b + partB, strideB, count))
    a += stepA
  }
}

/** Up to four lanes. */
// @ts-ignore: decorator
@inline
function take(from: usize, stride: i32, count: i32): v128 {
  if (count == 4 && stride == 4) return v128.load(from)
  if (stride == 0) return v128.load32_splat(from)
  let lanes = v128.load32_zero(from)
  if (count > 1) lanes = v128.load32_lane(from + stride, lanes, 1)
  if (count > 2) lanes = v128.load32_lane(from + 2 * stride, lanes, 2)
  if (count > 3) lanes = v128.load32_lane(from + 3 * stride, lanes, 3)
  return lanes
}

// @ts-ignore: decorator
@inline
function give(to: usize, stride: i32, count: i32, lanes: v128): void {
  if (count == 4 && stride == 4) return v128.store(to, lanes)
  v128.store32_lane(to, lanes, 0)
  if (count > 1) v128.store32_lane(to + stride, lanes, 1)
  if (count > 2) v128.store32_lane(to + 2 * stride, lanes, 2)
  if (count > 3) v128.store32_lane(to + 3 * stride, lanes, 3)
}
