import { describeKernel, isKernel, placesOf } from './kernels.ts'
import type { Instruction, Place, Plan, Step } from './plan.ts'

/** An instruction in one line: what it computes, on which shapes. */
export function describe(instruction: Instruction): string {
  if (isKernel(instruction)) return describeKernel(instruction)
  return instruction.kind === 'loop' ? `loop ${instruction.count} times` : 'end'
}

/** The whole program: every kernel, and beneath it the addresses of its operands. */
export function list(plan: Plan): string {
  const name = (place: Place): string => {
    const buffer = plan.buffers[place.buffer]
    const what =
      buffer.kind === 'input' ? buffer.name : buffer.kind === 'variable' ? `variable ${buffer.id}` : buffer.kind
    return `${what}@${place.offset}${place.loopStrides.map((stride) => (stride ? ` + ${stride} an iteration` : '')).join('')}`
  }
  const step = (s: Step): string => {
    switch (s.op) {
      case 'load':
        return `v${s.to} <- operand ${s.operand}${s.level === 'outer' ? ' (a row)' : ''}`
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
    if (instruction.kind === 'fused') {
      instruction.operands.forEach(({ kind, dtype, view }, at) => {
        const what = kind === 'index' ? 'index' : `${dtype} ${name(view)}`
        const axes = view.axes.map(({ size, stride }) => `${size}:${stride}`)
        below(`operand ${at}: ${what} [${axes.join(' ')}]`)
      })
      below([...instruction.prologue, ...instruction.steps].map(step).join('; '))
    } else if (isKernel(instruction)) {
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
