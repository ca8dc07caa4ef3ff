import type { Shape } from '../tensor/dtype.ts'
import { contiguousStrides, sizeOf } from '../tensor/shape.ts'
import type { Axis } from './plan.ts'

/** How a view walks the elements of what it shows. */
export interface Strided {
  readonly shape: Shape
  readonly strides: readonly number[]
}

export function isContiguous({ shape, strides }: Strided): boolean {
  const expected = contiguousStrides(shape)
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]) || sizeOf(shape) === 0
}

/** Adds an axis pattern together: neighbouring axes that one stride walks become one. Sizes of 1 vanish. */
export function mergeAxes(shape: Shape, ...strides: (readonly number[])[]): { shape: number[]; strides: number[][] } {
  const merged: number[] = []
  const kept: number[][] = strides.map(() => [])
  shape.forEach((size, axis) => {
    if (size === 1) return
    const last = merged.length - 1
    const joins = last >= 0 && strides.every((list, i) => kept[i][last] === list[axis] * size)
    const at = joins ? last : merged.length
    merged[at] = joins ? merged[at] * size : size
    strides.forEach((list, i) => {
      kept[i][at] = list[axis]
    })
  })
  return { shape: merged, strides: kept }
}

/** The same walk over fewer axes. */
export function merged({ shape, strides }: Strided): Strided {
  const axes = mergeAxes(shape, strides)
  return { shape: axes.shape, strides: axes.strides[0] }
}

export const axesOf = ({ shape, strides }: Strided): Axis[] =>
  shape.map((size, axis) => ({ size, stride: strides[axis] }))

/** The strides of a view in another shape, where no copy is needed. */
export function reshapeStrides(view: Strided, shape: Shape): number[] | undefined {
  if (sizeOf(shape) === 0) return contiguousStrides(shape)
  const { shape: from, strides } = merged(view)
  const result = new Array<number>(shape.length).fill(0)
  let axis = from.length
  let [left, stride] = [1, 0]
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 1) continue
    if (left === 1) [left, stride] = [from[--axis], strides[axis]]
    if (left % shape[i] !== 0) return undefined
    result[i] = stride
    stride *= shape[i]
    left /= shape[i]
  }
  return result
}
