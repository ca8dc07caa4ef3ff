import { normalizeAxes, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { equal, sub, where } from './elementwise.ts'
import { constant, expectDType, iota, type OpRow } from './row.ts'

export const reductionRows = {
  /** Over any axes, which disappear. */
  sum: {
    gradient: ({ cotangent: g, inputs: [x], attributes: { axes } }) => [keepAxes(g, x, axes).broadcastTo(x.shape)],
  },
  /** Over the last axis, which disappears. The first maximum gets the gradient, before it the first NaN. */
  max: {
    chooses: true,
    gradient: ({ cotangent: g, inputs: [x] }) => {
      const last = [x.rank - 1]
      const first = equal(iota(x.shape, x.rank - 1), keepAxes(argmax(x, -1), x, last))
      return [where(first, keepAxes(g, x, last), 0)]
    },
  },
} satisfies Record<string, OpRow>

/** Gives back the axes that a reduction of x took, with size 1. */
const keepAxes = (reduced: Tensor, x: Tensor, axes: readonly number[]): Tensor =>
  reduced.reshape(x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)))

type Axes = number | readonly number[]

/** The sum over the named axes, or all of them; `keep` leaves them with size 1. Of f32 and i32. */
export function sum(x: Tensor, axes?: Axes, keep = false): Tensor {
  const list = normalizeAxes('sum', axes, x.rank)
  const shape = x.shape.filter((_, axis) => !list.includes(axis))
  const long = list.filter((axis) => x.shape[axis] !== 1)
  const result = long.length === 0 ? x.reshape(shape) : new Tensor('sum', [x], { axes: list }, shape, x.dtype)
  return keep ? keepAxes(result, x, list) : result
}

/** The mean over the named axes, or all of them; `keep` leaves them with size 1. */
export function mean(x: Tensor, axes?: Axes, keep = false): Tensor {
  expectDType('mean', x, 'f32')
  const count = sizeOf(normalizeAxes('mean', axes, x.rank).map((axis) => x.shape[axis]))
  return sum(x, axes, keep).mul(1 / count)
}

/** The reduced axes brought to the back and made one. */
function toLast(operation: string, x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]))
  const length = sizeOf(axes.map((axis) => x.shape[axis]))
  if (length === 0) throw shapeError`${operation}: nothing to compare in ${x.shape}`
  return x.transpose([...kept, ...axes]).reshape([...kept.map((axis) => x.shape[axis]), length])
}

/** The largest over the named axes, or all of them; NaN where one is. `keep` leaves them with size 1. The first NaN, or else the first maximum, gets the gradient. */
export function max(x: Tensor, axes?: Axes, keep = false): Tensor {
  const list = normalizeAxes('max', axes, x.rank)
  if (list.length === 0) return x
  const rows = toLast('max', x, list)
  const result = new Tensor('max', [rows], {}, rows.shape.slice(0, -1), x.dtype)
  return keep ? keepAxes(result, x, list) : result
}

/** The smallest over the named axes, or all of them; NaN where one is. `keep` leaves them with size 1. The first NaN, or else the first minimum, gets the gradient. */
export function min(x: Tensor, axes?: Axes, keep = false): Tensor {
  // of integers -1 - x, as -x of the smallest is no integer
  const mirrored = (y: Tensor): Tensor => (y.dtype === 'i32' ? sub(-1, y) : y.neg())
  return mirrored(max(mirrored(x), axes, keep))
}

/** The index of the first NaN along one axis, or else of the first maximum, as i32. */
export function argmax(x: Tensor, axis = -1): Tensor {
  const rows = toLast('argmax', x, normalizeAxes('argmax', axis, x.rank))
  const last = rows.rank - 1
  const length = rows.shape[last]
  const fromBack = constant(length, 'i32').sub(iota(rows.shape, last))
  const largest = equal(rows, max(rows, -1, true))
  const found = rows.dtype === 'i32' ? largest : where(equal(rows, rows), largest, 1)
  // a device that has no NaN may find none: never an index outside
  return constant(length, 'i32').sub(max(where(found, fromBack, 1), -1))
}
