import { costly } from '../../ops/rounded.ts'
import { extentOf } from '../../program/kernels.ts'
import type { Fused, Step } from '../../program/plan.ts'
import { CACHE_LINE, LOOP_DEPTH, UNROLLED } from '../sizes.ts'
import type { Writer } from './kernels.ts'
import * as code from './opcodes.ts'
import { encodeStep, machineCode } from './steps.ts'

/** Lanes of a block: its registers stay in the second-level cache, and the cost of interpreting is shared by enough lanes. */
const BLOCK_LANES = 2048
/** Of a larger block, where it takes so many to hold four rows of an operand, which are transposed together. */
const MOST_LANES = 8 * BLOCK_LANES

/** In nanoseconds. */
export const costOfFused = ({ rows, width, steps }: Fused): number =>
  0.1 * rows * steps.reduce((sum, step) => sum + costOfStep(step) * (step.level === 'inner' ? width : 1), 0)

const costOfStep = ({ op }: Step): number => (costly.has(op) ? 6 : 1)

export function writeFused(call: Fused, to: Writer, threads: number): number {
  const { prologue, steps, registers } = machineCode(call)
  // four rows of an operand that is transposed
  const fours = call.operands.map(({ view: { axes } }) => (axes.at(-2)?.stride === 1 ? 4 * axes.at(-1)!.size : 0))
  const blockLanes = Math.max(BLOCK_LANES, ...fours.filter((lanes) => lanes <= MOST_LANES))
  // at least one block for each thread
  const blockRows = Math.max(1, Math.min(Math.ceil(call.rows / threads), Math.floor(blockLanes / call.width)))
  // whole groups of four lanes, and one to spare: runs that begin at any lane are written by groups
  const registerBytes = Math.max(UNROLLED, Math.ceil((blockRows * call.width) / 4) * 16) + 16
  to.push(call.rows, call.width, blockRows, registerBytes, registers)
  to.push(call.operands.length, prologue.length, steps.length)
  const operands = call.operands.map(({ kind, view }) => {
    const at = to.at()
    if (kind === 'index') {
      const loops = Array.from({ length: LOOP_DEPTH }, (_, depth) => view.loopStrides[depth] ?? 0)
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
  return Math.ceil((registers * 4) / CACHE_LINE) * CACHE_LINE + registers * registerBytes
}

/** Whether blocks of rows are independent: no block loads what another stores. */
export function blocksAreIndependent(call: Fused): boolean {
  const viewsOf = (list: readonly Step[], wanted: 'load' | 'store') =>
    list.flatMap((step) =>
      step.op === wanted && call.operands[step.operand].kind === 'memory' ? [call.operands[step.operand].view] : [],
    )
  const common = viewsOf(call.prologue, 'load')
  const loads = viewsOf(call.steps, 'load')
  return viewsOf(call.steps, 'store').every((store) => {
    const meets = (view: typeof store): boolean => {
      const [a, b] = [extentOf(store), extentOf(view)]
      return a.buffer === b.buffer && a.low <= b.high && b.low <= a.high
    }
    const words = JSON.stringify(store)
    return !common.some(meets) && loads.every((load) => !meets(load) || JSON.stringify(load) === words)
  })
}
