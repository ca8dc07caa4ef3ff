// The interpreter of fused scalar programs. It executes each step for a block of rows, few enough that the registers, which
// hold one lane for each element of the block, stay in the cache. Scratch: a table of pointers to the registers' lanes (a
// contiguous operand is read in place), then the lanes of every register. The instruction:
// [FUSED, words, rows, width, rows of a block, bytes of a register, registers, operands, prologue's steps, steps, ...];
// an operand: [kind, place, rank, (size, stride) of each axis]; a step: see opcodes.ts.

import { CACHE_LINE, UNROLLED } from '../src/backends/sizes'
import * as op from '../src/backends/wasm/opcodes'
import { across } from './pack'
import { PLACE_WORDS, place, word } from './place'
import { Add, AddI, apply, MaximumI } from './generated/scalars'
import { Largest, of2 } from './scalar'
import { beat, endOf, firstOf } from './threads'

const STEP_BYTES: i32 = 4 * op.STEP_WORDS
const AXIS_BYTES: usize = 8
// words of an operand
const RANK: usize = 1 + PLACE_WORDS
const AXES: usize = 2 + PLACE_WORDS
const LANE: i32 = 4
const LANES: i32 = UNROLLED / 4 // of a value that is broadcast along a row
const GROUP: i32 = 16
// lanes from which on a row is reduced by itself, in several accumulators
const LONG = 256

export function fused(at: usize, scratch: usize): void {
  const blockRows = word(at, 4)
  const blocks = (word(at, 2) + blockRows - 1) / blockRows
  const lastRow = min(endOf(blocks) * blockRows, word(at, 2))
  const end = at + (word(at, 1) << 2)
  const steps = end - word(at, 9) * STEP_BYTES
  block(at, scratch, steps - word(at, 8) * STEP_BYTES, steps, 0, min(blockRows, word(at, 2)))
  for (let first = firstOf(blocks) * blockRows; first < lastRow; first += blockRows) {
    beat()
    block(at, scratch, steps, end, first, min(blockRows, lastRow - first))
  }
}

/** Executes the steps from `step` to `end` for `count` rows from row `first` on. */
function block(at: usize, scratch: usize, step: usize, end: usize, first: i32, count: i32): void {
  const width = word(at, 3)
  const registerBytes = word(at, 5)
  const registers = scratch + (((word(at, 6) << 2) + CACHE_LINE - 1) & ~(CACHE_LINE - 1))
  for (; step < end; step += STEP_BYTES) {
    const code = word(step, 0)
    const layout = word(step, op.LAYOUT)
    const lanesOfRow = layout == op.INNER ? width : 1
    const lanes = lanesOf(layout, width, count)
    const firstLane = <i64>first * lanesOfRow
    if (code == op.STORE) {
      write(at + (word(step, op.B) << 2), pointer(scratch, step, op.A), firstLane, lanes)
      continue
    }
    const register = word(step, op.DESTINATION)
    let to: usize = registers + register * registerBytes
    switch (code) {
      case op.LOAD:
        to = read(at + (word(step, op.A) << 2), to, firstLane, lanes)
        break
      case op.CONSTANT:
        fill(to, i32x4.splat(word(step, op.IMMEDIATE)), lanes)
        break
      case op.BROADCAST:
        broadcast(to, pointer(scratch, step, op.A), layout == op.SPLAT ? LANES : width, count)
        break
      case op.SUM:
      case op.MAX:
      case op.SUM_I:
      case op.MAX_I:
      case op.MUL_SUM:
        reduce(code, to, pointer(scratch, step, op.A), pointer(scratch, step, op.B), width, count)
        break
      default: {
        const next = step + STEP_BYTES
        if (next < end) to = destination(at, next, register, firstLane, lanes, to)
        const byRows = (word(step, op.A + 2) | word(step, op.B + 2) | word(step, op.C + 2)) != 0
        apply(
          step,
          to,
          pointer(scratch, step, op.A),
          pointer(scratch, step, op.B),
          pointer(scratch, step, op.C),
          byRows ? width * LANE : (lanes * LANE + 15) & ~15,
          byRows ? count : 1,
        )
      }
    }
    store<usize>(scratch + (register << 2), to)
  }
}

function lanesOf(layout: i32, width: i32, count: i32): i32 {
  if (layout == op.INNER) return count * width
  if (layout == op.OUTER) return count
  return layout == op.LINE ? width : LANES
}

/** The lanes of the register in word `index` of a step. */
// @ts-ignore: decorator
@inline
function pointer(scratch: usize, step: usize, index: usize): usize {
  return load<usize>(scratch + (word(step, index) << 2))
}

// A broadcast may have more lanes than 32 bits count.

/** The address of an operand's lane `first` if it is contiguous, else 0. */
function contiguous(operand: usize, first: i64): usize {
  const plain = word(operand, 0) == op.MEMORY && word(operand, RANK) == 1 && word(operand, AXES + 1) == LANE
  return plain ? place(operand + 4) + <usize>first * LANE : 0
}

/** The address of lanes [first, first + count) of an operand: in place, or copied to `to`. */
function read(operand: usize, to: usize, first: i64, count: i32): usize {
  const from = contiguous(operand, first)
  if (from) return from
  const kind = word(operand, 0) == op.INDEX ? RAMP : COPY_IN
  move(kind, to, place(operand + 4), operand + (AXES << 2), word(operand, RANK), first, count)
  return to
}

/** Writes lanes [first, first + count) of an operand, and no others. */
function write(operand: usize, from: usize, first: i64, count: i32): void {
  if (from == contiguous(operand, first)) return
  move(COPY_OUT, from, place(operand + 4), operand + (AXES << 2), word(operand, RANK), first, count)
}

/** Copy elision: where the next step stores the register, if this step can write there itself; else `otherwise`. */
function destination(at: usize, next: usize, register: i32, first: i64, count: i32, otherwise: usize): usize {
  if ((count & 3) != 0 || word(next, 0) != op.STORE || word(next, op.A) != register) return otherwise
  const to = contiguous(at + (word(next, op.B) << 2), first)
  return to ? to : otherwise
}

const COPY_IN = 0
const COPY_OUT = 1
const RAMP = 2

/** Moves lanes [first, first + count), in row-major order of the axes, between `lanes` and the operand at `start`. */
function move(kind: i32, lanes: usize, start: usize, axes: usize, rank: i32, first: i64, count: i32): void {
  const stride = rank > 0 ? word(axes, 1) : 0
  if (rank <= 1) {
    start += <usize>first * stride
    if (kind == RAMP) ramp(lanes, start, stride, count)
    else if (kind == COPY_OUT) scatter(lanes, start, stride, count)
    else gather(lanes, start, stride, count)
    return
  }
  let inner: i64 = 1
  for (let axis = 1; axis < rank; axis++) inner *= word(axes, axis << 1)
  if (first >= inner) {
    const outer = first / inner
    start += <usize>outer * stride
    first -= outer * inner
  }
  // of rows that are columns in memory: how far apart their elements are
  const apart = kind == COPY_IN && rank == 2 && stride == LANE && inner >= 4 ? word(axes, 3) : 0
  while (count > 0) {
    let run = <i32>min<i64>(inner - first, count)
    let rows = 1
    if (apart != 0 && first == 0 && run <= count >> 2) {
      rows = (count / run) & ~3
      transposed(lanes, start, run, apart, rows)
      run *= rows
    } else move(kind, lanes, start, axes + AXIS_BYTES, rank - 1, first, run)
    lanes += run * LANE
    start += rows * stride
    count -= run
    first = 0
  }
}

/** Gathers a multiple of four rows of elements that lie `stride` apart, each row beside the one before. */
function transposed(to: usize, from: usize, width: i32, stride: usize, rows: i32): void {
  for (let i = 0; i < width; i += 4) {
    const first = min(i, width - 4) // the last four may be among those before
    const at = from + first * stride
    across(to + first * LANE, width * LANE, at, at + stride, at + 2 * stride, at + 3 * stride, rows)
  }
}

// These write whole groups of four lanes. Lanes behind the last are overwritten later, or not read.

function ramp(to: usize, start: usize, stride: i32, count: i32): void {
  const end = to + count * LANE
  const step = i32x4.splat(stride << 2)
  let value = i32x4.add(i32x4.splat(<i32>start), i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(stride)))
  for (; to < end; to += GROUP) {
    v128.store(to, value)
    value = i32x4.add(value, step)
  }
}

function fill(to: usize, value: v128, count: i32): void {
  const end = to + count * LANE
  for (; to < end; to += GROUP) v128.store(to, value)
}

function gather(to: usize, from: usize, stride: i32, count: i32): void {
  if (stride == 0) return fill(to, v128.load32_splat(from), count)
  const end = to + count * LANE
  if (stride == LANE) {
    for (; to < end; to += GROUP, from += GROUP) v128.store(to, v128.load(from))
  } else {
    for (; to < end; to += LANE, from += stride) store<i32>(to, load<i32>(from))
  }
}

/** Writes `count` lanes to memory, exactly. */
function scatter(from: usize, to: usize, stride: i32, count: i32): void {
  if (stride == LANE) {
    const groups = from + (count & ~3) * LANE
    for (; from < groups; from += GROUP, to += GROUP) v128.store(to, v128.load(from))
    count &= 3
  }
  const end = from + count * LANE
  for (; from < end; from += LANE, to += stride) store<i32>(to, load<i32>(from))
}

/** Broadcasts each lane along its row. Lanes behind a row are overwritten by the next row. */
function broadcast(to: usize, from: usize, width: i32, count: i32): void {
  const end = from + count * LANE
  for (; from < end; from += LANE) {
    const value = v128.load32_splat(from)
    const next = to + width * LANE
    for (let at = to; at < next; at += GROUP) v128.store(at, value)
    to = next
  }
}

function reduce(code: i32, to: usize, a: usize, b: usize, width: i32, count: i32): void {
  switch (code) {
    case op.SUM:
      return fold<Add, Alone>(f32x4.splat(0), to, a, b, width, count)
    case op.MUL_SUM:
      return fold<Add, Product>(f32x4.splat(0), to, a, b, width, count)
    case op.MAX:
      return fold<Largest, Alone>(f32x4.splat(-Infinity), to, a, b, width, count)
    case op.SUM_I:
      return fold<AddI, Alone>(i32x4.splat(0), to, a, b, width, count)
    default:
      return fold<MaximumI, Alone>(i32x4.splat(i32.MIN_VALUE), to, a, b, width, count)
  }
}

// The terms that `fold` reduces.

class Alone {
  // @ts-ignore: decorator
  @inline
  at(a: usize, b: usize, i: usize): v128 {
    return v128.load(a + i)
  }
}

class Product {
  // @ts-ignore: decorator
  @inline
  at(a: usize, b: usize, i: usize): v128 {
    return f32x4.mul(v128.load(a + i), v128.load(b + i))
  }
}

// @ts-ignore: decorator
@inline
function term<Of>(a: usize, b: usize, i: usize): v128 {
  return changetype<Of>(0).at(a, b, i)
}

/** A row's result depends on its width alone, not on where it stands. */
function fold<Op, Of>(neutral: v128, to: usize, a: usize, b: usize, width: i32, count: i32): void {
  if (width < LONG) foldRows<Op, Of>(neutral, to, a, b, width, count)
  else foldLong<Op, Of>(neutral, to, a, b, width, count)
}

/** Four rows at a time, each in its own accumulator. */
function foldRows<Op, Of>(neutral: v128, to: usize, a: usize, b: usize, width: i32, count: i32): void {
  const stride: usize = width * LANE
  const groups: usize = stride & ~15
  const beyond = i32x4.ge_s(i32x4(0, 1, 2, 3), i32x4.splat(width & 3))
  const last = <usize>(count - 1) * stride
  for (let row0: usize = 0; row0 <= last; row0 += stride << 2, to += GROUP) {
    const row1 = min(row0 + stride, last)
    const row2 = min(row1 + stride, last)
    const row3 = min(row2 + stride, last)
    let v0 = neutral
    let v1 = neutral
    let v2 = neutral
    let v3 = neutral
    for (let i: usize = 0; i < groups; i += GROUP) {
      v0 = of2<Op>(v0, term<Of>(a, b, row0 + i))
      v1 = of2<Op>(v1, term<Of>(a, b, row1 + i))
      v2 = of2<Op>(v2, term<Of>(a, b, row2 + i))
      v3 = of2<Op>(v3, term<Of>(a, b, row3 + i))
    }
    if (groups < stride) {
      v0 = of2<Op>(v0, v128.bitselect(neutral, term<Of>(a, b, row0 + groups), beyond))
      v1 = of2<Op>(v1, v128.bitselect(neutral, term<Of>(a, b, row1 + groups), beyond))
      v2 = of2<Op>(v2, v128.bitselect(neutral, term<Of>(a, b, row2 + groups), beyond))
      v3 = of2<Op>(v3, v128.bitselect(neutral, term<Of>(a, b, row3 + groups), beyond))
    }
    const ab = of2<Op>(i32x4.shuffle(v0, v1, 0, 4, 1, 5), i32x4.shuffle(v0, v1, 2, 6, 3, 7))
    const cd = of2<Op>(i32x4.shuffle(v2, v3, 0, 4, 1, 5), i32x4.shuffle(v2, v3, 2, 6, 3, 7))
    v128.store(to, of2<Op>(i32x4.shuffle(ab, cd, 0, 1, 4, 5), i32x4.shuffle(ab, cd, 2, 3, 6, 7)))
  }
}

/** One row after another, each in four accumulators. */
function foldLong<Op, Of>(neutral: v128, to: usize, a: usize, b: usize, width: i32, count: i32): void {
  const bytes: usize = width * LANE
  const whole: usize = bytes & ~63
  const groups: usize = bytes & ~15
  const beyond = i32x4.ge_s(i32x4(0, 1, 2, 3), i32x4.splat(width & 3))
  for (; count > 0; --count, a += bytes, b += bytes, to += LANE) {
    let v0 = neutral
    let v1 = neutral
    let v2 = neutral
    let v3 = neutral
    let i: usize = 0
    for (; i < whole; i += 64) {
      v0 = of2<Op>(v0, term<Of>(a, b, i))
      v1 = of2<Op>(v1, term<Of>(a, b, i + 16))
      v2 = of2<Op>(v2, term<Of>(a, b, i + 32))
      v3 = of2<Op>(v3, term<Of>(a, b, i + 48))
    }
    for (; i < groups; i += GROUP) v0 = of2<Op>(v0, term<Of>(a, b, i))
    if (i < bytes) v1 = of2<Op>(v1, v128.bitselect(neutral, term<Of>(a, b, i), beyond))
    v0 = of2<Op>(of2<Op>(v0, v1), of2<Op>(v2, v3))
    v0 = of2<Op>(v0, i32x4.shuffle(v0, v0, 2, 3, 0, 1))
    v0 = of2<Op>(v0, i32x4.shuffle(v0, v0, 1, 0, 3, 2))
    v128.store32_lane(to, v0, 0)
  }
}
