import type { Shape } from '../tensor/dtype.ts'
import type { Axis, ProductAxis } from './plan.ts'

/** Axes of any kind: a size, and a stride in each operand. */
type Sized = { readonly size: number }

/** How many elements axes span. */
export function elementsOf(axes: readonly Sized[]): number {
  let product = 1
  for (const { size } of axes) product *= size
  return product
}

export const shapeOf = (axes: readonly Sized[]): number[] => axes.map(({ size }) => size)

/** The row-major strides of a shape. */
export function rowMajor(shape: Shape): Axis[] {
  let stride = 1
  const strides = shape.map(() => 1)
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride
    stride *= shape[i]
  }
  return shape.map((size, i) => ({ size, stride: strides[i] }))
}

/** Whether the elements are contiguous, in row-major order. */
export function isContiguous(axes: readonly Axis[]): boolean {
  for (let i = axes.length - 1, expected = 1; i >= 0; i--) {
    const { size, stride } = axes[i]
    if (size !== 1 && stride !== expected) return elementsOf(axes) === 0
    expected *= size
  }
  return true
}

/** The axes of a product with their strides in one operand. */
export const along = (axes: readonly ProductAxis[], operand: 'a' | 'b' | 'out'): Axis[] =>
  axes.map((axis) => ({ size: axis.size, stride: axis[operand] }))

/** Joins neighbouring axes that one stride describes in every operand, and drops those of size 1. */
export function merged<A extends Sized & { readonly [Name in keyof A]: number }>(axes: readonly A[]): A[] {
  const result: A[] = []
  const names = Object.keys(axes[0] ?? {}) as (keyof A)[]
  for (const axis of axes) {
    if (axis.size === 1) continue
    const last = result[result.length - 1]
    const joins = last && names.every((name) => name === 'size' || last[name] === axis[name] * axis.size)
    if (joins) result[result.length - 1] = { ...axis, size: last.size * axis.size }
    else result.push(axis)
  }
  return result
}

/** The axes of a view in another shape; undefined where that takes a copy. */
export function reshaped(axes: readonly Axis[], shape: Shape): Axis[] | undefined {
  if (elementsOf(axes) === 0) return rowMajor(shape)
  const rest = merged(axes)
  const result: Axis[] = []
  let [left, stride] = [1, 0]
  for (const size of shape.toReversed()) {
    if (left === 1 && size !== 1) ({ size: left, stride } = rest.pop()!)
    if (left % size !== 0) return undefined
    result.unshift({ size, stride })
    stride *= size
    left /= size
  }
  return result
}
