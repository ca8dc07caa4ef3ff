import { randomWord, scalars } from '../../ops/scalar.ts'
import type { Rows, ScalarStep, Step } from '../../program/plan.ts'
import { addresses, addressOf, type Iterations } from '../cursor.ts'

/** A fused scalar program, row by row. */
export function rows(instruction: Rows, memory: readonly Float64Array[], iterations: Iterations): void {
  const { width, operands, prologue, steps } = instruction
  // many short rows are taken together, only to spend less time on the bookkeeping
  const together = Math.max(1, Math.floor(256 / width))
  const registers = Array.from({ length: instruction.registers }, () => new Float64Array(together * width))
  const start = () => operands.map(({ view }) => addresses(addressOf(view, iterations), view.axes))
  let cursors = start()

  const run = (step: Step, count: number): void => {
    const lanes = step.level === 'full' ? count * width : count
    const next = (operand: number): number => cursors[operand].next().value as number
    switch (step.op) {
      case 'load': {
        const { kind, view } = operands[step.operand]
        const to = registers[step.to]
        const from = memory[view.buffer]
        for (let i = 0; i < lanes; i++) to[i] = kind === 'index' ? next(step.operand) : from[next(step.operand)]
        break
      }
      case 'store': {
        const from = registers[step.from]
        const to = memory[operands[step.operand].view.buffer]
        for (let i = 0; i < lanes; i++) to[next(step.operand)] = from[i]
        break
      }
      case 'constant':
        registers[step.to].fill(step.value)
        break
      case 'spread':
        for (let i = 0; i < lanes; i++) registers[step.to][i] = registers[step.from][Math.floor(i / width)]
        break
      case 'sum':
      case 'max':
        for (let row = 0; row < count; row++) {
          const values = registers[step.from].subarray(row * width, (row + 1) * width)
          registers[step.to][row] =
            step.op === 'sum'
              ? values.reduce((sum, x) => sum + x, 0)
              : values.reduce((a, b) => Math.max(a, b), -Infinity)
          if (step.dtype === 'i32') registers[step.to][row] |= 0
        }
        break
      default:
        scalar(step, registers, lanes)
    }
  }

  for (const step of prologue) run(step, Math.min(together, instruction.rows))
  cursors = start()
  for (let row = 0; row < instruction.rows; row += together) {
    const count = Math.min(together, instruction.rows - row)
    for (const step of steps) run(step, count)
  }
}

function scalar({ op, args, to, seed, site }: ScalarStep, registers: readonly Float64Array[], lanes: number): void {
  const [a, b, c] = args.map((register) => registers[register])
  const result = registers[to]
  if (op === 'philox') {
    for (let i = 0; i < lanes; i++) result[i] = randomWord(a[i], b[i], c[i], seed!, site!)
    return
  }
  const { evaluate } = scalars[op]
  for (let i = 0; i < lanes; i++) result[i] = evaluate(a[i], b?.[i], c?.[i])
}
