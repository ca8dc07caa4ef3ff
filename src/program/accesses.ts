import type { DType } from '../tensor/dtype.ts'
import { along, sizeOf } from './axes.ts'
import type { Axis, Instruction, Place, View } from './plan.ts'

/** An instruction that computes. */
export type Kernel = Exclude<Instruction, { kind: 'loop' | 'end' }>

/** Memory that an instruction reads or writes. */
export interface Access {
  readonly view: View
  readonly dtype: DType
  /** Of `rows`: its lanes are full ones (or one a row), and read or written block after block. */
  readonly lanes?: 'full' | 'row'
}

const view = (place: Place, axes: readonly Axis[]): View => ({ ...place, axes })
const line = (size: number): Axis => ({ size, stride: 1 })

/** What a call reads and writes, in the order of its operands; results in the order of its stores. */
export function accessesOf(call: Kernel): { reads: Access[]; writes: Access[] } {
  const float = (place: Place, ...axes: Axis[]): Access => ({ view: view(place, axes), dtype: 'f32' })
  const int = (place: Place, ...axes: Axis[]): Access => ({ view: view(place, axes), dtype: 'i32' })
  switch (call.kind) {
    case 'rows': {
      const reads: Access[] = []
      const writes: Access[] = []
      for (const [prologue, list] of [
        [true, call.prologue],
        [false, call.steps],
      ] as const) {
        for (const step of list) {
          if (step.op !== 'load' && step.op !== 'store') continue
          const { kind, view, dtype } = call.operands[step.operand]
          if (kind === 'index') continue
          // the prologue reads for all blocks; one row is one block
          const lanes = call.rows * call.width === 1 ? 'full' : prologue && call.rows > 1 ? undefined : step.level
          const access: Access = { view, dtype, lanes }
          ;(step.op === 'load' ? reads : writes).push(access)
        }
      }
      return { reads, writes }
    }
    case 'reduce': {
      const { x, out, kept, reduced, dtype, accumulate } = call
      const to = { view: view(out, [line(sizeOf(kept))]), dtype }
      return { reads: [{ view: view(x, [...kept, ...reduced]), dtype }, ...(accumulate ? [to] : [])], writes: [to] }
    }
    case 'matmul': {
      const { a, b, out, batch, m, n, k, accumulate } = call
      const to = float(out, ...along([...batch, ...m, ...n], 'out'))
      return {
        reads: [
          float(a, ...along([...batch, ...m, ...k], 'a')),
          float(b, ...along([...batch, ...n, ...k], 'b')),
          ...(accumulate ? [to] : []),
        ],
        writes: [to],
      }
    }
    case 'gather': {
      const { table, indices, out, count, width, tableRows, dtype } = call
      return {
        reads: [{ view: view(table, [line(tableRows * width)]), dtype }, int(indices, line(count))],
        writes: [{ view: view(out, [line(count * width)]), dtype }],
      }
    }
    case 'scatterAdd': {
      const { x, indices, out, count, width, tableRows, accumulate } = call
      const to = float(out, line(tableRows * width))
      return {
        reads: [float(x, line(count * width)), int(indices, line(count)), ...(accumulate ? [to] : [])],
        writes: [to],
      }
    }
  }
}

/** The first and the last address of a view. */
export function extentOf({ buffer, offset, axes }: View): { buffer: number; low: number; high: number } {
  let [low, high] = [offset, offset]
  for (const { size, stride } of axes) {
    low += Math.min(0, (size - 1) * stride)
    high += Math.max(0, (size - 1) * stride)
  }
  return { buffer, low, high }
}
