import type { Shape } from '../tensor/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { zeros } from './entry.ts'
import './methods.ts'
import { concat } from './views.ts'

/** A slice that a cotangent has reached. */
export interface Sliced {
  readonly start: readonly number[]
  readonly steps: readonly number[]
  readonly cotangent: Tensor
}

/**
 * The adjoint of all slices of a tensor, as terms of its shape. Slices that lie behind each other along an axis are one term: a
 * tensor that is read part by part has not as many of its whole size.
 */
export function unslice(shape: Shape, slices: readonly Sliced[]): Tensor[] {
  const terms: Tensor[] = []
  const parts: { readonly axis: number; readonly from: number; readonly part: Tensor }[] = []
  for (const { start, steps, cotangent } of slices) {
    const [axis, ...others] = shape.flatMap((size, axis) => (cotangent.shape[axis] === size ? [] : [axis]))
    if (axis === undefined || others.length || steps.some((step) => step !== 1))
      terms.push(shape.reduce((wide, size, axis) => widen(wide, axis, size, start[axis], steps[axis]), cotangent))
    else parts.push({ axis, from: start[axis], part: cotangent })
  }
  /** `from` and `end` are those of the last piece. */
  const rows: { readonly axis: number; from: number; end: number; readonly pieces: Tensor[] }[] = []
  const fill = ({ axis, end, pieces }: (typeof rows)[number], to: number): void => {
    if (to > end) pieces.push(zeros(shape.with(axis, to - end)))
  }
  for (const { axis, from, part } of parts.sort((a, b) => a.axis - b.axis || a.from - b.from)) {
    const end = from + part.shape[axis]
    const own = rows.filter((row) => row.axis === axis)
    const same = own.find((row) => row.from === from && row.end === end)
    if (same) {
      same.pieces.push(same.pieces.pop()!.add(part))
      continue
    }
    let row = own.find((row) => row.end <= from)
    if (!row) {
      row = { axis, from, end: 0, pieces: [] }
      rows.push(row)
    }
    fill(row, from)
    row.pieces.push(part)
    Object.assign(row, { from, end })
  }
  for (const row of rows) fill(row, shape[row.axis])
  return [...terms, ...rows.map(({ axis, pieces }) => concat(pieces, axis))]
}

/** Along one axis: the elements of a slice where they were, zeros elsewhere. */
function widen(part: Tensor, axis: number, size: number, start: number, step: number): Tensor {
  const [count, gap] = [part.shape[axis], Math.abs(step)]
  const widths = (at: number, pair: number[]): number[][] => part.shape.map(() => [0, 0]).toSpliced(at, 1, pair)
  const rising = step > 0 ? part : part.flip(axis)
  const apart = gap === 1 ? rising : rising.unsqueeze(axis + 1).pad([[0, 0], ...widths(axis, [0, gap - 1])])
  const before = step > 0 ? start : start + (count - 1) * step
  const after = Math.max(0, size - before - count * gap)
  return apart
    .reshape(part.shape.with(axis, count * gap))
    .pad(widths(axis, [before, after]))
    .narrow(axis, 0, size)
}
