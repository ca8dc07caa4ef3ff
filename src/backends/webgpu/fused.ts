import type { Axis, Fused, FusedOperand, Step } from '../../program/plan.ts'
import { WORKGROUP } from '../sizes.ts'
import { type Combination, combiners, lanesFor, specialize } from './combine.ts'
import { type Abilities, type Beside, Block, constants, type Encoded } from './dispatch.ts'
import axesText from './modules/axes.wgsl.ts'
import shared from './modules/call.wgsl.ts'
import template from './modules/fused.wgsl.ts'
import numbers from './modules/numbers.wgsl.ts'
import { scalarExpression, scalarFunctions } from './scalars.ts'

const GROUP = WORKGROUP

/** Writes a fused scalar program as WGSL. */
export const fused = (call: Fused, abilities: Abilities): Encoded =>
  call.rows * call.width === 0 ? { dispatches: [], scratch: 0 } : fusedBeside([call], abilities)!.encode()[0]

/** Programs as one shader, in which `which` is the number of one; undefined where their rows have not as many lanes. */
export function fusedBeside(given: readonly Fused[], abilities: Abilities): Beside | undefined {
  const reduces = given.some(({ steps }) => steps.some(isReduction))
  const lanesOf = ({ width }: Fused): number =>
    lanesFor(width, GROUP, reduces ? abilities : { ...abilities, subgroup: 0 })
  const lanes = Math.max(...given.map(lanesOf))
  const calls = given.map((call) => (lanesOf(call) === lanes ? call : inRows(call, lanes)))
  if (calls.some((call) => call.width !== lanes && lanesOf(call) !== lanes)) return undefined
  return { scratch: 0, encode: () => encode(calls, lanes, abilities) }
}

function encode(calls: readonly Fused[], lanes: number, abilities: Abilities): Encoded[] {
  const blocks = calls.map(({ rows, width }) => new Block().vector(rows, width))
  const written = calls.map((call, i) => write(call, lanes === call.width, blocks[i]))
  const combinations = new Set(written.flatMap((program) => [...program.combinations]))
  const { enable, text } = combiners(combinations, { group: GROUP, lanes, stride: 1 }, abilities)
  const words = Math.max(2, ...blocks.map((block) => block.words.length / 4))
  for (const block of blocks) while (block.words.length < 4 * words) block.vector()
  const programs = written.map(({ lines }, i) =>
    calls.length === 1 ? lines : [`if (which == ${i}) {`, ...lines.map(indent), '}'],
  )
  const head = constants({ WORDS: words - 1 })
  const main = template.replace('// STEPS', () => programs.flat().join('\n  '))
  const source = [`${enable}alias Word = u32;`, head, numbers, text, shared, axesText, scalarFunctions, main].join('\n')
  return calls.map(({ rows }, i) => {
    const groups = Math.ceil(rows / (GROUP / lanes))
    return { dispatches: [{ name: 'fused', source, block: blocks[i], groups }], scratch: 0 }
  })
}

/** The program over rows of another width, where it knows of none. */
function inRows(call: Fused, width: number): Fused {
  const rows = (call.rows * call.width) / width
  const knows = call.steps.some(({ level, op }) => level === 'outer' && op !== 'constant')
  return knows || rows % 1 ? call : { ...call, rows, width }
}

/** An SSA value: a step and its operands. */
interface Value {
  readonly name: string
  readonly step: Step
  readonly args: readonly Value[]
  /** How many passes over the row it depends on: one for each reduction in the chain. */
  readonly passes: number
}

function valuesOf({ prologue, steps }: Fused): Value[] {
  const made: Value[] = []
  return [...prologue, ...steps].map((step, i) => {
    const args = step.args.map((value) => made[value])
    const before = Math.max(0, ...args.map(({ passes }) => passes))
    const value = { name: `v${i}`, step, args, passes: isReduction(step) ? before + 1 : before }
    if ('to' in step) made[step.to] = value
    return value
  })
}

type Reduction = Extract<Step, { op: 'sum' | 'max' }>
const isReduction = (step: Step): step is Reduction => step.op === 'sum' || step.op === 'max'

/** The steps as lines of WGSL; places, axes and literals go into the block. `single`: an invocation has at most one lane. */
function write(call: Fused, single: boolean, block: Block): { lines: string[]; combinations: Set<Combination> } {
  const values = valuesOf(call)
  const combinations = new Set<Combination>()
  /** Lines for a row; `inner`: those of the loop over its lanes. */
  const lines: string[] = []
  let inner = lines
  /** The names of the values in scope; `ofLoop`: those of the loop over lanes. */
  const known = new Map<Value, string>()
  const ofLoop: Value[] = []
  const addresses = new Map<Value, string>()

  const vector = (...words: number[]): number => block.vector(...words).words.length / 4 - 2
  const along = (index: string, axes: readonly Axis[]): string => {
    const [first] = axes.map(({ size, stride }) => vector(size, stride))
    const at = (axis: number): string => `call.axes[${first + axis}]`
    // inlined if it is short: a GPU in software takes long to inline functions
    if (axes.length === 0) return '0'
    if (axes.length === 1) return `${index} * ${at(0)}.y`
    if (axes.length > 2) return `axes_offset(${index}, ${first}, ${axes.length})`
    const [outer, inner] = ['/', '%'].map((operator) => `i32(u32(${index}) ${operator} u32(${at(1)}.x))`)
    return `${outer} * ${at(0)}.y + ${inner} * ${at(1)}.y`
  }
  const addressOf = (value: Value, { kind, view }: FusedOperand): string => {
    const found = addresses.get(value)
    if (found) return found
    const place = kind === 'index' ? vector(view.offset, ...view.loopStrides) : block.place(view).words.length / 4 - 2
    const parts = value.step.level === 'outer' ? [view.axes, []] : splitAt(view.axes, call.width)
    lines.push(`let ${value.name}_at = address(call.axes[${place}]) + ${along('row', parts?.[0] ?? [])};`)
    const lane = parts ? along('lane', parts[1]) : along('(row * width + lane)', view.axes)
    addresses.set(value, `${value.name}_at + ${lane}`)
    return addresses.get(value)!
  }

  const expressionOf = (value: Value, args: readonly string[]): string => {
    const { step } = value
    switch (step.op) {
      case 'load': {
        const operand = call.operands[step.operand]
        const address = addressOf(value, operand)
        return operand.kind === 'index' ? address : `bitcast<${operand.dtype}>(heap[${address}])`
      }
      case 'constant':
        return `bitcast<${step.dtype}>(call.axes[${vector(step.dtype === 'f32' ? bitsOf(step.value) : step.value)}].x)`
      case 'broadcast':
        return args[0]
      case 'philox': {
        const words = `call.axes[${vector(step.seed!, step.site!)}]`
        return scalarExpression('philox', [...args, `${words}.x`, `${words}.y`])
      }
      case 'store':
      case 'sum':
      case 'max':
        throw new Error(`${step.op} has no expression`)
      default:
        return scalarExpression(step.op, args)
    }
  }
  const need = (value: Value): string => {
    const found = known.get(value)
    if (found) return found
    const expression = expressionOf(value, value.args.map(need))
    const to = value.step.level === 'outer' || value.step.op === 'constant' ? lines : inner
    to.push(`let ${value.name} = ${expression};`)
    if (to !== lines) ofLoop.push(value)
    known.set(value, value.name)
    return value.name
  }
  const eachLane = (body: () => void): void => {
    if (!single) inner = []
    body()
    if (single) return
    lines.push('for (var lane = first_lane; lane < width; lane += i32(LANES)) {', ...inner.map(indent), '}')
    for (const value of ofLoop.splice(0)) known.delete(value)
    inner = lines
  }
  const store = (stores: readonly Value[], condition: string): void => {
    const written = stores.map((value) => {
      const { step } = value as { step: Extract<Step, { op: 'store' }> }
      return `heap[${addressOf(value, call.operands[step.operand])}] = bitcast<u32>(${need(value.args[0])});`
    })
    inner.push(`if (${condition}) {`, ...written.map(indent), '}')
  }

  if (single) lines.push('let lane = first_lane;')
  const passes = Math.max(...values.map((value) => value.passes))
  for (let pass = 1; pass <= passes; pass++) {
    const reductions = values.filter((value) => isReduction(value.step) && value.passes === pass)
    eachLane(() => {
      for (const { name, step, args } of reductions) {
        const [a, b, combination] = [`${name}_own`, need(args[0]), combinationOf(step as Reduction)]
        lines.push(`var ${a} = ${specialize('IDENTITY', combination)};`)
        inner.push(`${a} = ${step.op === 'sum' ? `${a} + ${b}` : `max(${a}, ${b})`};`)
      }
    })
    for (const value of reductions) {
      const combination = combinationOf(value.step as Reduction)
      combinations.add(combination)
      lines.push(`let ${value.name} = ${combination}(${value.name}_own, local);`)
      known.set(value, value.name)
    }
  }
  const stores = (level: Step['level']): Value[] =>
    values.filter(({ step }) => step.op === 'store' && step.level === level)
  if (stores('inner').length) eachLane(() => store(stores('inner'), 'live'))
  if (stores('outer').length) store(stores('outer'), 'live && first_lane == 0')
  return { lines, combinations }
}

const combinationOf = ({ op, dtype }: Reduction): Combination => `${op}_${dtype}`
const indent = (line: string): string => `  ${line}`
const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]

/** The axes of rows, and those of a row's lanes; undefined if an axis belongs to both. */
function splitAt(axes: readonly Axis[], width: number): [Axis[], Axis[]] | undefined {
  const outer = axes.filter(({ size }) => size !== 1)
  const lanes: Axis[] = []
  if (outer.length === 0) return [[], []]
  for (let left = width; left > 1; ) {
    const { size, stride } = outer.pop()!
    if (left % size === 0) {
      lanes.unshift({ size, stride })
      left /= size
    } else if (size % left === 0) {
      lanes.unshift({ size: left, stride })
      outer.push({ size: size / left, stride: stride * left })
      left = 1
    } else return undefined
  }
  return [outer, lanes]
}
