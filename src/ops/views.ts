import { aNumber, shown, takes } from '../checks.ts'
import type { Shape } from '../tensor/dtype.ts'
import { tensors } from '../tensor/kinds.ts'
import { broadcastShapes, checkShape, normalizeAxis, sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { expectDType, type OpRow, toTensor } from './row.ts'

/** Operations that move numbers and change none. The first four cost nothing: they fold into the address of an operand. */
export const viewRows = {
  reshape: { gradient: ({ cotangent: g, inputs: [x] }) => [g.reshape(x.shape)] },
  transpose: {
    gradient: ({ cotangent: g, attributes: { axes } }) => [g.transpose(g.shape.map((_, axis) => axes.indexOf(axis)))],
  },
  broadcastTo: {
    gradient: ({ cotangent: g, inputs: [x] }) => {
      const lead = g.rank - x.rank
      const stretched = g.shape.flatMap((size, axis) => (axis < lead || x.shape[axis - lead] !== size ? [axis] : []))
      return [g.sum(stretched).reshape(x.shape)]
    },
  },
  slice: {
    chooses: true,
    gradient: ({ cotangent: g, inputs: [x], attributes: { start } }) => [
      g.pad(x.shape.map((size, axis) => [start[axis], size - start[axis] - g.shape[axis]])),
    ],
  },
  concat: {
    gradient: ({ cotangent: g, inputs, attributes: { axis } }) => {
      let at = 0
      return inputs.map((input) => {
        at += input.shape[axis]
        return g.narrow(axis, at - input.shape[axis], at)
      })
    },
  },
} satisfies Record<string, OpRow>

/** The same elements, row by row, in another shape; one size may be -1 and follows from the others. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = shape.indexOf(-1)
  const target = unknown < 0 ? shape : shape.with(unknown, sizeOf(x.shape) / (-sizeOf(shape) || 1))
  if (sizeOf(target) !== sizeOf(x.shape) || !target.every((size) => Number.isInteger(size) && size >= 0))
    throw shapeError`reshape: ${x.shape} has ${sizeOf(x.shape)} elements, which do not fill ${shape}`
  return sameShape(target, x.shape) ? x : new Tensor('reshape', [x], {}, target, x.dtype)
}

/** Axes in the given order; without one the last two change places. */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  if (!axes && x.rank < 2) throw shapeError`transpose: two axes are needed, found ${x.shape}`
  const turned = [...x.shape.keys()].slice(0, -2).concat(-1, -2)
  const order = (axes ?? turned).map((axis) => normalizeAxis('transpose', axis, x.rank))
  if (order.length !== x.rank || new Set(order).size !== x.rank)
    throw shapeError`transpose: ${axes} is no order of the ${x.rank} axes of ${x.shape}`
  if (order.every((axis, i) => axis === i)) return x
  const shape = order.map((axis) => x.shape[axis])
  return new Tensor('transpose', [x], { axes: order }, shape, x.dtype)
}

/** Stretched to a shape that may have more axes in front; axes of size 1 repeat what they hold. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  checkShape('broadcastTo', shape)
  if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape))
    throw shapeError`broadcastTo: ${x.shape} does not stretch to ${shape}`
  return new Tensor('broadcastTo', [x], {}, shape, x.dtype)
}

/** The box of `size` elements that begins at `start`, on every axis. */
export function slice(x: Tensor, start: readonly number[], size: Shape): Tensor {
  checkShape('slice', size)
  const inside = x.shape.every((n, i) => Number.isInteger(start[i]) && start[i] >= 0 && start[i] + size[i] <= n)
  if (!inside || start.length !== x.rank || size.length !== x.rank)
    throw shapeError`slice: a box of ${size} at ${start} does not lie in ${x.shape}`
  return sameShape(size, x.shape) ? x : new Tensor('slice', [x], { start }, size, x.dtype)
}

/** Elements `from` up to `to` of one axis; negative bounds count from the back. */
export function narrow(x: Tensor, axis: number, from: number, to: number = x.shape.at(axis) ?? 0): Tensor {
  const along = normalizeAxis('narrow', axis, x.rank)
  const size = x.shape[along]
  for (const bound of [from, to])
    if (!Number.isInteger(bound) || bound < -size || bound > size)
      throw shapeError`narrow: axis ${along} of ${x.shape} has no place ${bound}; expected ${-size} to ${size}`
  const [first, last] = [from, to].map((bound) => (bound < 0 ? bound + size : bound))
  if (last < first) throw shapeError`narrow: ${from} to ${to} is empty on an axis of ${size}`
  const start = new Array<number>(x.rank).fill(0)
  return slice(x, start.with(along, first), x.shape.with(along, last - first))
}

/** One element of an axis, which disappears; a negative index counts from the back. */
export const select = (x: Tensor, axis: number, index: number): Tensor => {
  const along = normalizeAxis('select', axis, x.rank)
  const size = x.shape[along]
  if (!Number.isInteger(index) || index < -size || index >= size)
    throw shapeError`select: there is no element ${index} on axis ${along} of ${x.shape}; expected ${-size} to ${size - 1}`
  const at = index < 0 ? index + size : index
  return narrow(x, along, at, at + 1).reshape(x.shape.toSpliced(along, 1))
}

/** With `value` before and after: `widths` holds how many, a pair for each axis. */
export function pad(x: Tensor, widths: readonly (readonly number[])[], value = 0): Tensor {
  if (widths.length !== x.rank) throw shapeError`pad: ${widths.length} pairs for the ${x.rank} axes of ${x.shape}`
  const twos = widths.every((pair) => pair.length === 2)
  if (!twos) throw shapeError`pad: ${shown(widths)} are no pairs of numbers before and after, one for each axis`
  checkShape('pad', widths.flat())
  const filling = toTensor('pad', value, x.dtype)
  return widths.reduce((padded, [before, after], axis) => {
    const fill = (size: number): Tensor[] => (size ? [filling.broadcastTo(padded.shape.with(axis, size))] : [])
    return concat([...fill(before), padded, ...fill(after)], axis)
  }, x)
}

/** Tensors joined along one axis, on which alone their sizes may differ. */
export function concat(parts: readonly Tensor[], axis = 0): Tensor {
  takes('concat', { parts, axis }, { parts: tensors, axis: aNumber })
  if (parts.length === 0) throw shapeError`concat: nothing to join`
  const [first] = parts
  const along = normalizeAxis('concat', axis, first.rank)
  for (const part of parts) {
    expectDType('concat', part, first.dtype)
    if (part.rank !== first.rank || !part.shape.every((size, i) => i === along || size === first.shape[i]))
      throw shapeError`concat: ${first.shape} and ${part.shape} differ outside axis ${along}`
  }
  if (parts.length === 1) return first
  const length = parts.reduce((sum, part) => sum + part.shape[along], 0)
  return new Tensor('concat', parts, { axis: along }, first.shape.with(along, length), first.dtype)
}

/** Joins along a new axis. */
export const stack = (parts: readonly Tensor[], axis = 0): Tensor => {
  takes('stack', { parts, axis }, { parts: tensors, axis: aNumber })
  if (parts.length === 0) throw shapeError`stack: nothing to join`
  const along = normalizeAxis('stack', axis, parts[0].rank + 1)
  return concat(
    parts.map((part) => part.reshape(part.shape.toSpliced(along, 0, 1))),
    along,
  )
}
