import { type ScalarRow, scalars } from '../../ops/scalar.ts'
import type { Kernel } from '../../program/accesses.ts'
import { elementsOf } from '../../program/axes.ts'
import type { Axis, Matmul, Place, Reduce, Rows, Step } from '../../program/plan.ts'
import {
  K_BLOCK,
  LOOP_DEPTH,
  M_BLOCK,
  MATMUL_HEAD,
  N_BLOCK,
  REDUCE_BLOCK,
  REDUCE_LEVELS,
  TABLE_PAD,
  TILE_LANES,
} from '../sizes.ts'
import * as code from './opcodes.ts'
import { encodeStep, machineRows } from './steps.ts'

/** Lanes of a block: few enough that its registers stay in the second-level cache, enough to share the cost of interpreting. */
const BLOCK_LANES = 2048

/** Takes the words of an instruction, behind its opcode and length. */
export interface Writer {
  /** The next word's number within the instruction. */
  readonly at: () => number
  readonly push: (...words: readonly number[]) => void
  readonly place: (place: Place) => void
  readonly axes: (axes: readonly Axis[]) => void
}

interface WasmKernel<Call extends Kernel> {
  readonly opcode: number
  /** What a call takes on one thread in nanoseconds, roughly. */
  readonly cost: (call: Call) => number
  /** Writes the call, of which so many threads take a part; returns the bytes of scratch that it needs in each. */
  readonly write: (call: Call, to: Writer, threads: number) => number
}

const kernels: { readonly [Kind in Kernel['kind']]: WasmKernel<Extract<Kernel, { kind: Kind }>> } = {
  rows: {
    opcode: code.ROWS,
    cost: ({ rows, width, steps }) =>
      0.1 * rows * steps.reduce((sum, step) => sum + costOfStep(step) * (step.level === 'full' ? width : 1), 0),
    write: writeRows,
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

const costly = new Set(Object.entries<ScalarRow>(scalars).flatMap(([op, row]) => (row.costly ? [op] : [])))
const costOfStep = ({ op }: Step): number => (costly.has(op) ? 6 : 1)

function writeRows(call: Rows, to: Writer, threads: number): number {
  const { prologue, steps, registers } = machineRows(call)
  // no fewer blocks than threads that are worth it
  const blockRows = Math.max(1, Math.min(Math.ceil(call.rows / threads), Math.floor(BLOCK_LANES / call.width)))
  // whole groups of four lanes, and one to spare: runs that begin anywhere are filled by groups
  const registerBytes = Math.max(64, Math.ceil((blockRows * call.width) / 4) * 16) + 16
  to.push(call.rows, call.width, blockRows, registerBytes, registers)
  to.push(call.operands.length, prologue.length, steps.length)
  const operands = call.operands.map(({ kind, view }) => {
    const at = to.at()
    if (kind === 'index') {
      const loops = Array.from({ length: LOOP_DEPTH }, (_, depth) => view.steps[depth] ?? 0)
      to.push(code.INDEX, view.offset, ...loops, 0, view.axes.length)
      for (const { size, stride } of view.axes) to.push(size, stride)
    } else {
      to.push(code.MEMORY)
      to.place(view)
      to.push(view.axes.length)
      to.axes(view.axes)
    }
    return at
  })
  for (const step of [...prologue, ...steps]) to.push(...encodeStep(step, call.width, operands))
  return Math.ceil((registers * 4) / 64) * 64 + registers * registerBytes
}

const reduceCode = ({ op, dtype }: Reduce): number =>
  dtype === 'f32'
    ? op === 'sum'
      ? code.REDUCE_SUM
      : code.REDUCE_MAX
    : op === 'sum'
      ? code.REDUCE_SUM_I
      : code.REDUCE_MAX_I

/** As assembly/matmul.ts lays it out. */
function matmulScratch({ m, n, k }: Matmul): number {
  const [rows, columns, inner] = [
    Math.min(elementsOf(m), M_BLOCK),
    Math.min(elementsOf(n), N_BLOCK),
    Math.min(elementsOf(k), K_BLOCK),
  ]
  const panels = Math.ceil(columns / TILE_LANES)
  const tables = 8 * (rows + columns + inner + 3 * TABLE_PAD)
  return MATMUL_HEAD + tables + panels + 64 + 4 * TILE_LANES * inner * (1 + panels)
}
