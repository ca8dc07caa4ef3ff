import { sizeOf } from '../tensor/shape.ts'
import type { Cluster } from './fuse.ts'
import { type Node, type Ref, refsOf, whole } from './graph.ts'
import type { Level, Rows, RowsOperand, Step, View } from './plan.ts'
import { merged } from './strides.ts'

/** A value while registers are still without number. */
interface Value {
  readonly level: Level
  readonly register: number
}

/** Turns the members of a cluster into the steps of one `rows` call. */
export function rowsOf(cluster: Cluster, viewOf: (ref: Ref) => View): Rows {
  const members = [...cluster.levels].sort(([a], [b]) => a.id - b.id)
  const width = cluster.width ?? periodOf(members, cluster.elements)
  const rows = cluster.elements / width
  const operands: RowsOperand[] = []
  const prologue: Step[] = []
  const steps: Step[] = []
  const values = new Map<Node, Value>()
  const loaded = new Map<string, Value>()
  const spreads = new Map<Value, Value>()
  let registers = 0

  const fresh = (level: Level): Value => ({ level, register: registers++ })
  const once = <Key>(known: Map<Key, Value>, key: Key, level: Level, emit: (to: number) => void): Value => {
    const found = known.get(key)
    if (found) return found
    const value = fresh(level)
    known.set(key, value)
    emit(value.register)
    return value
  }
  /** The value at a level: that of a row may stand for all of its elements. */
  const at = (level: Level, value: Value): Value =>
    level === value.level
      ? value
      : once(spreads, value, 'full', (to) => steps.push({ op: 'spread', level: 'full', to, from: value.register }))
  const operand = (ref: Ref): number => {
    const { base } = ref
    operands.push({ kind: base.task.kind === 'iota' ? 'index' : 'memory', dtype: base.dtype, view: viewOf(ref) })
    return operands.length - 1
  }

  const load = (ref: Ref, level: Level): Value => {
    const { task, id, dtype } = ref.base
    if (task.kind === 'literal')
      return once(loaded, `literal ${id} ${level}`, level, (to) =>
        prologue.push({ op: 'constant', level, to, dtype, value: task.value }),
      )
    const { shape, strides } = merged(ref)
    const last = shape.length - 1
    const scalar = last < 0 || (last === 0 && strides[0] === 0)
    if (level === 'full' && !scalar && width > 1 && strides[last] === 0 && shape[last] % width === 0)
      return at('full', load({ ...ref, shape: [...shape.slice(0, last), shape[last] / width], strides }, 'row'))
    return once(loaded, `${id}+${ref.offset}[${shape}](${strides})${ref.steps} ${level}`, level, (to) => {
      const period =
        last >= 0 && strides[0] === 0 ? (level === 'full' ? cluster.elements : rows) / shape[0] : Number.NaN
      const same = scalar || (level === 'full' && width % period === 0)
      ;(same ? prologue : steps).push({ op: 'load', level, to, operand: operand({ ...ref, shape, strides }) })
    })
  }
  const argument = (ref: Ref, level: Level): number => at(level, values.get(ref.base) ?? load(ref, level)).register

  for (const [node, level] of members) {
    const { task } = node
    if (task.kind === 'reduce') {
      const { op, dtype } = task
      const from = argument(task.x, 'full')
      const value = fresh('row')
      steps.push({ op, level: 'row', to: value.register, from, dtype })
      values.set(node, value)
    } else if (task.kind === 'elementwise') {
      if (task.op === 'identity') {
        const [ref] = task.args
        values.set(node, at(level, values.get(ref.base) ?? load(ref, level)))
        continue
      }
      const args = task.args.map((ref) => argument(ref, level))
      const value = fresh(level)
      const { op, seed, site } = task
      steps.push({ op, level, to: value.register, args, ...(op === 'philox' ? { seed, site } : {}) })
      values.set(node, value)
    }
  }

  // what is stored as it was loaded goes first: a later store may take its operand's place
  const asLoaded = new Set(loaded.values())
  const order = (node: Node): number => (asLoaded.has(values.get(node)!) ? 0 : 1)
  for (const node of [...cluster.stores].sort((a, b) => order(a) - order(b))) {
    const level = cluster.levels.get(node)!
    const from = at(level, values.get(node)!).register
    const target = node.home ?? whole(node)
    steps.push({ op: 'store', level, from, operand: operand({ ...target, ...merged(target) }) })
  }
  return { kind: 'rows', rows, width, operands, ...allocate(prologue, steps) }
}

/** The length after which an operand repeats, for a cluster without rows of its own: a bias, a gain. */
function periodOf(members: readonly (readonly [Node, Level])[], elements: number): number {
  for (const [node] of members) {
    for (const ref of refsOf(node)) {
      const { shape, strides } = merged(ref)
      const period = sizeOf(shape.slice(1))
      if (shape.length > 1 && strides[0] === 0 && period <= 4096 && elements % period === 0) return period
    }
  }
  return 1
}

/**
 * Numbers the registers, so that one is free again after its value's last reading. Loads have registers of their own: a
 * device may let them point straight at memory. Those of the prologue stay.
 */
function allocate(prologue: readonly Step[], steps: readonly Step[]): Pick<Rows, 'prologue' | 'steps' | 'registers'> {
  const touchedBy = (step: Step): readonly number[] => [
    ...('args' in step ? step.args : 'from' in step ? [step.from] : []),
    ...('to' in step ? [step.to] : []),
  ]
  const last = new Map<number, number>()
  steps.forEach((step, at) => {
    for (const value of touchedBy(step)) last.set(value, at)
  })
  const number = new Map<number, number>()
  let registers = 0
  for (const step of prologue) if ('to' in step) number.set(step.to, registers++)
  const [loads, results]: number[][] = [[], []]
  const freed = new Map<number, number[]>()
  steps.forEach((step, at) => {
    if ('to' in step) {
      const free = step.op === 'load' ? loads : results
      number.set(step.to, free.pop() ?? registers++)
      freed.set(step.to, free)
    }
    for (const value of new Set(touchedBy(step))) if (last.get(value) === at) freed.get(value)?.push(number.get(value)!)
  })
  const numbered = (step: Step): Step => {
    const of = (value: number): number => number.get(value)!
    return {
      ...step,
      ...('to' in step && { to: of(step.to) }),
      ...('from' in step && { from: of(step.from) }),
      ...('args' in step && { args: step.args.map(of) }),
    } as Step
  }
  return { registers, prologue: prologue.map(numbered), steps: steps.map(numbered) }
}
