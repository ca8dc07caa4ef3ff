// Rows of a contiguous table by index, and its transpose. Neither needs scratch.

import { CACHE_LINE } from '../src/backends/sizes'
import { place, word } from './place'
import { endOf, firstOf } from './threads'

const LINE: usize = CACHE_LINE // which threads do not share

/** out[i, :] = table[indices[i], :], with NaN or the smallest integer for an index out of range. */
export function gather(at: usize): void {
  const missing = word(at, 2) != 0 ? 0x7fc00000 : i32.MIN_VALUE
  const table = place(at + 12)
  const indices = place(at + 28)
  const count = word(at, 15)
  const rowBytes = (<usize>word(at, 16)) << 2
  const tableRows = <usize>word(at, 17)
  const first = firstOf(count)
  const end = endOf(count)
  let out = place(at + 44) + first * rowBytes
  if (rowBytes == 4) {
    for (let i = first; i < end; ++i) {
      const index = <usize>word(indices, i)
      store<i32>(out, index < tableRows ? word(table, <i32>index) : missing)
      out += 4
    }
    return
  }
  for (let i = first; i < end; ++i) {
    const index = <usize>word(indices, i)
    if (index < tableRows) copy(out, table + index * rowBytes, rowBytes)
    else fill(out, missing, rowBytes)
    out += rowBytes
  }
}

/** out[indices[i], :] += x[i, :] in the order of i, from zeros unless it accumulates. Each thread owns some columns. */
export function scatterAdd(at: usize): void {
  const accumulate = word(at, 2) != 0
  const indices = place(at + 28)
  const count = word(at, 15)
  const rowBytes = (<usize>word(at, 16)) << 2
  const tableRows = <usize>word(at, 17)
  const lines = <i32>((rowBytes + LINE - 1) / LINE)
  const left = firstOf(lines) * LINE
  const bytes = min(endOf(lines) * LINE, rowBytes) - left
  const out = place(at + 44) + left
  let x = place(at + 12) + left
  if (!accumulate) {
    if (bytes == rowBytes) memory.fill(out, 0, tableRows * rowBytes)
    else for (let row: usize = 0; row < tableRows; ++row) memory.fill(out + row * rowBytes, 0, bytes)
  }
  if (bytes == 4) {
    for (let i = 0; i < count; ++i) {
      const index = <usize>word(indices, i)
      const to = out + index * rowBytes
      if (index < tableRows) store<f32>(to, load<f32>(to) + load<f32>(x))
      x += rowBytes
    }
    return
  }
  for (let i = 0; i < count; ++i) {
    const index = <usize>word(indices, i)
    if (index < tableRows) add(out + index * rowBytes, x, bytes)
    x += rowBytes
  }
}

function copy(to: usize, from: usize, bytes: usize): void {
  const whole = to + (bytes & ~15)
  const end = to + bytes
  for (; to < whole; to += 16) {
    v128.store(to, v128.load(from))
    from += 16
  }
  for (; to < end; to += 4) {
    store<i32>(to, load<i32>(from))
    from += 4
  }
}

function fill(to: usize, value: i32, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 4) store<i32>(to, value)
}

function add(to: usize, from: usize, bytes: usize): void {
  const whole = to + (bytes & ~15)
  const end = to + bytes
  for (; to < whole; to += 16) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)))
    from += 16
  }
  for (; to < end; to += 4) {
    store<f32>(to, load<f32>(to) + load<f32>(from))
    from += 4
  }
}
