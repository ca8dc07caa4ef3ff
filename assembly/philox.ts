// Random numbers that are counted, not drawn.

const GROUP: i32 = 16

/** randomWord of src/ops/exact.ts for each lane. */
export function random(to: usize, element: usize, segment: usize, step: usize, seed: i32, site: i32, bytes: i32): void {
  let i = 0
  while (i < bytes) {
    const first = load<i32>(element + i)
    const counters = v128.load(element + i)
    const segments = v128.load(segment + i)
    const steps = v128.load(step + i)
    const whole =
      bytes - i >= 64 && (first & 3) == 0 && isRun(element + i, 1) && isRun(segment + i, 0) && isRun(step + i, 0)
    if (whole) {
      philox(true, to + i, i32x4.add(i32x4.splat(first), i32x4(0, 4, 8, 12)), segments, steps, seed, site)
      i += 64
    } else {
      philox(false, to + i, counters, segments, steps, seed, site)
      i += GROUP
    }
  }
}

/** Do sixteen lanes go up by `difference` from each to the next? */
function isRun(at: usize, difference: i32): bool {
  let expected = i32x4.add(v128.load32_splat(at), i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(difference)))
  let same = i32x4.splat(-1)
  for (let i: usize = 0; i < 64; i += GROUP) {
    same = v128.and(same, i32x4.eq(v128.load(at + i), expected))
    expected = i32x4.add(expected, i32x4.splat(difference << 2))
  }
  return i32x4.all_true(same)
}

/**
 * Philox-4x32-10 (Salmon et al. 2011) of four counters (element / 4, site, segment, step) and the key (seed, 0).
 * `whole`: writes all four words of each counter; otherwise the one word that belongs to the element.
 */
function philox(whole: bool, to: usize, element: v128, segment: v128, step: v128, seed: i32, site: i32): void {
  let c0 = i32x4.shr_u(element, 2)
  let c1 = i32x4.splat(site)
  let c2 = segment
  let c3 = step
  let k0 = i32x4.splat(seed)
  let k1 = i32x4.splat(0)
  for (let round = 0; round < 10; round++) {
    const even0 = i64x2.extmul_low_i32x4_u(c0, i32x4.splat(0xd2511f53))
    const odd0 = i64x2.extmul_high_i32x4_u(c0, i32x4.splat(0xd2511f53))
    const even1 = i64x2.extmul_low_i32x4_u(c2, i32x4.splat(0xcd9e8d57))
    const odd1 = i64x2.extmul_high_i32x4_u(c2, i32x4.splat(0xcd9e8d57))
    c0 = v128.xor(v128.xor(i32x4.shuffle(even1, odd1, 1, 3, 5, 7), c1), k0)
    c1 = i32x4.shuffle(even1, odd1, 0, 2, 4, 6)
    c2 = v128.xor(v128.xor(i32x4.shuffle(even0, odd0, 1, 3, 5, 7), c3), k1)
    c3 = i32x4.shuffle(even0, odd0, 0, 2, 4, 6)
    k0 = i32x4.add(k0, i32x4.splat(0x9e3779b9))
    k1 = i32x4.add(k1, i32x4.splat(0xbb67ae85))
  }
  if (whole) {
    storeColumns(to, c0, c1, c2, c3)
    return
  }
  const odd = i32x4.ne(v128.and(element, i32x4.splat(1)), i32x4.splat(0))
  const upper = i32x4.ne(v128.and(element, i32x4.splat(2)), i32x4.splat(0))
  v128.store(to, v128.bitselect(v128.bitselect(c3, c2, odd), v128.bitselect(c1, c0, odd), upper))
}

/** Writes the 4 x 4 matrix with columns a, b, c, d row by row. */
// @ts-ignore: decorator
@inline
function storeColumns(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5)
  const ab2 = i32x4.shuffle(a, b, 2, 6, 3, 7)
  const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5)
  const cd2 = i32x4.shuffle(c, d, 2, 6, 3, 7)
  v128.store(to, i32x4.shuffle(ab0, cd0, 0, 1, 4, 5))
  v128.store(to + GROUP, i32x4.shuffle(ab0, cd0, 2, 3, 6, 7))
  v128.store(to + 2 * GROUP, i32x4.shuffle(ab2, cd2, 0, 1, 4, 5))
  v128.store(to + 3 * GROUP, i32x4.shuffle(ab2, cd2, 2, 3, 6, 7))
}
