import type { ScalarName } from '../../ops/scalar.ts'
import { extentOf } from '../../program/accesses.ts'
import type { Rows, Step, View } from '../../program/plan.ts'
import * as code from './opcodes.ts'

/** Scalar operations as the kernels number them; a missing one does not compile. */
const scalarCodes: Readonly<Record<ScalarName, number>> = {
  abs: code.ABS,
  absI: code.ABS_I,
  add: code.ADD,
  addI: code.ADD_I,
  div: code.DIV,
  elu: code.ELU,
  equal: code.EQUAL,
  equalI: code.EQUAL_I,
  erf: code.ERF,
  exp: code.EXP,
  isFinite: code.IS_FINITE,
  less: code.LESS,
  lessEqual: code.LESS_EQUAL,
  lessEqualI: code.LESS_EQUAL_I,
  lessI: code.LESS_I,
  log: code.LOG,
  log1p: code.LOG1P,
  maximum: code.MAXIMUM,
  maximumI: code.MAXIMUM_I,
  minimum: code.MINIMUM,
  minimumI: code.MINIMUM_I,
  mul: code.MUL,
  mulI: code.MUL_I,
  neg: code.NEG,
  negI: code.NEG_I,
  philox: code.PHILOX,
  pow: code.POW,
  rsqrt: code.RSQRT,
  sign: code.SIGN,
  signI: code.SIGN_I,
  sqrt: code.SQRT,
  sub: code.SUB,
  subI: code.SUB_I,
  tanh: code.TANH,
  toFloat: code.TO_FLOAT,
  toInt: code.TO_INT,
  uniform: code.UNIFORM,
  where: code.WHERE,
}

/** Two operations that the kernels have in one; `from` is a difference whose subtrahend the first operation gives. */
const pairs: Readonly<Record<string, number>> = {
  'add add': code.ADD_ADD,
  'add mul': code.ADD_MUL,
  'elu add': code.ELU_ADD,
  'mul add': code.MUL_ADD,
  'mul erf': code.MUL_ERF,
  'mul exp': code.MUL_EXP,
  'mul from': code.MUL_FROM,
  'mul mul': code.MUL_MUL,
  'mul sub': code.MUL_SUB,
  'mul sum': code.MUL_SUM,
  'sub exp': code.SUB_EXP,
  'sub mul': code.SUB_MUL,
}

interface Argument {
  readonly register: number
  readonly layout: number
}

/** A step as the interpreter takes it. */
export interface MachineStep {
  readonly op: string
  readonly opcode: number
  readonly layout: number
  /** A store has none. */
  readonly to?: number
  readonly args: readonly Argument[]
  /** Of a load or a store. */
  readonly operand?: number
  readonly immediates: readonly number[]
}

/** The steps of a call, in an order and in pieces that store as little as they can; the results are the same bits. */
export function machineSteps(call: Rows): { prologue: MachineStep[]; steps: MachineStep[] } {
  const listed = storedEarly(call)
  const layouts = new Map<number, number>()
  const machine = (steps: readonly Step[], prologue: boolean): MachineStep[] =>
    steps.map((step, i) => {
      const args = readBy(step).map((register) => ({ register, layout: layouts.get(register)! }))
      const readers = 'to' in step ? (prologue ? readersOf(step.to, listed) : readersOf(step.to, listed, i)) : []
      const layout = layoutOf(step, call, prologue, readers)
      if ('to' in step) layouts.set(step.to, layout)
      return { layout, args, immediates: [], ...details(step) }
    })
  return { prologue: machine(call.prologue, true), steps: paired(machine(listed, false)) }
}

/** Brings a store to the step that makes its value, unless it takes the place of something that is loaded. */
function storedEarly({ prologue, steps, operands }: Rows): Step[] {
  const loads = [...prologue, ...steps].flatMap((step) => (step.op === 'load' ? [operands[step.operand].view] : []))
  const result: Step[] = []
  for (const step of steps) {
    const maker = step.op === 'store' ? result.findLastIndex((other) => 'to' in other && other.to === step.from) : -1
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

const readBy = (step: Step): readonly number[] => ('args' in step ? step.args : 'from' in step ? [step.from] : [])

/** The steps that read what is in a register after step `at`. */
function readersOf(register: number, steps: readonly Step[], at = -1): Step[] {
  const later = steps.slice(at + 1)
  const end = later.findIndex((step) => 'to' in step && step.to === register)
  return later.slice(0, end < 0 ? later.length : end + 1).filter((step) => readBy(step).includes(register))
}

function layoutOf(step: Step, call: Rows, prologue: boolean, readers: readonly Step[]): number {
  const whole = step.level === 'full' ? code.FULL : code.ROW
  // other layouts are known where two or three arguments are read, and where rows are whole vectors
  if (!readers.every((reader) => 'args' in reader && reader.args.length > 1 && reader.op !== 'philox')) return whole
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

function details(step: Step): Pick<MachineStep, 'op' | 'opcode' | 'to' | 'operand'> & Partial<MachineStep> {
  const { op } = step
  switch (op) {
    case 'load':
      return { op, opcode: code.LOAD, to: step.to, operand: step.operand }
    case 'store':
      return { op, opcode: code.STORE, operand: step.operand }
    case 'constant':
      return {
        op,
        opcode: code.CONSTANT,
        to: step.to,
        immediates: [step.dtype === 'f32' ? bitsOf(step.value) : step.value],
      }
    case 'spread':
      return { op, opcode: code.SPREAD, to: step.to }
    case 'sum':
      return {
        op: step.dtype === 'f32' ? op : 'sumI',
        opcode: step.dtype === 'f32' ? code.SUM : code.SUM_I,
        to: step.to,
      }
    case 'max':
      return { op, opcode: step.dtype === 'f32' ? code.MAX : code.MAX_I, to: step.to }
    default:
      return { op, opcode: scalarCodes[op], to: step.to, immediates: [step.seed ?? 0, step.site ?? 0] }
  }
}

const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]

/** Puts a step and the only one that reads its result into one, where the kernels have the pair. */
function paired(steps: readonly MachineStep[]): MachineStep[] {
  const result: (MachineStep | undefined)[] = [...steps]
  steps.forEach((_, i) => {
    const first = result[i]
    if (first?.to === undefined) return
    const end = result.findIndex((step, at) => at > i && step?.to === first.to)
    const readers = result.flatMap((step, at) =>
      at > i && (end < 0 || at <= end) && step?.args.some(({ register }) => register === first.to) ? [at] : [],
    )
    if (readers.length !== 1) return
    const [at] = readers
    const both = pairOf(first, result[at]!)
    const between = result.slice(i + 1, at)
    if (!both || between.some((step) => first.args.some(({ register }) => register === step?.to))) return
    result[at] = both
    result[i] = undefined
  })
  return result.filter((step) => step !== undefined)
}

function pairOf(first: MachineStep, second: MachineStep): MachineStep | undefined {
  const rest = second.args.filter(({ register }) => register !== first.to)
  const same = second.op === 'sum' || second.layout === first.layout
  if (!same || rest.length !== second.args.length - 1) return undefined
  const op = second.op === 'sub' && second.args[1].register === first.to ? 'from' : second.op
  const opcode = pairs[`${first.op} ${op}`]
  const args = [...first.args, ...rest]
  // a sum goes over whole rows, and a result must not overwrite what is read again for the next row
  const standing = args.filter(({ layout }) => layout !== code.FULL && layout !== code.ROW)
  const spoiled = standing.some(({ register }) => op === 'sum' || register === second.to)
  return opcode === undefined || spoiled ? undefined : { ...second, op: `${first.op} ${op}`, opcode, args }
}

/** How far an argument goes from four vectors to the next four, and at the end of a row, in bytes. */
const strides = (layout: number, width: number): readonly number[] =>
  layout === code.ONE ? [0, 0] : layout === code.SPLAT ? [0, 64] : layout === code.LINE ? [64, -4 * width] : [64, 0]

/** A step in words; `operands` are where the words of each operand are. */
export function encodeStep(step: MachineStep, width: number, operands: readonly number[]): number[] {
  const words = new Array<number>(code.STEP_WORDS).fill(0)
  words[0] = step.opcode
  words[code.LAYOUT] = step.layout
  words[code.DESTINATION] = step.to ?? 0
  step.immediates.forEach((value, i) => {
    words[code.IMMEDIATE + i] = value | 0
  })
  step.args.forEach(({ register, layout }, i) => {
    words.splice(code.A + 3 * i, 3, register, ...strides(layout, width))
  })
  if (step.operand !== undefined) words[step.op === 'load' ? code.A : code.B] = operands[step.operand]
  return words
}
