import { extentOf } from './kernels.ts'
import type { View } from './plan.ts'

/** The addresses that a call touches through a view. */
export interface Range {
  readonly buffer: number
  /** First and last address in iteration 0 of the enclosing loops. */
  readonly low: number
  readonly high: number
  readonly loopStrides: readonly number[]
  /** First and last address over all iterations. */
  readonly lowest: number
  readonly highest: number
}

/** @param counts of the enclosing loops, outermost first */
export function rangeOf(view: View, counts: readonly number[]): Range {
  const { buffer, low, high } = extentOf(view)
  const { loopStrides } = view
  const reach = counts.map((count, depth) => (count - 1) * (loopStrides[depth] ?? 0))
  const lowest = reach.reduce((sum, distance) => sum + Math.min(0, distance), low)
  const highest = reach.reduce((sum, distance) => sum + Math.max(0, distance), high)
  return { buffer, low, high, loopStrides, lowest, highest }
}

/** Whether two calls may touch the same address within the same iteration of the enclosing loops. */
export function overlap(a: Range, b: Range): boolean {
  if (a.buffer !== b.buffer) return false
  if (sameStrides(a.loopStrides, b.loopStrides)) return a.low <= b.high && b.low <= a.high
  return a.lowest <= b.highest && b.lowest <= a.highest
}

const sameStrides = (a: readonly number[], b: readonly number[]): boolean =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) === (b[i] ?? 0)).every(Boolean)
