import { extentOf } from '../../program/accesses.ts'
import type { Rows, Step, View } from '../../program/plan.ts'
import { codes, pairs } from './codes.ts'
import * as code from './opcodes.ts'

/** Two steps that the kernels have in one; `from` is a difference whose subtrahend the first one gives. */
const pairCodes = new Map<string, number>([
  ...pairs.map((pair) => [pair, codes[pair]] as const),
  ['mul sum', code.MUL_SUM],
])

/** Where the value of a step will be. */
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
export interface MachineRows {
  readonly prologue: readonly MachineStep[]
  readonly steps: readonly MachineStep[]
  readonly registers: number
}

/** Brings the steps of a call in an order and into pieces that store as little as they can; the results are the same bits. */
export function machineRows(call: Rows): MachineRows {
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

/** Brings a store to the step that makes its value, unless it takes the place of something that is loaded. */
function storedEarly({ prologue, steps, operands }: Rows): Step[] {
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
  return String(a.steps) !== String(b.steps) || (x.low <= y.high && y.low <= x.high)
}

function layoutOf(step: Step, call: Rows, prologue: boolean, readers: readonly Step[]): number {
  const whole = step.level === 'full' ? code.FULL : code.ROW
  // other layouts are known where two or three arguments are read, and where rows are whole vectors
  if (!readers.every((reader) => reader.args.length > 1 && reader.op !== 'philox')) return whole
  const byRows = step.level === 'full' && call.width % 4 === 0 && call.width >= 16
  if (step.op === 'constant') return code.ONE
  if (step.op === 'spread' && byRows) return code.SPLAT
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
    case 'spread':
      return { op, opcode: code.SPREAD }
    case 'sum':
      return step.dtype === 'f32' ? { op, opcode: code.SUM } : { op: 'sumI', opcode: code.SUM_I }
    case 'max':
      return { op, opcode: step.dtype === 'f32' ? code.MAX : code.MAX_I }
    default:
      return { op, opcode: codes[op], immediates: [step.seed ?? 0, step.site ?? 0] }
  }
}

const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]

/** Puts a step and the only one that reads its result into one, where the kernels have the pair. */
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
  // sums go over whole rows
  const fits = second.op === 'sum' ? args.every(({ layout }) => layout === code.FULL) : second.layout === first.layout
  const op = `${first.op} ${second.op === 'sub' && second.args[1] === first.to ? 'from' : second.op}`
  const opcode = fits ? pairCodes.get(op) : undefined
  return opcode === undefined ? undefined : { ...second, op, opcode, args }
}

/** Numbers the registers, so that one is free again after its value's last reading; those of the prologue stay. */
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

/** How far an argument goes from four vectors to the next four, and at the end of a row, in bytes. */
const strides = (layout: number, width: number): readonly number[] =>
  layout === code.ONE ? [0, 0] : layout === code.SPLAT ? [0, 64] : layout === code.LINE ? [64, -4 * width] : [64, 0]

/** A step in words; `operands` are where the words of each operand are. */
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
