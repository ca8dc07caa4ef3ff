import { elementsOf, merged } from './axes.ts'
import { type Cluster, levelOf } from './fuse.ts'
import { type Node, nameOf, type Ref, refsOf, whole } from './graph.ts'
import type { Fused, FusedOperand, Level, Step, View } from './plan.ts'

/** An SSA value is the step that makes it. */
type Value = Exclude<Step, { op: 'store' }>

/** Turns the members of a cluster into the steps of one `fused` call. */
export function fusedOf(cluster: Cluster, viewOf: (ref: Ref) => View): Fused {
  const members = [...cluster.members].sort((a, b) => a.id - b.id)
  const width = cluster.width ?? periodOf(members, cluster.elements)
  const rows = cluster.elements / width
  const operands: FusedOperand[] = []
  const prologue: Step[] = []
  const steps: Step[] = []
  const values = new Map<Node, Value>()
  const loaded = new Map<string, Value>()
  const broadcasts = new Map<Value, Value>()
  let made = 0

  const add = (step: Value, list = steps): Value => {
    list.push(step)
    return step
  }
  const once = <Key>(known: Map<Key, Value>, key: Key, make: () => Value): Value => {
    const value = known.get(key) ?? make()
    known.set(key, value)
    return value
  }
  /** The value at a level: one of a row is broadcast to its elements. */
  const at = (level: Level, value: Value): Value =>
    level === value.level
      ? value
      : once(broadcasts, value, () => add({ op: 'broadcast', level, to: made++, args: [value.to] }))
  const operand = (ref: Ref): number => {
    const { base } = ref
    operands.push({ kind: base.task.kind === 'iota' ? 'index' : 'memory', dtype: base.dtype, view: viewOf(ref) })
    return operands.length - 1
  }

  const load = (ref: Ref, level: Level): Value => {
    const { task, id, dtype } = ref.base
    if (task.kind === 'literal')
      return once(loaded, `literal ${id} ${level}`, () =>
        add({ op: 'constant', level, to: made++, args: [], dtype, value: task.value }, prologue),
      )
    const axes = merged(ref.axes)
    const [first, last] = [axes[0], axes[axes.length - 1]]
    const scalar = axes.every(({ stride }) => stride === 0)
    if (level === 'inner' && !scalar && width > 1 && last.stride === 0 && last.size % width === 0)
      return at('inner', load({ ...ref, axes: axes.with(-1, { ...last, size: last.size / width }) }, 'outer'))
    const view = { ...ref, axes }
    return once(loaded, `${nameOf(view)} ${level}`, () => {
      const period = first?.stride === 0 ? (level === 'inner' ? cluster.elements : rows) / first.size : Number.NaN
      const same = scalar || (level === 'inner' && width % period === 0)
      return add({ op: 'load', level, to: made++, args: [], operand: operand(view) }, same ? prologue : steps)
    })
  }
  const valueAt = (ref: Ref, level: Level): Value => at(level, values.get(ref.base) ?? load(ref, level))

  for (const node of members) {
    const { task } = node
    const level = levelOf(node, cluster)
    if (task.kind === 'reduce') {
      const args = [valueAt(task.x, 'inner').to]
      values.set(node, add({ op: task.op, level: 'outer', to: made++, args, dtype: task.dtype }))
    } else if (task.kind === 'elementwise') {
      const args = task.args.map((ref) => valueAt(ref, level))
      const { op, seed, site } = task
      const step = { level, to: made++, args: args.map(({ to }) => to), ...(op === 'philox' ? { seed, site } : {}) }
      values.set(node, op === 'identity' ? args[0] : add({ op, ...step }))
    }
  }

  // loads that are stored unchanged go first: a later store may overwrite their operand
  const asLoaded = new Set(loaded.values())
  const order = (node: Node): number => (asLoaded.has(values.get(node)!) ? 0 : 1)
  for (const node of [...cluster.stores].sort((a, b) => order(a) - order(b))) {
    const level = levelOf(node, cluster)
    const { to } = at(level, values.get(node)!)
    const target = node.home ?? whole(node)
    steps.push({ op: 'store', level, args: [to], operand: operand({ ...target, axes: merged(target.axes) }) })
  }
  return { kind: 'fused', rows, width, operands, prologue, steps }
}

/** The row length for a cluster without reductions: the period of a broadcast operand, such as a bias or a gain. */
function periodOf(members: readonly Node[], elements: number): number {
  for (const node of members) {
    for (const ref of refsOf(node)) {
      const [first, ...rest] = merged(ref.axes)
      const period = elementsOf(rest)
      if (rest.length > 0 && first.stride === 0 && period <= 4096 && elements % period === 0) return period
    }
  }
  return 1
}
