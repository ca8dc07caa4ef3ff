import { normalizeAxis, shapeError, toBack } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { less, notEqual, where } from './elementwise.ts'
import { scatterAdd, takeAlong } from './indexing.ts'
import { iota } from './row.ts'

/** The elements of an axis in their order, and where each one stood, as i32. */
export interface Ordered {
  readonly values: Tensor
  readonly indices: Tensor
}

/** Every element is compared with every other one of its row. */
const LONGEST = 4096

/** i32 [..., n]: how many elements of its row come before each one. Equal ones stay in their order; NaN is above all numbers. */
function ranks(x: Tensor, descending: boolean): Tensor {
  const [own, other] = [x.unsqueeze(-1), x.unsqueeze(-2)]
  const isBelow = (a: Tensor, b: Tensor): Tensor => {
    const [aside, bside] = [notEqual(a, a), notEqual(b, b)]
    return x.dtype === 'i32' ? less(a, b) : where(notEqual(aside, bside), less(aside, bside), less(a, b))
  }
  const precedes = (a: Tensor, b: Tensor): Tensor => (descending ? isBelow(b, a) : isBelow(a, b))
  const square = [x.shape[x.rank - 1], x.shape[x.rank - 1]]
  const earlier = less(iota(square, 1), iota(square, 0))
  return where(earlier, precedes(own, other).neg().add(1), precedes(other, own)).sum(-1)
}

function ordered(operation: string, x: Tensor, axis: number, descending: boolean): Ordered {
  const along = normalizeAxis(operation, axis, x.rank)
  const length = x.shape[along]
  if (length > LONGEST)
    throw shapeError`${operation}: axis ${along} of ${x.shape} is longer than ${LONGEST}; order parts of it, then what is left`
  const order = toBack(along, x.rank)
  const turned = x.transpose(order)
  const count = turned.shape.slice(0, -1).reduce((product, size) => product * size, 1)
  // an element goes to the place that its rank names, of which there is one for each
  const row = iota([count, length], 0).mul(length)
  const places = ranks(turned, descending).reshape([count, length]).add(row).reshape([-1])
  const numbers = iota([count, length], 1).reshape([-1]).cast('f32')
  const indices = scatterAdd(numbers, places, count * length)
    .cast('i32')
    .reshape(turned.shape)
    .transpose(order)
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
