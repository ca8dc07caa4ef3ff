// What one core can do with 128-bit vectors, without the work of any kernel.

/** Multiply-adds on registers: as many independent chains as hide their latency and fit, 12, each `steps` long. */
export function multiplyAdd(steps: i32): f32 {
  const factor = f32x4.splat(0.999)
  const term = f32x4.splat(0.001)
  let a = f32x4.splat(1)
  let b = f32x4.splat(2)
  let c = f32x4.splat(3)
  let d = f32x4.splat(4)
  let e = f32x4.splat(5)
  let f = f32x4.splat(6)
  let g = f32x4.splat(7)
  let h = f32x4.splat(8)
  let i = f32x4.splat(9)
  let j = f32x4.splat(10)
  let k = f32x4.splat(11)
  let l = f32x4.splat(12)
  for (let step = 0; step < steps; ++step) {
    a = multiplied(a, factor, term)
    b = multiplied(b, factor, term)
    c = multiplied(c, factor, term)
    d = multiplied(d, factor, term)
    e = multiplied(e, factor, term)
    f = multiplied(f, factor, term)
    g = multiplied(g, factor, term)
    h = multiplied(h, factor, term)
    i = multiplied(i, factor, term)
    j = multiplied(j, factor, term)
    k = multiplied(k, factor, term)
    l = multiplied(l, factor, term)
  }
  // every chain must count, or the compiler drops it
  return f32x4.extract_lane(sum(sum(a, b, c, d), sum(e, f, g, h), sum(i, j, k, l), term), 0)
}

// @ts-ignore: AssemblyScript decorates functions, TypeScript does not
@inline
function multiplied(x: v128, factor: v128, term: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD
    ? f32x4.relaxed_madd(x, factor, term)
    : f32x4.add(f32x4.mul(x, factor), term)
}

function sum(a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d))
}

export function copy(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes)
}
