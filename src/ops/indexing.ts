import { checkShape, sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { isIndex, where } from './elementwise.ts'
import { expectDType, type OpRow, zeros } from './row.ts'

export const indexingRows = {
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
} satisfies Record<string, OpRow>

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
