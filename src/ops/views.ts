import { aNumber, shown, takes } from '../checks.ts'
import type { Shape } from '../tensor/dtype.ts'
import { tensors } from '../tensor/kinds.ts'
import {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  shapeError,
  sizeOf,
} from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { expectDType, noGradient, type OpEntry, toTensor } from './entry.ts'

/** Operations that move numbers and change none. The first four cost nothing: they fold into the address of an operand. */
export const viewEntries = {
  reshape: { gradient: ({ cotangent: g, inputs: [x] }) => [g.reshape(x.shape)] },
  transpose: {
    gradient: ({ cotangent: g, attributes: { axes } }) => [g.transpose(g.shape.map((_, axis) => axes.indexOf(axis)))],
  },
  broadcastTo: {
    gradient: ({ cotangent: g, inputs: [x] }) => {
      const lead = g.rank - x.rank
      const broadcast = g.shape.flatMap((size, axis) => (axis < lead || x.shape[axis - lead] !== size ? [axis] : []))
      return [g.sum(broadcast).reshape(x.shape)]
    },
  },
  // of all slices of a tensor together: see `unslice.ts`
  slice: { gradient: noGradient },
  concat: {
    gradient: ({ cotangent: g, inputs, attributes: { axis } }) => {
      let at = 0
      return inputs.map((input) => {
        at += input.shape[axis]
        return g.narrow(axis, at - input.shape[axis], at)
      })
    },
  },
} satisfies Record<string, OpEntry>

/** The same elements in row-major order, in another shape; one size may be -1 and follows from the others. */
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
  const swapped = [...x.shape.keys()].slice(0, -2).concat(-1, -2)
  const order = (axes ?? swapped).map((axis) => normalizeAxis('transpose', axis, x.rank))
  if (order.length !== x.rank || new Set(order).size !== x.rank)
    throw shapeError`transpose: ${axes} is no order of the ${x.rank} axes of ${x.shape}`
  if (order.every((axis, i) => axis === i)) return x
  const shape = order.map((axis) => x.shape[axis])
  return new Tensor('transpose', [x], { axes: order }, shape, x.dtype)
}

/** Broadcast to a shape by NumPy's rule: it may have more axes in front, and axes of size 1 are repeated. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  checkShape('broadcastTo', shape)
  if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape))
    throw shapeError`broadcastTo: ${x.shape} does not broadcast to ${shape}`
  return new Tensor('broadcastTo', [x], {}, shape, x.dtype)
}

/**
 * `size` elements on every axis, from `start` on, each `steps` (1 where nothing is said) from the one before; a negative
 * step goes towards the front.
 */
export function slice(x: Tensor, start: readonly number[], size: Shape, steps?: readonly number[]): Tensor {
  checkShape('slice', size)
  const by = steps ?? size.map(() => 1)
  const inside = x.shape.every((n, axis) => {
    const ends = [start[axis], start[axis] + Math.max(0, size[axis] - 1) * by[axis]]
    return ends.every((at) => Number.isInteger(at) && at >= 0 && at < n + (size[axis] ? 0 : 1))
  })
  const whole = by.every((step) => Number.isSafeInteger(step) && step !== 0)
  if (!inside || !whole || [start, size, by].some(({ length }) => length !== x.rank))
    throw shapeError`slice: a box of ${size} at ${start} in steps of ${by} does not lie in ${x.shape}`
  const all = sameShape(size, x.shape) && by.every((step, axis) => step > 0 || size[axis] < 2)
  return all ? x : new Tensor('slice', [x], { start, steps: by }, size, x.dtype)
}

/** The named axes, or all of them, from the last element to the first. */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  const list = normalizeAxes('flip', axes, x.rank)
  const steps = x.shape.map((_, axis) => (list.includes(axis) ? -1 : 1))
  const start = x.shape.map((size, axis) => (steps[axis] < 0 ? Math.max(0, size - 1) : 0))
  return slice(x, start, x.shape, steps)
}

/** Elements `from` up to `to` of one axis, of each `step` the first; negative bounds count from the back. */
export function narrow(x: Tensor, axis: number, from: number, to: number = x.shape.at(axis) ?? 0, step = 1): Tensor {
  const along = normalizeAxis('narrow', axis, x.rank)
  const whole = x.shape[along]
  for (const bound of [from, to])
    if (!Number.isInteger(bound) || bound < -whole || bound > whole)
      throw shapeError`narrow: axis ${along} of ${x.shape} has no place ${bound}; expected ${-whole} to ${whole}`
  const [first, last] = [from, to].map((bound) => (bound < 0 ? bound + whole : bound))
  if (last < first) throw shapeError`narrow: ${from} to ${to} is empty on an axis of ${whole}`
  if (!Number.isSafeInteger(step) || step < 1)
    throw shapeError`narrow: the step is ${step}; expected a whole number of at least 1, and flip for the other direction`
  const [start, ones] = [x.shape.map(() => 0), x.shape.map(() => 1)]
  const size = x.shape.with(along, Math.ceil((last - first) / step))
  return slice(x, start.with(along, first), size, ones.with(along, step))
}

/** One element of an axis, which disappears; a negative index counts from the back. */
export const select = (x: Tensor, axis: number, index: number): Tensor => {
  const along = normalizeAxis('select', axis, x.rank)
  const size = x.shape[along]
  if (!Number.isInteger(index) || index < -size || index >= size)
    throw shapeError`select: there is no element ${index} on axis ${along} of ${x.shape}; expected ${-size} to ${size - 1}`
  return narrow(x, along, index, index === -1 ? size : index + 1).reshape(x.shape.toSpliced(along, 1))
}

/** A new axis of size 1, at this place of the result. */
export const unsqueeze = (x: Tensor, axis: number): Tensor =>
  x.reshape(x.shape.toSpliced(normalizeAxis('unsqueeze', axis, x.rank + 1), 0, 1))

/** Without the named axes, which have size 1, or without all that have. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const ones = x.shape.flatMap((size, axis) => (size === 1 ? [axis] : []))
  const list = axes === undefined ? ones : normalizeAxes('squeeze', axes, x.rank)
  if (!list.every((axis) => ones.includes(axis)))
    throw shapeError`squeeze: axes ${list} of ${x.shape} are not all of size 1`
  return x.reshape(x.shape.filter((_, axis) => !list.includes(axis)))
}

/** Parts of the given sizes along an axis, one after another; a number is the size of all, the last may be smaller. */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  const along = normalizeAxis('split', axis, x.rank)
  const length = x.shape[along]
  if (typeof sizes === 'number' && !(Number.isSafeInteger(sizes) && sizes > 0))
    throw shapeError`split: parts of ${sizes}; expected a whole number of at least 1, or a list of sizes`
  const each = (size: number): number[] =>
    Array.from({ length: Math.max(1, Math.ceil(length / size)) }, (_, i) => Math.min(size, length - i * size))
  const list = typeof sizes === 'number' ? each(sizes) : sizes
  checkShape('split', list)
  if (list.reduce((sum, size) => sum + size, 0) !== length)
    throw shapeError`split: parts of ${list} do not fill axis ${along} of ${x.shape}`
  let at = 0
  return list.map((size) => {
    at += size
    return narrow(x, along, at - size, at)
  })
}

/** Repeated along each axis, aligned at the back: [a, b] twice is [a, b, a, b]. More repeats than axes make new ones in front. */
export function tile(x: Tensor, repeats: readonly number[]): Tensor {
  checkShape('tile', repeats)
  const rank = Math.max(x.rank, repeats.length)
  const filled = (list: readonly number[]): number[] => [...new Array<number>(rank - list.length).fill(1), ...list]
  const [sizes, times] = [filled(x.shape), filled(repeats)]
  const apart = x
    .reshape(sizes.flatMap((size) => [1, size]))
    .broadcastTo(sizes.flatMap((size, axis) => [times[axis], size]))
  return apart.reshape(sizes.map((size, axis) => size * times[axis]))
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
  const apart = parts.map((part) => part.reshape(part.shape.toSpliced(along, 0, 1)))
  return concat(apart, along)
}
