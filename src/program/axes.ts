import type { Shape } from '../tensor/dtype.ts'
import type { Axis, ProductAxis } from './plan.ts'

/** Axes of any kind: a size, and a stride in each operand. */
type Sized = { readonly size: number }

/** How many elements axes span. */
export const elementsOf = (axes: readonly Sized[]): number => axes.reduce((product, { size }) => product * size, 1)

export const shapeOf = (axes: readonly Sized[]): number[] => axes.map(({ size }) => size)

/** The axes of elements that lie one after another. */
export function rowMajor(shape: Shape): Axis[] {
  let stride = 1
  return shape.reduceRight<Axis[]>((axes, size) => {
    axes.unshift({ size, stride })
    stride *= size
    return axes
  }, [])
}

/** Whether the elements lie one after another. */
export function isContiguous(axes: readonly Axis[]): boolean {
  const expected = rowMajor(shapeOf(axes))
  return axes.every(({ size, stride }, i) => size === 1 || stride === expected[i].stride) || elementsOf(axes) === 0
}

/** The axes of a product as one of its operands has them. */
export const along = (axes: readonly ProductAxis[], operand: 'a' | 'b' | 'out'): Axis[] =>
  axes.map((axis) => ({ size: axis.size, stride: axis[operand] }))

/** The same walk over fewer axes: neighbours that one stride walks in every operand become one. Sizes of 1 vanish. */
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

/** The axes of a view in another shape, where no copy is needed. */
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
