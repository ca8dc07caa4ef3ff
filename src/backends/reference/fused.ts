import { exact } from '../../ops/exact.ts'
import { randomWord } from '../../ops/rounded.ts'
import type { Fused, ScalarStep, Step } from '../../program/plan.ts'
import { addresses, addressOf, type Iterations } from '../cursor.ts'
import { doubles } from './doubles.ts'

/** A fused scalar program, row by row. */
export function fused(instruction: Fused, memory: readonly Float64Array[], iterations: Iterations): void {
  const { width, operands, prologue, steps } = instruction
  // many short rows at a time, only for less bookkeeping
  const together = Math.max(1, Math.floor(256 / width))
  const values: Float64Array[] = []
  const start = () => operands.map(({ view }) => addresses(addressOf(view, iterations), view.axes))
  let cursors = start()

  const run = (step: Step, count: number): void => {
    const lanes = step.level === 'inner' ? count * width : count
    const next = (operand: number): number => cursors[operand].next().value as number
    if (step.op === 'store') {
      const to = memory[operands[step.operand].view.buffer]
      for (let i = 0; i < lanes; i++) to[next(step.operand)] = values[step.args[0]][i]
      return
    }
    values[step.to] ??= doubles(together * width, 'rows that are computed together')
    const to = values[step.to]
    const args = step.args.map((value) => values[value])
    switch (step.op) {
      case 'load': {
        const { kind, view } = operands[step.operand]
        const from = memory[view.buffer]
        for (let i = 0; i < lanes; i++) to[i] = kind === 'index' ? next(step.operand) : from[next(step.operand)]
        break
      }
      case 'constant':
        to.fill(step.value)
        break
      case 'broadcast':
        for (let i = 0; i < lanes; i++) to[i] = args[0][Math.floor(i / width)]
        break
      case 'sum':
      case 'max':
        for (let row = 0; row < count; row++) {
          const lanes = args[0].subarray(row * width, (row + 1) * width)
          to[row] =
            step.op === 'sum' ? lanes.reduce((sum, x) => sum + x, 0) : lanes.reduce((a, b) => Math.max(a, b), -Infinity)
          if (step.dtype === 'i32') to[row] |= 0
        }
        break
      default:
        scalar(step, args, to, lanes)
    }
  }

  for (const step of prologue) run(step, Math.min(together, instruction.rows))
  cursors = start()
  for (let row = 0; row < instruction.rows; row += together) {
    const count = Math.min(together, instruction.rows - row)
    for (const step of steps) run(step, count)
  }
}

function scalar(step: ScalarStep, [a, b, c]: readonly Float64Array[], to: Float64Array, lanes: number): void {
  const { op, seed, site } = step
  if (op === 'philox') {
    for (let i = 0; i < lanes; i++) to[i] = randomWord(a[i], b[i], c[i], seed!, site!)
    return
  }
  const evaluate = exact[op]
  for (let i = 0; i < lanes; i++) to[i] = evaluate(a[i], b?.[i], c?.[i])
}
