import { normalizeAxis, shapeError, toBack } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { equal, less, notEqual, sub } from './binary.ts'
import { where } from './elementwise.ts'
import { iota } from './entry.ts'
import { takeAlong } from './indexing.ts'

/** The elements of an axis in their order, and where each one stood, as i32. */
export interface Ordered {
  readonly values: Tensor
  readonly indices: Tensor
}

/** Every element is compared with every other one of its row. */
const LONGEST = 4096

function ordered(operation: string, x: Tensor, axis: number, descending: boolean): Ordered {
  const along = normalizeAxis(operation, axis, x.rank)
  const length = x.shape[along]
  if (length > LONGEST)
    throw shapeError`${operation}: axis ${along} of ${x.shape} is longer than ${LONGEST}; order parts of it, then what is left`
  const axes = toBack(along, x.rank)
  const transposed = x.transpose(axes)
  const isBelow = (a: Tensor, b: Tensor): Tensor => {
    const [aside, bside] = [notEqual(a, a), notEqual(b, b)]
    return x.dtype === 'i32' ? less(a, b) : where(notEqual(aside, bside), less(aside, bside), less(a, b))
  }
  const precedes = (a: Tensor, b: Tensor): Tensor => (descending ? isBelow(b, a) : isBelow(a, b))
  const [own, other] = [transposed.unsqueeze(-1), transposed.unsqueeze(-2)]
  const [row, column] = [0, 1].map((one) => iota([length, length], one))
  // how many come before each: of equal ones those that stand before it
  const ranks = where(less(column, row), sub(1, precedes(own, other)), precedes(other, own)).sum(-1)
  const indices = where(equal(ranks.unsqueeze(-2), row), column, 0)
    .sum(-1)
    .transpose(axes)
  return { values: takeAlong(x, indices, along), indices }
}

/**
 * The elements of an axis from the least to the largest, or the other way round, and where each one stood. Equal ones stay
 * in their order; NaN is above all numbers. The gradient flows to the values. Takes n² comparisons for n elements.
 * @throws RmaatError 'shape' for an axis of more than 4096 elements
 */
export const sort = (x: Tensor, axis = -1, descending = false): Ordered => ordered('sort', x, axis, descending)

/**
 * The k largest elements of an axis from the largest on, and where each one stood. Of equal ones the first comes first; NaN
 * is above all numbers. The gradient flows to the values. Takes n² comparisons for n elements.
 * @throws RmaatError 'shape' for an axis of more than 4096 elements, or of fewer than k
 */
export function topK(x: Tensor, k: number, axis = -1): Ordered {
  const along = normalizeAxis('topK', axis, x.rank)
  if (!Number.isInteger(k) || k < 0 || k > x.shape[along])
    throw shapeError`topK: ${k} elements of axis ${along} of ${x.shape}; expected 0 to ${x.shape[along]}`
  const { values, indices } = ordered('topK', x, along, true)
  return { values: values.narrow(along, 0, k), indices: indices.narrow(along, 0, k) }
}
