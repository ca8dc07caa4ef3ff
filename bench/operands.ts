import { largest, largestError } from '../src/nn/largest-error.ts'
import type { Matrix } from './peers/peer.ts'

/** Numbers in (-1, 1) that look random and are the same in every run. */
export function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count)
  let state = seed + 1
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    values[i] = state / 2 ** 31
  }
  return values
}

export const matrix = (rows: number, columns: number, seed: number): Matrix => ({
  rows,
  columns,
  values: numbers(rows * columns, seed),
})

/**
 * How far apart two results are, relative to the largest element.
 * @throws Error where that is more than `limit`: what computes something else is no competitor
 */
export function compare(name: string, found: ArrayLike<number>, expected: ArrayLike<number>, limit: number): number {
  const error = largestError(found, expected) / largest(expected)
  if (found.length === expected.length && error <= limit) return error
  throw new Error(`${name} computes something else: off by ${error} of the largest element, ${limit} allowed`)
}
