import type { Axis, Instruction, Kernel, Place } from '../program/plan.ts'

/** The iteration of each enclosing loop, outermost first. */
export type Iterations = readonly number[]

export const addressOf = ({ offset, loopStrides }: Place, iterations: Iterations): number =>
  loopStrides.reduce((sum, stride, depth) => sum + stride * (iterations[depth] ?? 0), offset)

/**
 * Visits the kernel calls before instruction `to` in the order of execution, each with its number and with the iteration of
 * each enclosing loop, in an array that is reused.
 */
export function walk(
  instructions: readonly Instruction[],
  to: number,
  visit: (call: Kernel, at: number, iterations: Iterations) => void,
): void {
  const open: { at: number; count: number }[] = []
  const iterations: number[] = []
  for (let at = 0; at < to; at++) {
    const instruction = instructions[at]
    if (instruction.kind === 'loop') {
      open.push({ at, count: instruction.count })
      iterations.push(0)
    } else if (instruction.kind === 'end') {
      const loop = open[open.length - 1]
      if (++iterations[iterations.length - 1] < loop.count) at = loop.at
      else {
        open.pop()
        iterations.pop()
      }
    } else visit(instruction, at, iterations)
  }
}

/** The `end` of the loop that begins at an instruction. */
export function endOf(instructions: readonly Instruction[], begin: number): number {
  let depth = 0
  for (let at = begin; ; at++) {
    if (instructions[at].kind === 'loop') depth++
    else if (instructions[at].kind === 'end' && --depth === 0) return at
  }
}

/** The addresses of a strided tensor, in row-major order. */
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
