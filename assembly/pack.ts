// Packs rows or columns of a matrix into panels: for each k the values of 8 lanes, contiguous.

import { TILE_LANES as LANES } from '../src/backends/sizes'
import { IRREGULAR, uniformStride } from './offsets'
import { word } from './place'

export const PANEL_STRIDE = 4 * LANES

/** Packs 8 lanes at each k. Those behind the first `lanes` are undefined, and not used. */
export function pack(to: usize, from: usize, table: usize, lanes: i32, ks: usize, kStride: i32, k: i32): void {
  if (uniformStride(table, lanes) == 4) {
    const first = from + word(table, 0)
    if (kStride == IRREGULAR) packAcross(to, first, ks, k)
    else packEvenly(to, first + word(ks, 0), kStride, k)
  } else if (kStride == 4) {
    transpose(to + 16, from + word(ks, 0), table + 16, k)
    packFour(to, from, table, ks, k)
  } else packLanes(to, from, table, ks, k)
}

/** Packs the first four lanes at each k, each of them contiguous along k. The other lanes are undefined. */
export function packFour(to: usize, from: usize, table: usize, ks: usize, k: i32): void {
  const whole = k & ~3
  transpose(to, from + word(ks, 0), table, k)
  if (whole < k) packLanes(to + whole * PANEL_STRIDE, from, table, ks + (whole << 2), k - whole)
}

/** For lanes that are contiguous in memory. */
function packAcross(to: usize, from: usize, ks: usize, k: i32): void {
  for (const end = ks + (k << 2); ks < end; ks += 4) {
    const at = from + word(ks, 0)
    const low = v128.load(at)
    const high = v128.load(at, 16)
    v128.store(to, low)
    v128.store(to, high, 16)
    to += PANEL_STRIDE
  }
}

/** For lanes that are contiguous in memory, with one stride along k. */
function packEvenly(to: usize, from: usize, stride: usize, k: i32): void {
  for (; k >= 2; k -= 2) {
    const next = from + stride
    const low = v128.load(from)
    const high = v128.load(from, 16)
    const nextLow = v128.load(next)
    const nextHigh = v128.load(next, 16)
    v128.store(to, low)
    v128.store(to, high, 16)
    v128.store(to, nextLow, 32)
    v128.store(to, nextHigh, 48)
    from = next + stride
    to += 2 * PANEL_STRIDE
  }
  if (k == 0) return
  v128.store(to, v128.load(from))
  v128.store(to, v128.load(from, 16), 16)
}

/** Packs four lanes that are contiguous along k, without the rest of k. */
function transpose(to: usize, from: usize, table: usize, k: i32): void {
  across(to, PANEL_STRIDE, from + word(table, 0), from + word(table, 1), from + word(table, 2), from + word(table, 3), k)
}

/** Writes fours of one element of each row, `step` bytes apart, by blocks of 4 x 4 and without the rest of `count`. */
export function across(to: usize, step: usize, x0: usize, x1: usize, x2: usize, x3: usize, count: i32): void {
  for (; count >= 4; count -= 4) {
    const v0 = v128.load(x0)
    const v1 = v128.load(x1)
    const v2 = v128.load(x2)
    const v3 = v128.load(x3)
    const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
    const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
    const high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
    const high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5))
    to += step
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7))
    to += step
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5))
    to += step
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7))
    to += step
    x0 += 16
    x1 += 16
    x2 += 16
    x3 += 16
  }
}

function packLanes(to: usize, from: usize, table: usize, ks: usize, k: i32): void {
  const x0 = word(table, 0)
  const x1 = word(table, 1)
  const x2 = word(table, 2)
  const x3 = word(table, 3)
  const x4 = word(table, 4)
  const x5 = word(table, 5)
  const x6 = word(table, 6)
  const x7 = word(table, 7)
  for (const end = ks + (k << 2); ks < end; ks += 4) {
    const at = from + word(ks, 0)
    store<i32>(to, load<i32>(at + x0))
    store<i32>(to, load<i32>(at + x1), 4)
    store<i32>(to, load<i32>(at + x2), 8)
    store<i32>(to, load<i32>(at + x3), 12)
    store<i32>(to, load<i32>(at + x4), 16)
    store<i32>(to, load<i32>(at + x5), 20)
    store<i32>(to, load<i32>(at + x6), 24)
    store<i32>(to, load<i32>(at + x7), 28)
    to += PANEL_STRIDE
  }
}
