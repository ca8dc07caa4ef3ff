import { placesOf } from './accesses.ts'
import { elementsOf } from './axes.ts'
import type { Instruction, Place, Plan, Step } from './plan.ts'

/** A kernel call in one line: what it computes, on which shapes. */
export function describe(instruction: Instruction): string {
  switch (instruction.kind) {
    case 'loop':
      return `loop ${instruction.count} times`
    case 'end':
      return 'end'
    case 'rows': {
      const { rows, width, steps } = instruction
      const work = steps.filter(({ op }) => op !== 'load' && op !== 'store' && op !== 'spread').map(({ op }) => op)
      return `rows ${width === 1 ? rows : `${rows} x ${width}`}: ${work.length ? shorten(work) : 'copy'}`
    }
    case 'reduce':
      return `${instruction.op} ${elementsOf(instruction.kept)} over ${elementsOf(instruction.reduced)}`
    case 'matmul': {
      const { batch, m, n, k, accumulate } = instruction
      return `matmul ${batch.length ? `${elementsOf(batch)} of ` : ''}${elementsOf(m)} x ${elementsOf(k)} x ${elementsOf(n)}${accumulate ? ', added' : ''}`
    }
    case 'gather':
      return `gather ${instruction.count} rows of ${instruction.width}`
    case 'scatterAdd':
      return `scatterAdd ${instruction.count} rows of ${instruction.width} into ${instruction.tableRows}`
  }
}

function shorten(words: readonly string[]): string {
  return words.length > 14 ? `${words.slice(0, 12).join(' ')} … (${words.length} operations)` : words.join(' ')
}

/** The whole program: every kernel, and beneath it where its operands lie. */
export function list(plan: Plan): string {
  const name = (place: Place): string => {
    const buffer = plan.buffers[place.buffer]
    const what =
      buffer.kind === 'input' ? buffer.name : buffer.kind === 'variable' ? `variable ${buffer.id}` : buffer.kind
    return `${what}@${place.offset}${place.steps.map((step) => (step ? ` + ${step} an iteration` : '')).join('')}`
  }
  const step = (s: Step): string => {
    switch (s.op) {
      case 'load':
        return `v${s.to} <- operand ${s.operand}${s.level === 'row' ? ' (a row)' : ''}`
      case 'store':
        return `operand ${s.operand} <- v${s.args[0]}`
      case 'constant':
        return `v${s.to} <- ${s.value}`
      default:
        return `v${s.to} <- ${s.op} ${s.args.map((value) => `v${value}`).join(' ')}`
    }
  }
  const lines: string[] = []
  let indent = ''
  plan.instructions.forEach((instruction, i) => {
    if (instruction.kind === 'end') indent = indent.slice(2)
    lines.push(`${`${i}`.padStart(4)} ${indent}${describe(instruction)}`)
    const below = (text: string): void => void lines.push(`     ${indent}  ${text}`)
    if (instruction.kind === 'loop') indent += '  '
    if (instruction.kind === 'rows') {
      instruction.operands.forEach(({ kind, dtype, view }, at) => {
        const what = kind === 'index' ? 'index' : `${dtype} ${name(view)}`
        const axes = view.axes.map(({ size, stride }) => `${size}:${stride}`)
        below(`operand ${at}: ${what} [${axes.join(' ')}]`)
      })
      below([...instruction.prologue, ...instruction.steps].map(step).join('; '))
    } else if (instruction.kind !== 'loop' && instruction.kind !== 'end') {
      below(
        placesOf(instruction)
          .map(([operand, place]) => `${operand} ${name(place)}`)
          .join(', '),
      )
    }
  })
  const { arena, replay, inputs, variables } = plan.memory
  lines.push(`arena ${arena} elements (replay ${replay} of them), inputs ${inputs}, variables ${variables}`)
  return lines.join('\n')
}
