import { normalizeAxes, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { equal, lessEqual, mul, notEqual, sub } from './binary.ts'
import { where } from './elementwise.ts'
import { constant, expectDType, iota, type OpEntry } from './entry.ts'
import { concat } from './views.ts'

export const reductionEntries = {
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
  /** The variance over the last axis, which disappears; `count` is what the squares' sum is divided by. */
  variance: {
    scales: 'lastAxis',
    formula: ([x], { count }) =>
      deviations(x)
        .square()
        .sum(-1)
        .mul(1 / count),
    gradient: ({ cotangent: g, inputs: [x], attributes: { count } }) => [
      deviations(x).mul(g.mul(2 / count).reshape([...g.shape, 1])),
    ],
  },
} satisfies Record<string, OpEntry>

/** From the mean over the last axis. It is taken again of what is left: its rounding may be more than the deviations are. */
export function deviations(x: Tensor): Tensor {
  const near = x.sub(x.mean(-1, true))
  return near.sub(near.mean(-1, true))
}

/** Gives back the axes that a reduction of x took, with size 1. */
export const keepAxes = (reduced: Tensor, x: Tensor, axes: readonly number[]): Tensor =>
  reduced.reshape(x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)))

type Axes = number | readonly number[]

/** What `reduce` makes of the named axes, or all of them. */
export function reduced(
  operation: string,
  x: Tensor,
  axes: Axes | undefined,
  keep: boolean,
  reduce: (axes: readonly number[]) => Tensor,
): Tensor {
  const list = normalizeAxes(operation, axes, x.rank)
  return keep ? keepAxes(reduce(list), x, list) : reduce(list)
}

/** The sum over the named axes, or all of them; `keep` leaves them with size 1. Of f32 and i32. */
export const sum = (x: Tensor, axes?: Axes, keep = false): Tensor =>
  reduced('sum', x, axes, keep, (list) => {
    const shape = x.shape.filter((_, axis) => !list.includes(axis))
    const isLong = list.some((axis) => x.shape[axis] !== 1)
    return isLong ? new Tensor('sum', [x], { axes: list }, shape, x.dtype) : x.reshape(shape)
  })

/** The mean over the named axes, or all of them; `keep` leaves them with size 1. */
export function mean(x: Tensor, axes?: Axes, keep = false): Tensor {
  expectDType('mean', x, 'f32')
  const count = sizeOf(normalizeAxes('mean', axes, x.rank).map((axis) => x.shape[axis]))
  return sum(x, axes, keep).mul(1 / count)
}

/** The reduced axes brought to the back and made one. */
export function rowsOver(x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]))
  const length = sizeOf(axes.map((axis) => x.shape[axis]))
  return x.transpose([...kept, ...axes]).reshape([...kept.map((axis) => x.shape[axis]), length])
}

/** `rowsOver`, where there is something to compare. */
function toLast(operation: string, x: Tensor, axes: readonly number[]): Tensor {
  const rows = rowsOver(x, axes)
  if (rows.shape.at(-1) === 0) throw shapeError`${operation}: nothing to compare in ${x.shape}`
  return rows
}

/** The largest over the named axes, or all of them; NaN where one is. `keep` leaves them with size 1. The first NaN, or else the first maximum, gets the gradient. */
export const max = (x: Tensor, axes?: Axes, keep = false): Tensor =>
  reduced('max', x, axes, keep, (list) => {
    if (list.length === 0) return x
    const rows = toLast('max', x, list)
    return new Tensor('max', [rows], {}, rows.shape.slice(0, -1), x.dtype)
  })

/** The smallest over the named axes, or all of them; NaN where one is. `keep` leaves them with size 1. The first NaN, or else the first minimum, gets the gradient. */
export const min = (x: Tensor, axes?: Axes, keep = false): Tensor => mirrored(max(mirrored(x), axes, keep))

/** What turns the order round: of integers -1 - x, as -x of the smallest is no integer. */
const mirrored = (x: Tensor): Tensor => (x.dtype === 'i32' ? sub(-1, x) : x.neg())

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

/** The index of the first NaN along one axis, or else of the first minimum, as i32. */
export const argmin = (x: Tensor, axis = -1): Tensor => {
  toLast('argmin', x, normalizeAxes('argmin', axis, x.rank))
  return argmax(mirrored(x), axis)
}

/** The product over the named axes, or all of them, by halves; 1 of nothing. `keep` leaves them with size 1. Of f32 and i32. */
export const prod = (x: Tensor, axes?: Axes, keep = false): Tensor =>
  reduced('prod', x, axes, keep, (list) => {
    let rows = rowsOver(x, list)
    const last = rows.rank - 1
    if (rows.shape[last] === 0) return constant(1, x.dtype).broadcastTo(rows.shape.slice(0, -1))
    // first what is beyond a power of two, so that all other halves are views
    for (let length = rows.shape[last]; length > 1; ) {
      const half = 2 ** Math.ceil(Math.log2(length) - 1)
      const [paired, alone] = [rows.narrow(last, 0, length - half), rows.narrow(last, length - half, half)]
      const product = mul(paired, rows.narrow(last, half))
      rows = length === 2 * half ? product : concat([product, alone], last)
      length = half
    }
    return rows.select(last, 0)
  })

/** Declared apart, as no function can be called so. */
export interface Variance {
  /**
   * The variance over the named axes, or all of them: the sum of squared deviations from the mean, divided by the number of
   * elements less `correction` (1, where nothing is said, for that of a population by its sample; 0 for that of the elements
   * themselves). NaN or Infinity where that is 0. `keep` leaves the axes with size 1.
   */
  var: (x: Tensor, axes?: Axes, keep?: boolean, correction?: number) => Tensor
}
export const variance: Variance['var'] = (x, axes, keep = false, correction = 1) =>
  reduced('var', x, axes, keep, (list) => {
    const rows = rowsOver(expectDType('var', x, 'f32'), list)
    const count = Math.max(0, rows.shape[rows.rank - 1] - correction)
    return new Tensor('variance', [rows], { count }, rows.shape.slice(0, -1), 'f32')
  })

/** The square root of `var`, with its arguments. Its gradient is 0 where all elements are equal. */
export function std(x: Tensor, axes?: Axes, keep = false, correction = 1): Tensor {
  const squared = variance(x, axes, keep, correction)
  return where(equal(squared, 0), 0, squared.sqrt())
}

/** As i32: 1 where any element over the named axes, or all of them, is not 0. `keep` leaves them with size 1. */
export const any = (x: Tensor, axes?: Axes, keep = false): Tensor => lessEqual(1, sum(notEqual(x, 0), axes, keep))

/** As i32: 1 where no element over the named axes, or all of them, is 0. `keep` leaves them with size 1. */
export const all = (x: Tensor, axes?: Axes, keep = false): Tensor => equal(sum(equal(x, 0), axes, keep), 0)
