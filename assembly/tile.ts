// The micro-kernels of matrix products: a tile of rows x 8 sums, held in registers.

import { TILE_ROWS as ROWS } from '../src/backends/sizes'
import { word } from './place'

export const SHORT = 4 // rows of the tiles that make up what ROWS does not divide

function multiplyAdd(x: v128, y: v128, z: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z)
}

export function addTo(out: usize, value: v128): void {
  v128.store(out, f32x4.add(value, v128.load(out)))
}

// V8 (as of Node 20) allocates the registers of a loop by the end of its function: unless that is one block of plain stores,
// it spills the sums, at a third of the speed. So each micro-kernel is a function of its own that ends with the stores.

/** ROWS x 8 sums of k products each. At every k four rows of `a` and 8 columns of `b` are contiguous; `last` is the fifth row. */
export function tile(
  a: usize,
  aStride: usize,
  last: usize,
  lastStride: usize,
  b: usize,
  bStride: usize,
  k: i32,
  out: usize,
  outRows: usize,
  add: bool,
): void {
  sums(ROWS, a, aStride, last, lastStride, b, bStride, k, out, outRows, add)
}

/** SHORT x 8 of them. */
export function shortTile(a: usize, aStride: usize, b: usize, bStride: usize, k: i32, out: usize, outRows: usize, add: bool): void {
  sums(SHORT, a, aStride, 0, 0, b, bStride, k, out, outRows, add)
}

// With a fused multiply-add, four rows are loaded at once and broadcast by shuffles: load ports are scarcer than shuffle
// ports. The loop is unrolled four times, with branches in between, because V8 would reorder one large basic block, and
// spill. Without it, shuffles compete with the arithmetic: each row is loaded and broadcast by itself.

// @ts-ignore: decorator
@inline
function sums(
  height: i32,
  a: usize,
  aStride: usize,
  last: usize,
  lastStride: usize,
  b: usize,
  bStride: usize,
  k: i32,
  out: usize,
  outRows: usize,
  add: bool,
): void {
  let c00 = f32x4.splat(0)
  let c01 = c00
  let c10 = c00
  let c11 = c00
  let c20 = c00
  let c21 = c00
  let c30 = c00
  let c31 = c00
  let c40 = c00
  let c41 = c00
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (; k > 0; k -= 4) {
      let four = v128.load(a)
      let b0 = v128.load(b)
      let b1 = v128.load(b, 16)
      let x = i32x4.shuffle(four, four, 0, 0, 0, 0)
      c00 = multiplyAdd(x, b0, c00)
      c01 = multiplyAdd(x, b1, c01)
      x = i32x4.shuffle(four, four, 1, 1, 1, 1)
      c10 = multiplyAdd(x, b0, c10)
      c11 = multiplyAdd(x, b1, c11)
      x = i32x4.shuffle(four, four, 2, 2, 2, 2)
      c20 = multiplyAdd(x, b0, c20)
      c21 = multiplyAdd(x, b1, c21)
      x = i32x4.shuffle(four, four, 3, 3, 3, 3)
      c30 = multiplyAdd(x, b0, c30)
      c31 = multiplyAdd(x, b1, c31)
      if (height > 4) {
        x = v128.load32_splat(last)
        c40 = multiplyAdd(x, b0, c40)
        c41 = multiplyAdd(x, b1, c41)
        last += lastStride
      }
      a += aStride
      b += bStride
      if (k == 1) break
      four = v128.load(a)
      b0 = v128.load(b)
      b1 = v128.load(b, 16)
      x = i32x4.shuffle(four, four, 0, 0, 0, 0)
      c00 = multiplyAdd(x, b0, c00)
      c01 = multiplyAdd(x, b1, c01)
      x = i32x4.shuffle(four, four, 1, 1, 1, 1)
      c10 = multiplyAdd(x, b0, c10)
      c11 = multiplyAdd(x, b1, c11)
      x = i32x4.shuffle(four, four, 2, 2, 2, 2)
      c20 = multiplyAdd(x, b0, c20)
      c21 = multiplyAdd(x, b1, c21)
      x = i32x4.shuffle(four, four, 3, 3, 3, 3)
      c30 = multiplyAdd(x, b0, c30)
      c31 = multiplyAdd(x, b1, c31)
      if (height > 4) {
        x = v128.load32_splat(last)
        c40 = multiplyAdd(x, b0, c40)
        c41 = multiplyAdd(x, b1, c41)
        last += lastStride
      }
      a += aStride
      b += bStride
      if (k == 2) break
      four = v128.load(a)
      b0 = v128.load(b)
      b1 = v128.load(b, 16)
      x = i32x4.shuffle(four, four, 0, 0, 0, 0)
      c00 = multiplyAdd(x, b0, c00)
      c01 = multiplyAdd(x, b1, c01)
      x = i32x4.shuffle(four, four, 1, 1, 1, 1)
      c10 = multiplyAdd(x, b0, c10)
      c11 = multiplyAdd(x, b1, c11)
      x = i32x4.shuffle(four, four, 2, 2, 2, 2)
      c20 = multiplyAdd(x, b0, c20)
      c21 = multiplyAdd(x, b1, c21)
      x = i32x4.shuffle(four, four, 3, 3, 3, 3)
      c30 = multiplyAdd(x, b0, c30)
      c31 = multiplyAdd(x, b1, c31)
      if (height > 4) {
        x = v128.load32_splat(last)
        c40 = multiplyAdd(x, b0, c40)
        c41 = multiplyAdd(x, b1, c41)
        last += lastStride
      }
      a += aStride
      b += bStride
      if (k == 3) break
      four = v128.load(a)
      b0 = v128.load(b)
      b1 = v128.load(b, 16)
      x = i32x4.shuffle(four, four, 0, 0, 0, 0)
      c00 = multiplyAdd(x, b0, c00)
      c01 = multiplyAdd(x, b1, c01)
      x = i32x4.shuffle(four, four, 1, 1, 1, 1)
      c10 = multiplyAdd(x, b0, c10)
      c11 = multiplyAdd(x, b1, c11)
      x = i32x4.shuffle(four, four, 2, 2, 2, 2)
      c20 = multiplyAdd(x, b0, c20)
      c21 = multiplyAdd(x, b1, c21)
      x = i32x4.shuffle(four, four, 3, 3, 3, 3)
      c30 = multiplyAdd(x, b0, c30)
      c31 = multiplyAdd(x, b1, c31)
      if (height > 4) {
        x = v128.load32_splat(last)
        c40 = multiplyAdd(x, b0, c40)
        c41 = multiplyAdd(x, b1, c41)
        last += lastStride
      }
      a += aStride
      b += bStride
    }
  } else {
    for (; k > 0; --k) {
      const b0 = v128.load(b)
      const b1 = v128.load(b, 16)
      let x = v128.load32_splat(a)
      c00 = multiplyAdd(x, b0, c00)
      c01 = multiplyAdd(x, b1, c01)
      x = v128.load32_splat(a, 4)
      c10 = multiplyAdd(x, b0, c10)
      c11 = multiplyAdd(x, b1, c11)
      x = v128.load32_splat(a, 8)
      c20 = multiplyAdd(x, b0, c20)
      c21 = multiplyAdd(x, b1, c21)
      x = v128.load32_splat(a, 12)
      c30 = multiplyAdd(x, b0, c30)
      c31 = multiplyAdd(x, b1, c31)
      if (height > 4) {
        x = v128.load32_splat(last)
        c40 = multiplyAdd(x, b0, c40)
        c41 = multiplyAdd(x, b1, c41)
        last += lastStride
      }
      a += aStride
      b += bStride
    }
  }
  const out0 = out + word(outRows, 0)
  const out1 = out + word(outRows, 1)
  const out2 = out + word(outRows, 2)
  const out3 = out + word(outRows, 3)
  const out4 = height > 4 ? out + word(outRows, 4) : 0
  if (add) {
    addTo(out0, c00)
    addTo(out0 + 16, c01)
    addTo(out1, c10)
    addTo(out1 + 16, c11)
    addTo(out2, c20)
    addTo(out2 + 16, c21)
    addTo(out3, c30)
    addTo(out3 + 16, c31)
    if (height > 4) {
      addTo(out4, c40)
      addTo(out4 + 16, c41)
    }
    return
  }
  v128.store(out0, c00)
  v128.store(out0, c01, 16)
  v128.store(out1, c10)
  v128.store(out1, c11, 16)
  v128.store(out2, c20)
  v128.store(out2, c21, 16)
  v128.store(out3, c30)
  v128.store(out3, c31, 16)
  if (height > 4) {
    v128.store(out4, c40)
    v128.store(out4, c41, 16)
  }
}
