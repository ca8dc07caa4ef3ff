// Lists of axes with any strides as one index: tables of the byte offsets of a block of it in two tensors.

import { TABLE_PAD as PAD } from '../src/backends/sizes'
import { word } from './place'

export const IRREGULAR = i32.MIN_VALUE

/** The axes of m, n or k as one index, and the byte offsets of a block of it in the two tensors that have it. */
@unmanaged
export class Index {
  axes: usize // (size, stride in the first tensor, stride in the second)*
  rank: i32
  count: i32
  begin: i32 // of the part that is this thread's
  end: i32
  start: i32
  size: i32
  first: usize
  firstStep: i32 // from one entry to the next where all are alike, else IRREGULAR
  second: usize
  secondStep: i32
}

export function open(index: Index, axes: usize, rank: i32): void {
  index.axes = axes
  index.rank = rank
  index.start = -1
  let count = 1
  for (let i = 0; i < rank; ++i) count *= word(axes, 3 * i)
  index.count = count
}

/** Gives `index` its tables at `from` and returns their end. */
export function reserve(index: Index, block: i32, from: usize): usize {
  const bytes = (min(index.count, block) + PAD) << 2
  index.first = from
  index.second = from + bytes
  return from + 2 * bytes
}

/** Of the only axis of an index, where it has one. */
export function strideOf(index: Index, column: usize): i32 {
  return index.rank == 1 ? word(index.axes, column) : 0
}

/** Makes the tables of `index` those of a block: false where they are already. */
export function select(index: Index, start: i32, size: i32): bool {
  if (index.start == start && index.size == size) return false
  index.start = start
  index.size = size
  offsets(index, index.first, 1)
  offsets(index, index.second, 2)
  index.firstStep = stepOf(index, index.first, 1)
  index.secondStep = stepOf(index, index.second, 2)
  return true
}

function stepOf(index: Index, table: usize, column: usize): i32 {
  return index.rank == 1 ? word(index.axes, column) : uniformStep(table, index.size)
}

/** Fills a table of `index` from one column of the strides of its axes. */
function offsets(index: Index, table: usize, column: usize): void {
  const innermost = index.axes + 12 * (index.rank - 1)
  const run = index.rank > 0 ? word(innermost, 0) : 1
  const step = index.rank > 0 ? word(innermost, column) : 0
  const size = index.size
  let done = 0
  let last = 0
  while (done < size) {
    let outer = (index.start + done) / run
    const inner = index.start + done - outer * run
    let offset = inner * step
    for (let axis = innermost - 12; outer > 0; axis -= 12) {
      const length = word(axis, 0)
      offset += (outer % length) * word(axis, column)
      outer /= length
    }
    const end = done + min(run - inner, size - done)
    for (; done < end; ++done) {
      store<i32>(table + (done << 2), offset)
      last = offset
      offset += step
    }
  }
  for (let i = 0; i < PAD; ++i) store<i32>(table + ((size + i) << 2), last)
}

/** From one entry of a table to the next, where all are alike, else IRREGULAR. */
export function uniformStep(table: usize, count: i32): i32 {
  if (count < 2) return 4
  const step = word(table, 1) - word(table, 0)
  const end = table + ((count - 1) << 2)
  for (let at = table + 4; at < end; at += 4) {
    if (word(at, 1) - word(at, 0) != step) return IRREGULAR
  }
  return step
}
