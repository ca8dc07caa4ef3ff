// out[kept...] (+)= sum or max over the reduced axes of x[kept..., reduced...], where `out` is contiguous.
// If the innermost kept axis is contiguous in x, rows of x are added into a block of lanes that stays in the cache. Else
// each output is reduced alone, by vectors if the innermost reduced axis is contiguous. Sums are trees: at most TERMS terms
// make a partial sum, and FAN of these one of the next level, so that the rounding error of a long sum stays small.
//
// Single lanes are held in lane 0 of a vector. Scratch: BLOCK lanes for each of REDUCE_LEVELS levels.

import { CACHE_LINE, REDUCE_BLOCK as BLOCK, REDUCE_FAN } from '../src/backends/sizes'
import { REDUCE_MAX, REDUCE_MAX_I, REDUCE_SUM } from '../src/backends/wasm/opcodes'
import { place, word } from './place'
import { Add, AddI, MaximumI } from './generated/scalars'
import { Largest, of2 } from './scalar'
import { endOf, firstOf } from './threads'

const TERMS = 128
const FAN: u32 = REDUCE_FAN
const ROW: usize = 4 * BLOCK // bytes
const PIECE: i32 = CACHE_LINE / 4 // lanes of a cache line, which threads do not share

export function reduce(at: usize, scratch: usize): void {
  switch (word(at, 2)) {
    case REDUCE_SUM:
      return reduceBy<Add>(f32x4.splat(0), at, scratch)
    case REDUCE_MAX:
      return reduceBy<Largest>(f32x4.splat(-Infinity), at, scratch)
    case REDUCE_MAX_I:
      return reduceBy<MaximumI>(i32x4.splat(i32.MIN_VALUE), at, scratch)
    default:
      return reduceBy<AddI>(i32x4.splat(0), at, scratch)
  }
}

/** `neutral` is the result of reducing nothing. */
function reduceBy<Op>(neutral: v128, at: usize, scratch: usize): void {
  const accumulate = word(at, 3) != 0
  const keptRank = word(at, 12)
  const reducedRank = word(at, 13)
  const kept = at + 56
  const reduced = kept + 8 * keptRank
  const outputs = count(kept, keptRank)
  const terms = count(reduced, reducedRank)
  const x = place(at + 32)
  const out = place(at + 16)
  const lines = reducedRank > 0 && innerStride(reduced, reducedRank) == 4 && innerSize(reduced, reducedRank) >= 4
  if (keptRank > 0 && innerStride(kept, keptRank) == 4 && !lines) {
    const width = innerSize(kept, keptRank)
    const pieces = (outputs + PIECE - 1) / PIECE
    const end = min(endOf(pieces) * PIECE, outputs)
    for (let i = firstOf(pieces) * PIECE; i < end; ) {
      const to = out + (i << 2)
      const lanes = min(min(width - (i % width), end - i), BLOCK)
      const result = reduceRows<Op>(neutral, scratch, x + offset(kept, keptRank, i), reduced, reducedRank, terms, lanes)
      if (accumulate) combineRow<Op>(to, result, lanes)
      else copyRow(to, result, lanes)
      i += lanes
    }
    return
  }
  const end = endOf(outputs)
  for (let i = firstOf(outputs); i < end; ++i) {
    const to = out + (i << 2)
    let value = reduceLane<Op>(neutral, scratch, x + offset(kept, keptRank, i), reduced, reducedRank, terms)
    if (accumulate) value = of2<Op>(v128.load32_zero(to), value)
    store<i32>(to, i32x4.extract_lane(value, 0))
  }
}

function count(axes: usize, rank: i32): i32 {
  let product = 1
  for (let i = 0; i < rank; ++i) product *= word(axes, 2 * i)
  return product
}

function innerSize(axes: usize, rank: i32): i32 {
  return word(axes, 2 * rank - 2)
}

function innerStride(axes: usize, rank: i32): i32 {
  return word(axes, 2 * rank - 1)
}

/** The byte offset of an index over axes. */
function offset(axes: usize, rank: i32, index: i32): i32 {
  let bytes = 0
  let rest = <u32>index
  for (let axis = axes + 8 * rank; rest > 0; ) {
    axis -= 8
    const size = <u32>word(axis, 0)
    const outer = rest / size
    bytes += <i32>(rest - outer * size) * word(axis, 1)
    rest = outer
  }
  return bytes
}

/** Reduces rows of at most BLOCK contiguous lanes; the result is in the buffer of some level. */
function reduceRows<Op>(neutral: v128, levels: usize, x: usize, axes: usize, rank: i32, terms: i32, lanes: i32): usize {
  const run = rank > 0 ? innerSize(axes, rank) : 1
  const stride = rank > 0 ? innerStride(axes, rank) : 0
  const top = begin(neutral, levels, terms / TERMS, lanes)
  let held = 0
  let full: u32 = 0
  for (let i = 0; i < terms; i += run) {
    let row = x + offset(axes, rank, i)
    for (let j = 0; j < run; ) {
      if (held == TERMS) {
        carry<Op>(neutral, levels, ++full, lanes)
        held = 0
      }
      const few = min(run - j, TERMS - held) < 4
      if (few) combineRow<Op>(levels, row, lanes)
      else combineFour<Op>(levels, row, stride, lanes)
      const rows = few ? 1 : 4
      row += rows * stride
      held += rows
      j += rows
    }
  }
  return finish<Op>(levels, top, lanes)
}

/** Clears the levels that so many partial results need, and returns the highest. */
function begin(neutral: v128, levels: usize, full: u32, lanes: i32): usize {
  fillRow(levels, neutral, lanes)
  let top = levels + ROW
  fillRow(top, neutral, lanes)
  for (; full >= FAN; full /= FAN) {
    top += ROW
    fillRow(top, neutral, lanes)
  }
  return top
}

/** Adds the lowest level, full for the `full`th time, to the next one, and so on while that is full. */
function carry<Op>(neutral: v128, levels: usize, full: u32, lanes: i32): void {
  for (let more = true; more; full /= FAN) {
    combineRow<Op>(levels + ROW, levels, lanes)
    fillRow(levels, neutral, lanes)
    levels += ROW
    more = full % FAN == 0
  }
}

/** Adds all levels into the highest. */
function finish<Op>(levels: usize, top: usize, lanes: i32): usize {
  for (; levels < top; levels += ROW) combineRow<Op>(levels + ROW, levels, lanes)
  return top
}

function combineRow<Op>(to: usize, from: usize, lanes: i32): void {
  const end = to + (lanes << 2)
  for (const whole = to + ((lanes & ~3) << 2); to < whole; to += 16) {
    v128.store(to, of2<Op>(v128.load(to), v128.load(from)))
    from += 16
  }
  for (; to < end; to += 4) {
    v128.store32_lane(to, of2<Op>(v128.load32_zero(to), v128.load32_zero(from)), 0)
    from += 4
  }
}

/** Adds four rows, one after another, with one store. */
function combineFour<Op>(to: usize, from: usize, stride: i32, lanes: i32): void {
  const row2 = 2 * stride
  const row3 = 3 * stride
  const end = to + (lanes << 2)
  for (const whole = to + ((lanes & ~3) << 2); to < whole; to += 16) {
    const two = of2<Op>(of2<Op>(v128.load(to), v128.load(from)), v128.load(from + stride))
    v128.store(to, of2<Op>(of2<Op>(two, v128.load(from + row2)), v128.load(from + row3)))
    from += 16
  }
  for (; to < end; to += 4) {
    const two = of2<Op>(of2<Op>(v128.load32_zero(to), v128.load32_zero(from)), v128.load32_zero(from + stride))
    const four = of2<Op>(of2<Op>(two, v128.load32_zero(from + row2)), v128.load32_zero(from + row3))
    v128.store32_lane(to, four, 0)
    from += 4
  }
}

function copyRow(to: usize, from: usize, lanes: i32): void {
  const end = to + (lanes << 2)
  for (const whole = to + ((lanes & ~3) << 2); to < whole; to += 16) {
    v128.store(to, v128.load(from))
    from += 16
  }
  for (; to < end; to += 4) {
    store<i32>(to, load<i32>(from))
    from += 4
  }
}

/** Fills whole vectors: a block has room for them. */
function fillRow(to: usize, value: v128, lanes: i32): void {
  for (const end = to + (lanes << 2); to < end; to += 16) v128.store(to, value)
}

/** Reduces all terms of one output. */
function reduceLane<Op>(neutral: v128, levels: usize, x: usize, axes: usize, rank: i32, terms: i32): v128 {
  const run = rank > 0 ? innerSize(axes, rank) : 1
  const stride = rank > 0 ? innerStride(axes, rank) : 0
  const piece = stride == 4 ? 16 * TERMS : TERMS
  let partial = neutral
  let held: u32 = 0
  let full: u32 = 0
  let top: usize = 0
  for (let i = 0; i < terms; i += run) {
    let from = x + offset(axes, rank, i)
    for (let j = 0; j < run; j += piece) {
      if (held == FAN) {
        // there are no more pieces than terms
        if (full == 0) top = begin(neutral, levels, <u32>terms / FAN, 1)
        v128.store(levels, partial)
        carry<Op>(neutral, levels, ++full, 1)
        partial = neutral
        held = 0
      }
      const length = min(run - j, piece)
      const value = stride == 4 ? reduceLine<Op>(neutral, from, length) : reduceStrided<Op>(neutral, from, stride, length)
      partial = of2<Op>(partial, value)
      from += piece * stride
      held += 1
    }
  }
  if (full == 0) return of2<Op>(neutral, partial)
  v128.store(levels, partial)
  return v128.load32_zero(finish<Op>(levels, top, 1))
}

/** Reduces contiguous lanes in 16 accumulators. */
function reduceLine<Op>(neutral: v128, from: usize, length: i32): v128 {
  const end = from + (length << 2)
  let v0 = neutral
  let v1 = v0
  let v2 = v0
  let v3 = v0
  for (const whole = from + ((length & ~15) << 2); from < whole; from += 64) {
    v0 = of2<Op>(v0, v128.load(from))
    v1 = of2<Op>(v1, v128.load(from, 16))
    v2 = of2<Op>(v2, v128.load(from, 32))
    v3 = of2<Op>(v3, v128.load(from, 48))
  }
  for (; from + 16 <= end; from += 16) v0 = of2<Op>(v0, v128.load(from))
  v0 = of2<Op>(of2<Op>(v0, v1), of2<Op>(v2, v3))
  v0 = of2<Op>(v0, v128.shuffle<i32>(v0, v0, 2, 3, 0, 1))
  v0 = of2<Op>(v0, v128.shuffle<i32>(v0, v0, 1, 0, 3, 2))
  for (; from < end; from += 4) v0 = of2<Op>(v0, v128.load32_zero(from))
  return v0
}

function reduceStrided<Op>(neutral: v128, from: usize, stride: i32, length: i32): v128 {
  let value = neutral
  for (; length > 0; --length) {
    value = of2<Op>(value, v128.load32_zero(from))
    from += stride
  }
  return value
}
