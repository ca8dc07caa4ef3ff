import { addresses, addressOf } from '../backends/cursor.ts'
import type { Axis, Instruction, Place, Plan, Rows, RowsOperand, View } from '../program/plan.ts'
import type { DType } from '../tensor/dtype.ts'

/** An instruction that computes. */
export type Kernel = Exclude<Instruction, { kind: 'loop' | 'end' }>
/** The elements of each buffer of a plan. */
export type Memory = readonly Float64Array[]

export type Unrolled = Omit<Plan, 'instructions'> & { readonly instructions: readonly Kernel[] }

/** The plan with its loops written out: what each iteration does, at the addresses where it does it. */
export function unroll(plan: Plan): Unrolled {
  const instructions: Kernel[] = []
  const walk = (from: number, iterations: readonly number[]): number => {
    for (let at = from; at < plan.instructions.length; at++) {
      const instruction = plan.instructions[at]
      if (instruction.kind === 'end') return at
      if (instruction.kind === 'loop') {
        let end = at
        for (let t = 0; t < instruction.count; t++) end = walk(at + 1, [...iterations, t])
        at = end
      } else {
        // as this iteration sees it
        instructions.push(
          withPlaces(instruction, (place) => ({ ...place, offset: addressOf(place, iterations), steps: [] })),
        )
      }
    }
    return plan.instructions.length
  }
  walk(0, [])
  return { ...plan, instructions }
}

/** The call on operands at other places. */
export function withPlaces(instruction: Kernel, at: <P extends Place>(place: P) => P): Kernel {
  switch (instruction.kind) {
    case 'rows':
      return { ...instruction, operands: instruction.operands.map((o): RowsOperand => ({ ...o, view: at(o.view) })) }
    case 'reduce':
      return { ...instruction, x: at(instruction.x), out: at(instruction.out) }
    case 'matmul':
      return { ...instruction, a: at(instruction.a), b: at(instruction.b), out: at(instruction.out) }
    case 'gather':
      return {
        ...instruction,
        table: at(instruction.table),
        indices: at(instruction.indices),
        out: at(instruction.out),
      }
    case 'scatterAdd':
      return { ...instruction, x: at(instruction.x), indices: at(instruction.indices), out: at(instruction.out) }
  }
}

/** Memory that an instruction reads or writes. */
export interface Access {
  readonly view: View
  readonly dtype: DType
  /** Of `rows`: its lanes are full ones (or one a row), and read or written block after block. */
  readonly lanes?: 'full' | 'row'
}

const view = (place: Place, axes: readonly Axis[]): View => ({ ...place, axes })
const line = (size: number): Axis => ({ size, stride: 1 })
/** How many elements axes span. */
export const sizeOf = (axes: readonly { readonly size: number }[]): number => axes.reduce((n, { size }) => n * size, 1)

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
      const axes = <S extends 'a' | 'b' | 'out'>(
        stride: S,
        ...lists: (readonly ({ readonly size: number } & { readonly [Name in S]: number })[])[]
      ): Axis[] => lists.flat().map((axis) => ({ size: axis.size, stride: axis[stride] }))
      const to = float(out, ...axes('out', batch, m, n))
      return {
        reads: [float(a, ...axes('a', batch, m, k)), float(b, ...axes('b', batch, n, k)), ...(accumulate ? [to] : [])],
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

/**
 * The call alone: the same on buffers of its own, which hold what it touches and nothing else. `sizes` are theirs in
 * elements; buffer 0, the arena, is empty.
 */
export function isolate(call: Kernel): { readonly call: Kernel; readonly sizes: readonly number[] } {
  const { reads, writes } = accessesOf(call)
  const pieces: { buffer: number; low: number; high: number }[] = []
  for (const next of [...reads, ...writes].map(({ view }) => extentOf(view)).sort(byAddress)) {
    const last = pieces.at(-1)
    if (last && last.buffer === next.buffer && next.low <= last.high) last.high = Math.max(last.high, next.high)
    else pieces.push(next)
  }
  const moved = withPlaces(call, (place) => {
    const piece = pieces.findIndex(
      ({ buffer, low, high }) => buffer === place.buffer && low <= place.offset && place.offset <= high,
    )
    return piece < 0 ? place : { ...place, buffer: piece + 1, offset: place.offset - pieces[piece].low }
  })
  return {
    call: moved.kind === 'rows' && call.kind === 'rows' ? { ...moved, operands: keepIndices(moved, call) } : moved,
    sizes: [0, ...pieces.map(({ low, high }) => high - low + 1)],
  }
}

/** An index operand is its own address. */
const keepIndices = (moved: Rows, { operands }: Rows): RowsOperand[] =>
  moved.operands.map((operand, i) => (operand.kind === 'index' ? operands[i] : operand))

/** The first and the last address of a view. */
function extentOf({ buffer, offset, axes }: View): { buffer: number; low: number; high: number } {
  let [low, high] = [offset, offset]
  for (const { size, stride } of axes) {
    low += Math.min(0, (size - 1) * stride)
    high += Math.max(0, (size - 1) * stride)
  }
  return { buffer, low, high }
}

const byAddress = (a: { buffer: number; low: number }, b: { buffer: number; low: number }): number =>
  a.buffer - b.buffer || a.low - b.low

export const addressesOf = ({ view }: Pick<Access, 'view'>): number[] => [...addresses(view.offset, view.axes)]
