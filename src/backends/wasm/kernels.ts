import { elementsOf } from '../../program/axes.ts'
import type { Axis, Kernel, KernelOf, Matmul, Place, Reduce } from '../../program/plan.ts'
import { inOrder } from '../../program/scan.ts'
import {
  CACHE_LINE,
  K_BLOCK,
  M_BLOCK,
  MATMUL_HEAD,
  N_BLOCK,
  REDUCE_BLOCK,
  REDUCE_LEVELS,
  TABLE_PAD,
  TILE_LANES,
} from '../sizes.ts'
import { blocksAreIndependent, costOfFused, writeFused } from './fused.ts'
import * as code from './opcodes.ts'

/** Appends words to an instruction, behind its opcode and length. */
export interface Writer {
  /** The next word's number within the instruction. */
  readonly at: () => number
  readonly push: (...words: readonly number[]) => void
  readonly place: (place: Place) => void
  readonly axes: (axes: readonly Axis[]) => void
}

interface WasmKernel<Call extends Kernel> {
  readonly opcode: number
  /** An estimate of its time on one thread, in nanoseconds. */
  readonly cost: (call: Call) => number
  /** Whether one thread has to do all of a call. Else its results can be split among threads. */
  readonly sequential?: (call: Call) => boolean
  /** Writes a call that is split among so many threads. Returns the bytes of scratch that each of them needs. */
  readonly write: (call: Call, to: Writer, threads: number) => number
}

const kernels: { readonly [Kind in Kernel['kind']]: WasmKernel<KernelOf<Kind>> } = {
  fused: {
    opcode: code.FUSED,
    cost: costOfFused,
    sequential: (call) => !blocksAreIndependent(call),
    write: writeFused,
  },
  reduce: {
    opcode: code.REDUCE,
    cost: ({ kept, reduced }) => 0.15 * elementsOf(kept) * elementsOf(reduced),
    write: (call, to) => {
      to.push(reduceCode(call), Number(call.accumulate))
      to.place(call.out)
      to.place(call.x)
      to.push(call.kept.length, call.reduced.length)
      to.axes(call.kept)
      to.axes(call.reduced)
      return 4 * REDUCE_BLOCK * REDUCE_LEVELS
    },
  },
  matmul: {
    opcode: code.MATMUL,
    cost: ({ batch, m, n, k }) => 0.04 * [batch, m, n, k].reduce((product, axes) => product * elementsOf(axes), 1),
    write: (call, to) => {
      const { batch, m, n, k } = call
      to.push(Number(call.accumulate))
      for (const operand of [call.a, call.b, call.out]) to.place(operand)
      to.push(batch.length, m.length, n.length, k.length)
      for (const axis of batch) to.push(axis.size, axis.a * 4, axis.b * 4, axis.out * 4)
      for (const axis of m) to.push(axis.size, axis.a * 4, axis.out * 4)
      for (const axis of n) to.push(axis.size, axis.b * 4, axis.out * 4)
      for (const axis of k) to.push(axis.size, axis.a * 4, axis.b * 4)
      return matmulScratch(call)
    },
  },
  scan: {
    opcode: code.SCAN,
    cost: ({ lanes, steps, parts }) => 0.3 * elementsOf(lanes) * steps.size * parts.size,
    write: (call, to) => {
      const { a, b, out, steps } = inOrder(call)
      const { parts, lanes, conjugate } = call
      to.push(Number(parts.size === 2), Number(conjugate), steps.size)
      for (const operand of [a, b, out]) to.place(operand)
      for (const axis of [steps, parts]) to.push(axis.a * 4, axis.b * 4, axis.out * 4)
      to.push(lanes.length)
      for (const axis of lanes) to.push(axis.size, axis.a * 4, axis.b * 4, axis.out * 4)
      return 0
    },
  },
  gather: {
    opcode: code.GATHER,
    cost: ({ count, width }) => 0.15 * count * width,
    write: (call, to) => {
      to.push(Number(call.dtype === 'f32'))
      for (const operand of [call.table, call.indices, call.out]) to.place(operand)
      to.push(call.count, call.width, call.tableRows)
      return 0
    },
  },
  scatterAdd: {
    opcode: code.SCATTER_ADD,
    cost: ({ count, tableRows, width }) => 0.2 * (count + tableRows) * width,
    write: (call, to) => {
      to.push(Number(call.accumulate))
      for (const operand of [call.x, call.indices, call.out]) to.place(operand)
      to.push(call.count, call.width, call.tableRows)
      return 0
    },
  },
}

export const kernelOf = (call: Kernel) => kernels[call.kind] as WasmKernel<Kernel>

const reduceCode = ({ op, dtype }: Reduce): number =>
  dtype === 'f32'
    ? op === 'sum'
      ? code.REDUCE_SUM
      : code.REDUCE_MAX
    : op === 'sum'
      ? code.REDUCE_SUM_I
      : code.REDUCE_MAX_I

/** The layout is in assembly/matmul.ts. */
function matmulScratch({ m, n, k }: Matmul): number {
  const [rows, columns, inner] = [
    Math.min(elementsOf(m), M_BLOCK),
    Math.min(elementsOf(n), N_BLOCK),
    Math.min(elementsOf(k), K_BLOCK),
  ]
  const panels = Math.ceil(columns / TILE_LANES)
  const tables = 8 * (rows + columns + inner + 3 * TABLE_PAD)
  return MATMUL_HEAD + tables + panels + CACHE_LINE + 4 * TILE_LANES * inner * (1 + panels)
}
