// Lists of axes with any strides, flattened into one index, with tables of the byte offsets of a block of it in two tensors.

import { TABLE_PAD as PAD } from '../src/backends/sizes'
import { word } from './place'

export const IRREGULAR = i32.MIN_VALUE

/** The axes of m, n or k as one index, and the byte offsets of a block of it in its two tensors. */
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
  firstStride: i32 // from one entry to the next if all are equal, else IRREGULAR
  second: usize
  secondStride: i32
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

/** The stride of an index of one axis; 0 for none. */
export function strideOf(index: Index, column: usize): i32 {
  return index.rank == 1 ? word(index.axes, column) : 0
}

/** Fills the tables of `index` for a block: false if they hold it already. */
export function select(index: Index, start: i32, size: i32): bool {
  if (index.start == start && index.size == size) return false
  index.start = start
  index.size = size
  offsets(index, index.first, 1)
  offsets(index, index.second, 2)
  index.firstStride = strideIn(index, index.first, 1)
  index.secondStride = strideIn(index, index.second, 2)
  return true
}

function strideIn(index: Index, table: usize, column: usize): i32 {
  return index.rank == 1 ? word(index.axes, column) : uniformStride(table, index.size)
}

/** Fills a table of `index` from one column of the strides of its axes. */
function offsets(index: Index, table: usize, column: usize): void {
  const innermost = index.axes + 12 * (index.rank - 1)
  const run = index.rank > 0 ? word(innermost, 0) : 1
  const stride = index.rank > 0 ? word(innermost, column) : 0
  const size = index.size
  let done = 0
  let last = 0
  while (done < size) {
    let outer = (index.start + done) / run
    const inner = index.start + done - outer * run
    let offset = inner * stride
    for (let axis = innermost - 12; outer > 0; axis -= 12) {
      const length = word(axis, 0)
      offset += (outer % length) * word(axis, column)
      outer /= length
    }
    const end = done + min(run - inner, size - done)
    for (; done < end; ++done) {
      store<i32>(table + (done << 2), offset)
      last = offset
      offset += stride
    }
  }
  for (let i = 0; i < PAD; ++i) store<i32>(table + ((size + i) << 2), last)
}

/** From one entry of a table to the next if all are equal, else IRREGULAR. */
export function uniformStride(table: usize, count: i32): i32 {
  if (count < 2) return 4
  const stride = word(table, 1) - word(table, 0)
  const end = table + ((count - 1) << 2)
  for (let at = table + 4; at < end; at += 4) {
    if (word(at, 1) - word(at, 0) != stride) return IRREGULAR
  }
  return stride
}
