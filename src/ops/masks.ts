import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { equal, lessEqual } from './binary.ts'
import { where } from './elementwise.ts'
import { expectDType, iota } from './entry.ts'

/** i32 labels [...] -> f32 [..., classes]: 1 at the class of each label, else 0; all 0 for a label outside of 0..classes-1. */
export const oneHot = (labels: Tensor, classes: number): Tensor =>
  equal(iota([...labels.shape, classes], labels.rank), expectDType('oneHot', labels, 'i32').unsqueeze(-1)).cast('f32')

/** Of each matrix in the last two axes, the number of the column less that of the row. */
function diagonals(operation: string, { shape, rank }: Tensor): Tensor {
  if (rank < 2) throw shapeError`${operation}: a matrix has two axes, found ${shape}`
  return iota(shape, rank - 1).sub(iota(shape, rank - 2))
}

/** The lower triangle of each matrix in the last two axes, up to the given diagonal (0 is the main one, 1 above it); else 0. */
export const tril = (x: Tensor, diagonal = 0): Tensor => where(lessEqual(diagonals('tril', x), diagonal), x, 0)

/** The upper triangle of each matrix in the last two axes, from the given diagonal (0 is the main one, 1 above it) on; else 0. */
export const triu = (x: Tensor, diagonal = 0): Tensor => where(lessEqual(diagonal, diagonals('triu', x)), x, 0)

/** `value` where the i32 mask, broadcast to the shape of x, is not 0; x elsewhere. What is filled gets no gradient. */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  const filled = where(mask, value, x)
  if (!sameShape(filled.shape, x.shape))
    throw shapeError`maskedFill: a mask ${mask.shape} does not broadcast to ${x.shape}`
  return filled
}
