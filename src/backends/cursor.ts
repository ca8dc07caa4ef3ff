import type { Axis, Place } from '../program/plan.ts'

/** The iteration of each enclosing loop, outermost first. */
export type Iterations = readonly number[]

export const addressOf = ({ offset, steps }: Place, iterations: Iterations): number =>
  steps.reduce((sum, step, depth) => sum + step * (iterations[depth] ?? 0), offset)

/** The addresses of a strided tensor, one after another in row-major order. */
export function* addresses(start: number, axes: readonly Axis[]): Generator<number, void> {
  if (axes.some(({ size }) => size === 0)) return
  const index = axes.map(() => 0)
  let address = start
  for (;;) {
    yield address
    let axis = axes.length - 1
    for (; axis >= 0; axis--) {
      address += axes[axis].stride
      if (++index[axis] < axes[axis].size) break
      address -= axes[axis].stride * axes[axis].size
      index[axis] = 0
    }
    if (axis < 0) return
  }
}

/** Whether the elements lie one after another, so that they can be copied at once. */
export function isContiguous(axes: readonly Axis[]): boolean {
  let stride = 1
  for (let i = axes.length - 1; i >= 0; stride *= axes[i--].size) {
    if (axes[i].size !== 1 && axes[i].stride !== stride) return false
  }
  return true
}
