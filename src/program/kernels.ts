import type { DType } from '../tensor/dtype.ts'
import { along, elementsOf } from './axes.ts'
import type { Axis, Fused, FusedOperand, Instruction, Kernel, KernelOf, Place, View } from './plan.ts'

/** Memory that a call reads or writes. */
export interface Access {
  readonly view: View
  readonly dtype: DType
}

/** Reads in the order of the operands, writes in the order of the stores. */
interface Accesses {
  readonly reads: Access[]
  readonly writes: Access[]
}

/** What is known of a kernel without running it. */
interface KernelFacts<Call> {
  /** What a call computes, and on which shapes, in one line. */
  readonly describe: (call: Call) => string
  readonly accesses: (call: Call) => Accesses
  /** How far it counts where memory sets no limit: axes that are broadcast, pairs of operands. */
  readonly counts?: (call: Call) => readonly Count[]
}

export type Count = readonly [count: number, what: 'lanes' | 'elements of an axis' | 'terms of a sum']

const facts: { readonly [Kind in Kernel['kind']]: KernelFacts<KernelOf<Kind>> } = {
  fused: {
    describe: ({ rows, width, steps }) => {
      const work = steps.filter(({ op }) => op !== 'load' && op !== 'store' && op !== 'broadcast').map(({ op }) => op)
      return `fused ${width === 1 ? rows : `${rows} x ${width}`}: ${work.length ? shorten(work) : 'copy'}`
    },
    accesses: (call) => ({ reads: operandsOf(call, 'load'), writes: operandsOf(call, 'store') }),
    // no kernel counts along a first axis
    counts: ({ rows, width, operands }) => [
      [rows * width, 'lanes'],
      ...operands.flatMap(({ view }) => view.axes.slice(1).map(({ size }): Count => [size, 'elements of an axis'])),
    ],
  },
  reduce: {
    describe: ({ op, kept, reduced }) => `${op} ${elementsOf(kept)} over ${elementsOf(reduced)}`,
    accesses: ({ dtype, accumulate, out, x, kept, reduced }) =>
      accesses(line(out, elementsOf(kept), dtype), accumulate, at(x, [...kept, ...reduced], dtype)),
    counts: ({ reduced }) =>
      reduced.some(({ stride }) => stride === 0) ? [[elementsOf(reduced), 'terms of a sum']] : [],
  },
  matmul: {
    describe: ({ batch, m, n, k, accumulate }) =>
      `matmul ${batch.length ? `${elementsOf(batch)} of ` : ''}${elementsOf(m)} x ${elementsOf(k)} x ${elementsOf(n)}${accumulate ? ', added' : ''}`,
    accesses: ({ accumulate, a, b, out, batch, m, n, k }) =>
      accesses(
        at(out, along([...batch, ...m, ...n], 'out')),
        accumulate,
        at(a, along([...batch, ...m, ...k], 'a')),
        at(b, along([...batch, ...n, ...k], 'b')),
      ),
    counts: ({ k }) =>
      k.every(({ a }) => a !== 0) || k.every(({ b }) => b !== 0) ? [] : [[elementsOf(k), 'terms of a sum']],
  },
  scan: {
    describe: ({ steps, parts, lanes, reverse }) =>
      `scan ${elementsOf(lanes)} ${parts.size === 2 ? 'complex ' : ''}lanes over ${steps.size} steps${reverse ? ', in reverse' : ''}`,
    accesses: ({ a, b, out, steps, parts, lanes }) =>
      accesses(
        at(out, along([...lanes, steps, parts], 'out')),
        false,
        at(a, along([...lanes, { ...steps, size: steps.size - 1 }, parts], 'a')),
        at(b, along([...lanes, steps, parts], 'b')),
      ),
  },
  gather: {
    describe: ({ count, width }) => `gather ${count} rows of ${width}`,
    accesses: ({ dtype, table, indices, out, count, width, tableRows }) =>
      accesses(
        line(out, count * width, dtype),
        false,
        line(table, tableRows * width, dtype),
        line(indices, count, 'i32'),
      ),
  },
  scatterAdd: {
    describe: ({ count, width, tableRows }) => `scatterAdd ${count} rows of ${width} into ${tableRows}`,
    accesses: ({ accumulate, x, indices, out, count, width, tableRows }) =>
      accesses(line(out, tableRows * width), accumulate, line(x, count * width), line(indices, count, 'i32')),
  },
}

const factsOf = (call: Kernel) => facts[call.kind] as KernelFacts<Kernel>
export const accessesOf = (call: Kernel): Accesses => factsOf(call).accesses(call)
export const countsOf = (call: Kernel): readonly Count[] => factsOf(call).counts?.(call) ?? []
export const describeKernel = (call: Kernel): string => factsOf(call).describe(call)
export const isKernel = (instruction: Instruction): instruction is Kernel => instruction.kind in facts

const at = (place: Place, axes: readonly Axis[], dtype: DType = 'f32'): Access => ({ view: { ...place, axes }, dtype })
const line = (place: Place, size: number, dtype?: DType): Access => at(place, [{ size, stride: 1 }], dtype)
const accesses = (to: Access, accumulate: boolean, ...reads: Access[]): Accesses => ({
  reads: accumulate ? [...reads, to] : reads,
  writes: [to],
})

const operandsOf = ({ prologue, steps, operands }: Fused, op: 'load' | 'store'): Access[] =>
  [...prologue, ...steps]
    .flatMap((step) => (step.op === op ? [operands[step.operand]] : []))
    .filter(({ kind }) => kind === 'memory')

const shorten = (words: readonly string[]): string =>
  words.length > 14 ? `${words.slice(0, 12).join(' ')} … (${words.length} operations)` : words.join(' ')

/** The first and the last address of a view. */
export function extentOf({ buffer, offset, axes }: View): { buffer: number; low: number; high: number } {
  let [low, high] = [offset, offset]
  for (const { size, stride } of axes) {
    low += Math.min(0, (size - 1) * stride)
    high += Math.max(0, (size - 1) * stride)
  }
  return { buffer, low, high }
}

/** The operands of a call that are fields of their own, by name. */
export const placesOf = (call: Exclude<Kernel, Fused>): [name: string, place: Place][] =>
  Object.entries(call).filter((entry): entry is [string, Place] => typeof entry[1] === 'object' && 'buffer' in entry[1])

/** The call on operands at other places. */
export function withPlaces(call: Kernel, at: <P extends Place>(place: P) => P): Kernel {
  if (call.kind === 'fused')
    return { ...call, operands: call.operands.map((o): FusedOperand => ({ ...o, view: at(o.view) })) }
  return { ...call, ...Object.fromEntries(placesOf(call).map(([name, place]) => [name, at(place)])) }
}
