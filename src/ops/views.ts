import { RmaatError } from '../errors.ts'
import type { Shape } from '../tensor/dtype.ts'
import { broadcastShapes, checkShape, formatShape, normalizeAxis, sameShape, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { constant, expectDType, type OpRow } from './row.ts'

/** Operations that move numbers and change none. The first four cost nothing: they fold into the address of an operand. */
export const viewRows = {
  reshape: {
    gradient: ({ cotangent: g, inputs: [x] }) => [g.reshape(x.shape)],
  },
  transpose: {
    gradient: ({ cotangent: g, attributes: { axes } }) => [
      g.transpose((axes as number[]).map((_, axis) => (axes as number[]).indexOf(axis))),
    ],
  },
  broadcastTo: {
    gradient: ({ cotangent: g, inputs: [x] }) => {
      const lead = g.rank - x.rank
      const stretched = g.shape.flatMap((size, axis) => (axis < lead || x.shape[axis - lead] !== size ? [axis] : []))
      return [g.sum(stretched).reshape(x.shape)]
    },
  },
  slice: {
    gradient: ({ cotangent: g, inputs: [x], attributes: { start } }) => [
      pad(
        g,
        x.shape.map((size, axis) => [start[axis], size - start[axis] - g.shape[axis]]),
      ),
    ],
  },
  concat: {
    gradient: ({ cotangent: g, inputs, attributes: { axis } }) => {
      let at = 0
      return inputs.map((input) => {
        const start = g.shape.map((_, i) => (i === axis ? at : 0))
        at += input.shape[axis]
        return slice(g, start, input.shape)
      })
    },
  },
} satisfies Record<string, OpRow>

/** The same elements in another shape; one size may be -1 and follows from the others. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = shape.indexOf(-1)
  const known = sizeOf(shape.filter((_, axis) => axis !== unknown))
  const target =
    unknown < 0 ? shape : shape.map((size, axis) => (axis === unknown ? sizeOf(x.shape) / (known || 1) : size))
  if (sizeOf(target) !== sizeOf(x.shape) || !target.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new RmaatError(
      'shape',
      `reshape: ${formatShape(x.shape)} has ${sizeOf(x.shape)} elements, which do not fill ${formatShape(shape)}`,
    )
  }
  if (sameShape(target, x.shape)) return x
  return x.op === 'reshape' ? reshape(x.inputs[0], target) : new Tensor('reshape', [x], {}, target, x.dtype)
}

/** Axes in the given order; without one the last two change places. */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  const all = x.shape.map((_, axis) => axis)
  if (!axes && x.rank < 2)
    throw new RmaatError('shape', `transpose: two axes are needed, found ${formatShape(x.shape)}`)
  const order = axes
    ? axes.map((axis) => normalizeAxis('transpose', axis, x.rank))
    : [...all.slice(0, -2), x.rank - 1, x.rank - 2]
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new RmaatError('shape', `transpose: [${axes}] is no order of the ${x.rank} axes of ${formatShape(x.shape)}`)
  }
  if (order.every((axis, i) => axis === i)) return x
  return new Tensor(
    'transpose',
    [x],
    { axes: order },
    order.map((axis) => x.shape[axis]),
    x.dtype,
  )
}

export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  checkShape('broadcastTo', shape)
  if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape)) {
    throw new RmaatError('shape', `broadcastTo: ${formatShape(x.shape)} does not stretch to ${formatShape(shape)}`)
  }
  return x.op === 'broadcastTo' && x.inputs[0].rank === x.rank
    ? broadcastTo(x.inputs[0], shape)
    : new Tensor('broadcastTo', [x], {}, shape, x.dtype)
}

/** The box of `size` elements that begins at `start`, on every axis. */
export function slice(x: Tensor, start: readonly number[], size: Shape): Tensor {
  checkShape('slice', size)
  if (
    start.length !== x.rank ||
    size.length !== x.rank ||
    !x.shape.every((n, i) => Number.isInteger(start[i]) && start[i] >= 0 && start[i] + size[i] <= n)
  ) {
    throw new RmaatError(
      'shape',
      `slice: a box of ${formatShape(size)} at ${formatShape(start)} does not lie in ${formatShape(x.shape)}`,
    )
  }
  return sameShape(size, x.shape) ? x : new Tensor('slice', [x], { start }, size, x.dtype)
}

/** Elements `from` up to `to` of one axis; negative bounds count from the back. */
export function narrow(x: Tensor, axis: number, from: number, to: number = x.shape.at(axis) ?? 0): Tensor {
  const along = normalizeAxis('narrow', axis, x.rank)
  const [first, last] = [from, to].map((bound) => (bound < 0 ? bound + x.shape[along] : bound))
  if (last < first) throw new RmaatError('shape', `narrow: ${from} to ${to} is empty on an axis of ${x.shape[along]}`)
  return slice(
    x,
    x.shape.map((_, i) => (i === along ? first : 0)),
    x.shape.map((n, i) => (i === along ? last - first : n)),
  )
}

/** One element of an axis, which disappears. */
export const select = (x: Tensor, axis: number, index: number): Tensor => {
  const along = normalizeAxis('select', axis, x.rank)
  const at = index < 0 ? index + x.shape[along] : index
  return narrow(x, along, at, at + 1).reshape(x.shape.filter((_, i) => i !== along))
}

/** Numbers before and after, a pair for each axis. */
export function pad(x: Tensor, widths: readonly (readonly number[])[], value = 0): Tensor {
  if (widths.length !== x.rank) {
    throw new RmaatError('shape', `pad: ${widths.length} pairs for the ${x.rank} axes of ${formatShape(x.shape)}`)
  }
  checkShape('pad', widths.flat())
  return widths.reduce((padded, [before, after], axis) => {
    const fill = (size: number): Tensor =>
      constant(value, x.dtype).broadcastTo(padded.shape.map((n, i) => (i === axis ? size : n)))
    const parts = [...(before ? [fill(before)] : []), padded, ...(after ? [fill(after)] : [])]
    return concat(parts, axis)
  }, x)
}

export function concat(parts: readonly Tensor[], axis = 0): Tensor {
  if (parts.length === 0) throw new RmaatError('shape', 'concat: nothing to join')
  const [first] = parts
  const along = normalizeAxis('concat', axis, first.rank)
  for (const part of parts) {
    expectDType('concat', part, first.dtype)
    if (part.rank !== first.rank || !part.shape.every((size, i) => i === along || size === first.shape[i])) {
      throw new RmaatError(
        'shape',
        `concat: ${formatShape(first.shape)} and ${formatShape(part.shape)} differ outside axis ${along}`,
      )
    }
  }
  if (parts.length === 1) return first
  const length = parts.reduce((sum, part) => sum + part.shape[along], 0)
  return new Tensor(
    'concat',
    parts,
    { axis: along },
    first.shape.map((n, i) => (i === along ? length : n)),
    first.dtype,
  )
}

/** Joins along a new axis. */
export const stack = (parts: readonly Tensor[], axis = 0): Tensor => {
  const along = axis < 0 ? axis + (parts[0]?.rank ?? 0) + 1 : axis
  return concat(
    parts.map((part) => part.reshape([...part.shape.slice(0, along), 1, ...part.shape.slice(along)])),
    along,
  )
}
