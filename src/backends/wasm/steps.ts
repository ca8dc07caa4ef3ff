import { extentOf } from '../../program/kernels.ts'
import type { Fused, Step, View } from '../../program/plan.ts'
import { UNROLLED } from '../sizes.ts'
import { codes, pairs } from './codes.ts'
import * as code from './opcodes.ts'

/** Two steps that the kernels have in one; `from` subtracts the result of the first one. */
const pairCodes = new Map<string, number>([
  ...pairs.map((pair) => [pair, codes[pair]] as const),
  ['mul sum', code.MUL_SUM],
])

/** The register and layout of a value. */
interface Value {
  readonly layout: number
  register: number
}

/** A step as the interpreter takes it. */
export interface MachineStep {
  readonly op: string
  readonly opcode: number
  readonly layout: number
  /** A store has none. */
  readonly to?: Value
  readonly args: readonly Value[]
  /** Of a load or a store. */
  readonly operand?: number
  readonly immediates: readonly number[]
}

/** A call as the interpreter takes it. */
export interface MachineCode {
  readonly prologue: readonly MachineStep[]
  readonly steps: readonly MachineStep[]
  readonly registers: number
}

/** Orders and pairs the steps of a call for the fewest loads and stores of registers; the results are the same bits. */
export function machineCode(call: Fused): MachineCode {
  const listed = storedEarly(call)
  const made = new Map<number, Value>()
  const readersOf = (value: number): Step[] => listed.filter(({ args }) => args.includes(value))
  const machine = (steps: readonly Step[], prologue: boolean): MachineStep[] =>
    steps.map((step) => {
      const args = step.args.map((value) => made.get(value)!)
      const layout = layoutOf(step, call, prologue, 'to' in step ? readersOf(step.to) : [])
      const known = { layout, args, immediates: [], ...details(step) }
      if (!('to' in step)) return known
      const to = { layout, register: -1 }
      made.set(step.to, to)
      return { ...known, to }
    })
  const prologue = machine(call.prologue, true)
  const steps = paired(machine(listed, false))
  return { prologue, steps, registers: allocate(prologue, steps) }
}

/** Moves a store up to the step that makes its value, unless it overwrites an operand. */
function storedEarly({ prologue, steps, operands }: Fused): Step[] {
  const loads = [...prologue, ...steps].flatMap((step) => (step.op === 'load' ? [operands[step.operand].view] : []))
  const result: Step[] = []
  for (const step of steps) {
    const maker = step.op === 'store' ? result.findIndex((one) => 'to' in one && one.to === step.args[0]) : -1
    const early = maker >= 0 && step.op === 'store' && !loads.some((load) => meets(load, operands[step.operand].view))
    result.splice(early && result[maker].op !== 'load' ? maker + 1 : result.length, 0, step)
  }
  return result
}

function meets(a: View, b: View): boolean {
  if (a.buffer !== b.buffer) return false
  const [x, y] = [extentOf(a), extentOf(b)]
  return String(a.loopStrides) !== String(b.loopStrides) || (x.low <= y.high && y.low <= x.high)
}

function layoutOf(step: Step, call: Fused, prologue: boolean, readers: readonly Step[]): number {
  const whole = step.level === 'inner' ? code.INNER : code.OUTER
  // only operations of two or three operands have strides, and only whole vectors of a row
  if (!readers.every((reader) => reader.args.length > 1 && reader.op !== 'philox')) return whole
  const byRows = step.level === 'inner' && call.width % 4 === 0 && call.width * 4 >= UNROLLED
  if (step.op === 'constant') return code.ONE
  if (step.op === 'broadcast' && byRows) return code.SPLAT
  if (step.op !== 'load' || !prologue) return whole
  return call.operands[step.operand].view.axes.every(({ stride }) => stride === 0)
    ? code.ONE
    : byRows
      ? code.LINE
      : whole
}

function details(step: Step): Pick<MachineStep, 'op' | 'opcode'> & Partial<MachineStep> {
  const { op } = step
  switch (op) {
    case 'load':
      return { op, opcode: code.LOAD, operand: step.operand }
    case 'store':
      return { op, opcode: code.STORE, operand: step.operand }
    case 'constant':
      return { op, opcode: code.CONSTANT, immediates: [step.dtype === 'f32' ? bitsOf(step.value) : step.value] }
    case 'broadcast':
      return { op, opcode: code.BROADCAST }
    case 'sum':
      return step.dtype === 'f32' ? { op, opcode: code.SUM } : { op: 'sumI', opcode: code.SUM_I }
    case 'max':
      return { op, opcode: step.dtype === 'f32' ? code.MAX : code.MAX_I }
    default:
      return { op, opcode: codes[op], immediates: [step.seed ?? 0, step.site ?? 0] }
  }
}

const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]

/** Joins a step and the only user of its result, if the kernels have the pair. */
function paired(steps: readonly MachineStep[]): MachineStep[] {
  const result: (MachineStep | undefined)[] = [...steps]
  steps.forEach((_, i) => {
    const first = result[i]
    if (!first?.to) return
    const readers = result.flatMap((step, at) => (step?.args.includes(first.to!) ? [at] : []))
    const both = readers.length === 1 ? pairOf(first, result[readers[0]]!) : undefined
    if (!both) return
    result[readers[0]] = both
    result[i] = undefined
  })
  return result.filter((step) => step !== undefined)
}

function pairOf(first: MachineStep, second: MachineStep): MachineStep | undefined {
  const rest = second.args.filter((value) => value !== first.to)
  if (rest.length !== second.args.length - 1) return undefined
  const args = [...first.args, ...rest]
  // a sum reduces all lanes of a row
  const fits = second.op === 'sum' ? args.every(({ layout }) => layout === code.INNER) : second.layout === first.layout
  const op = `${first.op} ${second.op === 'sub' && second.args[1] === first.to ? 'from' : second.op}`
  const opcode = fits ? pairCodes.get(op) : undefined
  return opcode === undefined ? undefined : { ...second, op, opcode, args }
}

/** Allocates registers by live ranges: a register is free after the last use of its value. Those of the prologue stay. */
function allocate(prologue: readonly MachineStep[], steps: readonly MachineStep[]): number {
  let registers = 0
  for (const { to } of prologue) if (to) to.register = registers++
  const last = new Map<Value, number>()
  steps.forEach(({ to, args }, i) => {
    for (const value of to ? [to, ...args] : args) last.set(value, i)
  })
  for (const { to } of prologue) if (to) last.delete(to)
  const free: number[] = []
  steps.forEach(({ to, args }, i) => {
    if (to) to.register = free.pop() ?? registers++
    for (const value of new Set(to ? [to, ...args] : args)) if (last.get(value) === i) free.push(value.register)
  })
  return registers
}

/** The stride of an argument over four vectors, and what is added at the end of a row, in bytes. */
const strides = (layout: number, width: number): readonly number[] =>
  layout === code.ONE
    ? [0, 0]
    : layout === code.SPLAT
      ? [0, UNROLLED]
      : layout === code.LINE
        ? [UNROLLED, -4 * width]
        : [UNROLLED, 0]

/** A step in words; `operands` are the numbers of each operand's first word. */
export function encodeStep(step: MachineStep, width: number, operands: readonly number[]): number[] {
  const words = new Array<number>(code.STEP_WORDS).fill(0)
  words[0] = step.opcode
  words[code.LAYOUT] = step.layout
  words[code.DESTINATION] = step.to?.register ?? 0
  step.immediates.forEach((value, i) => {
    words[code.IMMEDIATE + i] = value | 0
  })
  step.args.forEach(({ register, layout }, i) => {
    words.splice(code.A + 3 * i, 3, register, ...strides(layout, width))
  })
  if (step.operand !== undefined) words[step.op === 'load' ? code.A : code.B] = operands[step.operand]
  return words
}
