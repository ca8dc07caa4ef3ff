import { checkShape, normalizeAxis, sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { equal, lessEqual } from './binary.ts'
import { isIndex, where } from './elementwise.ts'
import { expectDType, iota, type OpEntry, zeros } from './entry.ts'

export const indexingEntries = {
  gather: {
    chooses: true,
    gradient: ({ cotangent: g, inputs: [table, indices] }) => [scatterAdd(g, indices, table.shape[0]), undefined],
  },
  scatterAdd: {
    chooses: true,
    gradient: ({ cotangent: g, inputs: [x, indices] }) => {
      // what an index outside has dropped has no influence
      const kept = isIndex(indices, g.shape[0])
      const shape = [...indices.shape, ...x.shape.slice(indices.rank).map(() => 1)]
      return [where(kept.reshape(shape), gather(g, indices), 0), undefined]
    },
  },
} satisfies Record<string, OpEntry>

/** table [V, ...rest], indices of any shape -> [...indices, ...rest]. An index outside of 0..V-1 gives NaN. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  expectDType('gather', indices, 'i32')
  if (table.rank === 0) throw shapeError`gather: a scalar has no rows to choose from`
  return new Tensor('gather', [table, indices], {}, [...indices.shape, ...table.shape.slice(1)], table.dtype)
}

/** x [...indices, ...rest] -> [rows, ...rest]: each row the sum of the x that name it, in order. An index outside is dropped. */
export function scatterAdd(x: Tensor, indices: Tensor, rows: number): Tensor {
  expectDType('scatterAdd', expectDType('scatterAdd', indices, 'i32') && x, 'f32')
  const rest = x.shape.slice(indices.rank)
  if (!sameShape(x.shape.slice(0, indices.rank), indices.shape))
    throw shapeError`scatterAdd: ${x.shape} does not begin with the shape of its indices, ${indices.shape}`
  checkShape('scatterAdd', [rows])
  if (sizeOf(x.shape) === 0) return zeros([rows, ...rest])
  return new Tensor('scatterAdd', [x, indices], {}, [rows, ...rest], 'f32')
}

/**
 * The elements that i32 indices name along an axis, each in its own row: x [..., n, ...], indices [..., k, ...] of the same
 * other sizes -> [..., k, ...]. An index outside of 0..n-1 gives NaN.
 */
export function takeAlong(x: Tensor, indices: Tensor, axis: number): Tensor {
  expectDType('takeAlong', indices, 'i32')
  const along = normalizeAxis('takeAlong', axis, x.rank)
  const length = x.shape[along]
  if (indices.rank !== x.rank || !sameShape(indices.shape.with(along, length), x.shape))
    throw shapeError`takeAlong: indices ${indices.shape} and ${x.shape} differ outside axis ${along}`
  const step = sizeOf(x.shape.slice(along + 1))
  // the numbers of the elements from which the others along the axis are `step` apart
  const shape = x.shape.with(along, length || 1)
  const first = iota([sizeOf(shape)], 0)
    .reshape(shape)
    .narrow(along, 0, 1)
  return gather(x.reshape([-1]), where(isIndex(indices, length), indices.mul(step).add(first), -1))
}

/** So many indices a row is compared with. */
const MOST_UPDATES = 4096

/**
 * x [V, ...rest] with other rows at i32 indices: `updates` [...indices, ...rest]. Of several updates of a row the last one
 * counts; an index outside of 0..V-1 is dropped. What is replaced gets no gradient. Takes V comparisons for each index.
 * @throws RmaatError 'shape' for more than 4096 indices
 */
export function scatterUpdate(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  expectDType('scatterUpdate', expectDType('scatterUpdate', indices, 'i32') && updates, x.dtype)
  const [count, rest] = [sizeOf(indices.shape), x.shape.slice(1)]
  if (x.rank === 0 || !sameShape(updates.shape, [...indices.shape, ...rest]))
    throw shapeError`scatterUpdate: ${updates.shape} at ${indices.shape} places of ${x.shape}; expected the indices' shape and that of a row`
  if (count > MOST_UPDATES) throw shapeError`scatterUpdate: ${count} indices; expected at most ${MOST_UPDATES}`
  if (count === 0) return x
  // which update each row gets, or -1
  const places = equal(indices.reshape([count]), iota([x.shape[0], count], 0))
  const chosen = where(places, iota(places.shape, 1), -1).max(-1)
  const replaced = lessEqual(0, chosen).reshape([x.shape[0], ...rest.map(() => 1)])
  return where(replaced, gather(updates.reshape([count, ...rest]), chosen), x)
}
