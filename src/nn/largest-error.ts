import { RmaatError } from '../errors.ts'

/** The largest magnitude among the values; 0 for none. */
export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((max, x) => Math.max(max, Math.abs(x)), 0)

/** The largest difference of two lists of one length; infinity where one of them is no number. */
export function largestError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) {
    throw new RmaatError('data', `expected ${found.length} numbers in the file, found ${expected.length}`)
  }
  let error = 0
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i] - expected[i])
    error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference)
  }
  return error
}
