import { sizeOf } from '../tensor/shape.ts'
import type { RowsCluster } from './fuse.ts'
import { type Location, mergeAxes, type Node, type Ref } from './graph.ts'
import type { Level, Rows, RowsOperand, Step, View } from './plan.ts'

/** A `rows` call whose addresses are not known yet. */
export interface RowsDraft {
  readonly rows: number
  readonly width: number
  readonly registers: number
  readonly operands: readonly OperandDraft[]
  readonly prologue: readonly Step[]
  readonly steps: readonly Step[]
}

export interface OperandDraft {
  readonly kind: RowsOperand['kind']
  readonly node: Node
  readonly location: Location | undefined
  readonly offset: number
  readonly steps: readonly number[]
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** Where and with which strides a member is stored. */
export interface Target {
  readonly location: Location
  readonly strides: readonly number[]
}

interface Value {
  readonly level: Level
  register: number
}

/** Turns the members of a cluster into the steps of one `rows` call. */
export function draftRows(
  cluster: RowsCluster,
  locate: (node: Node) => Location,
  targetOf: (node: Node) => Target,
): RowsDraft {
  const members = [...cluster.levels.keys()].sort((a, b) => a.id - b.id)
  const width = cluster.width ?? periodOf(cluster, members)
  const rows = cluster.elements / width
  const operands: OperandDraft[] = []
  const prologue: Step[] = []
  const steps: Step[] = []
  const values = new Map<Node, Value>()
  const loaded = new Map<string, Value>()
  const spreads = new Map<Value, Value>()
  let virtual = 0

  const fresh = (level: Level): Value => ({ level, register: virtual++ })
  const spread = (value: Value): Value => {
    const known = spreads.get(value)
    if (known) return known
    const full = fresh('full')
    steps.push({ op: 'spread', level: 'full', to: full.register, from: value.register })
    spreads.set(value, full)
    return full
  }

  const load = (ref: Ref, level: Level): Value => {
    const { task } = ref.base
    const lanes = level === 'full' ? cluster.elements : rows
    if (task.kind === 'constant') {
      return remember(`constant ${ref.base.id} ${level}`, () => {
        const value = fresh(level)
        prologue.push({ op: 'constant', level, to: value.register, dtype: ref.base.dtype, value: task.value })
        return value
      })
    }
    const {
      shape,
      strides: [strides],
    } = mergeAxes(ref.shape, ref.strides)
    const last = shape.length - 1
    const scalar = last < 0 || (last === 0 && strides[0] === 0)
    if (level === 'full' && !scalar && width > 1 && strides[last] === 0 && shape[last] % width === 0) {
      const perRow = { ...ref, shape: [...shape.slice(0, last), shape[last] / width], strides }
      return spread(load(perRow, 'row'))
    }
    return remember(`${ref.base.id}+${ref.offset}[${shape}](${strides})${ref.steps} ${level}`, () => {
      const value = fresh(level)
      const period = last >= 0 && strides[0] === 0 ? lanes / shape[0] : Number.NaN
      const same = scalar || (level === 'full' && width % period === 0)
      const operand = addOperand(ref.base, ref.offset, ref.steps, shape, strides)
      ;(same ? prologue : steps).push({ op: 'load', level, to: value.register, operand })
      return value
    })
  }
  const remember = (key: string, make: () => Value): Value => {
    const value = loaded.get(key) ?? make()
    loaded.set(key, value)
    return value
  }
  const addOperand = (
    node: Node,
    offset: number,
    by: readonly number[],
    shape: readonly number[],
    strides: readonly number[],
  ): number => {
    const index = node.task.kind === 'iota'
    operands.push({
      kind: index ? 'index' : 'memory',
      node,
      location: index ? undefined : locate(node),
      offset,
      steps: by,
      shape,
      strides,
    })
    return operands.length - 1
  }

  for (const node of members) {
    const { task } = node
    const level = cluster.levels.get(node)!
    const argument = (ref: Ref, at: Level): Value => {
      const value = values.get(ref.base) ?? load(ref, at)
      return at === 'full' && value.level === 'row' ? spread(value) : value
    }
    if (task.kind === 'reduce') {
      const from = argument(task.x, 'full')
      const value = fresh('row')
      steps.push({ op: task.op, level: 'row', to: value.register, from: from.register, dtype: node.dtype })
      values.set(node, value)
    } else if (task.kind === 'elementwise') {
      const args = task.args.map((ref) => argument(ref, level))
      if (task.op === 'identity') {
        values.set(node, args[0])
        continue
      }
      const value = fresh(level)
      const { op, seed, site } = task
      steps.push({
        op,
        level,
        to: value.register,
        args: args.map(({ register }) => register),
        ...(op === 'philox' ? { seed, site } : {}),
      })
      values.set(node, value)
    }
  }

  // what is stored as it was loaded goes first: a later store may take its operand's place
  const loads = new Set(loaded.values())
  const stores = [...cluster.stores].sort(
    (a, b) => Number(loads.has(values.get(b)!)) - Number(loads.has(values.get(a)!)),
  )
  for (const node of stores) {
    const value = values.get(node)!
    const target = targetOf(node)
    const { shape, strides } = mergeAxes(node.shape, target.strides)
    const level = cluster.levels.get(node)!
    const source = level === 'full' && value.level === 'row' ? spread(value) : value
    operands.push({ kind: 'memory', node, location: target.location, offset: 0, steps: [], shape, strides: strides[0] })
    steps.push({ op: 'store', level, from: source.register, operand: operands.length - 1 })
  }

  return {
    rows,
    width,
    operands,
    prologue,
    ...allocate(prologue, steps),
  }
}

/** The length after which an operand repeats, for a cluster without rows of its own: a bias, a gain. */
function periodOf(cluster: RowsCluster, members: readonly Node[]): number {
  for (const { task } of members) {
    if (task.kind !== 'elementwise') continue
    for (const ref of task.args) {
      const { shape, strides } = mergeAxes(ref.shape, ref.strides)
      if (shape.length > 1 && strides[0][0] === 0) {
        const period = sizeOf(shape.slice(1))
        if (period <= 4096 && cluster.elements % period === 0) return period
      }
    }
  }
  return 1
}

/**
 * Numbers the registers, so that one is free again after its value's last reading. Loads have registers of their own: a
 * device may let them point straight at memory.
 */
function allocate(prologue: readonly Step[], steps: readonly Step[]): { steps: Step[]; registers: number } {
  const lastRead = new Map<number, number>()
  const readBy = (step: Step): readonly number[] => ('args' in step ? step.args : 'from' in step ? [step.from] : [])
  steps.forEach((step, at) => {
    for (const register of readBy(step)) lastRead.set(register, at)
  })
  const assigned = new Map<number, number>()
  let registers = 0
  for (const step of prologue) if ('to' in step) assigned.set(step.to, registers++)
  const renumbered = prologue as (Step & { to: number })[]
  for (const step of renumbered) step.to = assigned.get(step.to)!
  const permanent = new Set(assigned.keys())
  const free = { load: [] as number[], value: [] as number[] }
  const pool = new Map<number, 'load' | 'value'>()

  const result = steps.map((step, at): Step => {
    const sources = readBy(step)
    const mapped = sources.map((register) => assigned.get(register)!)
    let to = -1
    if ('to' in step) {
      const kind = step.op === 'load' ? 'load' : 'value'
      to = free[kind].pop() ?? registers++
      assigned.set(step.to, to)
      pool.set(step.to, kind)
      if (!lastRead.has(step.to)) free[kind].push(to)
    }
    for (const register of new Set(sources)) {
      if (lastRead.get(register) === at && !permanent.has(register))
        free[pool.get(register)!].push(assigned.get(register)!)
    }
    if ('args' in step) return { ...step, to, args: mapped }
    if (step.op === 'store') return { ...step, from: mapped[0] }
    if ('from' in step) return { ...step, to, from: mapped[0] }
    return { ...step, to }
  })
  return { steps: result, registers }
}

/** The call with its addresses. */
export const finishRows = (draft: RowsDraft, view: (operand: OperandDraft) => View): Rows => ({
  kind: 'rows',
  rows: draft.rows,
  width: draft.width,
  operands: draft.operands.map((operand) => ({ kind: operand.kind, dtype: operand.node.dtype, view: view(operand) })),
  registers: draft.registers,
  prologue: draft.prologue,
  steps: draft.steps,
})
