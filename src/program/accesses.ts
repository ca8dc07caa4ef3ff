import type { DType } from '../tensor/dtype.ts'
import { along, elementsOf } from './axes.ts'
import type { Axis, Instruction, Place, Rows, RowsOperand, View } from './plan.ts'

/** An instruction that computes. */
export type Kernel = Exclude<Instruction, { kind: 'loop' | 'end' }>

/** Memory that an instruction reads or writes. */
export interface Access {
  readonly view: View
  readonly dtype: DType
}

/** What a call reads and writes, in the order of its operands; results in the order of its stores. */
export function accessesOf(call: Kernel): { reads: Access[]; writes: Access[] } {
  if (call.kind === 'rows') return { reads: lanesOf(call, 'load'), writes: lanesOf(call, 'store') }
  const [to, ...reads] = operandsOf(call)
  return { reads: 'accumulate' in call && call.accumulate ? [...reads, to] : reads, writes: [to] }
}

const lanesOf = ({ prologue, steps, operands }: Rows, op: 'load' | 'store'): Access[] =>
  [...prologue, ...steps]
    .flatMap((step) => (step.op === op ? [operands[step.operand]] : []))
    .filter(({ kind }) => kind === 'memory')

/** The result, then what is read. */
function operandsOf(call: Exclude<Kernel, Rows>): Access[] {
  const type = 'dtype' in call ? call.dtype : 'f32'
  const at = (place: Place, axes: readonly Axis[], dtype = type): Access => ({ view: { ...place, axes }, dtype })
  const line = (place: Place, size: number, dtype = type): Access => at(place, [{ size, stride: 1 }], dtype)
  const { out } = call
  switch (call.kind) {
    case 'reduce':
      return [line(out, elementsOf(call.kept)), at(call.x, [...call.kept, ...call.reduced])]
    case 'matmul': {
      const { a, b, batch, m, n, k } = call
      return [
        at(out, along([...batch, ...m, ...n], 'out')),
        at(a, along([...batch, ...m, ...k], 'a')),
        at(b, along([...batch, ...n, ...k], 'b')),
      ]
    }
    case 'gather': {
      const { table, indices, count, width, tableRows } = call
      return [line(out, count * width), line(table, tableRows * width), line(indices, count, 'i32')]
    }
    case 'scatterAdd': {
      const { x, indices, count, width, tableRows } = call
      return [line(out, tableRows * width), line(x, count * width), line(indices, count, 'i32')]
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

/** The operands of a call that are views of whole axes, by their names. */
export const placesOf = (call: Exclude<Kernel, Rows>): [name: string, place: Place][] =>
  Object.entries(call).filter((entry): entry is [string, Place] => typeof entry[1] === 'object' && 'buffer' in entry[1])

/** The call on operands at other places. */
export function withPlaces(call: Kernel, at: <P extends Place>(place: P) => P): Kernel {
  if (call.kind === 'rows')
    return { ...call, operands: call.operands.map((o): RowsOperand => ({ ...o, view: at(o.view) })) }
  return { ...call, ...Object.fromEntries(placesOf(call).map(([name, place]) => [name, at(place)])) }
}
