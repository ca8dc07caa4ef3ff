import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import { accumulate } from './accumulate.ts'
import { bring, keep } from './build.ts'
import { type Cluster, clusterOf, fuse, levelOf } from './fuse.ts'
import {
  accumulates,
  addNode,
  Block,
  copyOf,
  copyTo,
  isComputed,
  isWhole,
  mapRefs,
  type Node,
  type Ref,
  refsOf,
  type Store,
  whole,
} from './graph.ts'
import type { Buffer, Instruction, Place, Plan, Port, View } from './plan.ts'
import { rowsOf } from './rows.ts'
import { type Part, placeAll, type Storage } from './storage.ts'

/** What a program computes, by name, and which variables it sets when it ends. */
export interface Goal {
  readonly inputs: Readonly<Record<string, Tensor>>
  readonly outputs: Readonly<Record<string, Tensor>>
  readonly updates: readonly (readonly [Variable, Tensor])[]
}

/** What a program is made of, one after another: a loop that is written out takes seconds for each. */
export type Stage = 'formulas' | 'graph' | 'kernels' | 'memory' | 'loading'

/** Makes the plan of a program: nodes, clusters, kernel calls, then memory. `told` hears of each stage that begins. */
export function lower({ inputs, outputs, updates }: Goal, told: (stage: Stage) => void = () => {}): Plan {
  told('graph')
  const top = new Block()
  const given = Object.entries(inputs).map(([name, tensor]) => {
    const buffer = { kind: 'input', name, elements: sizeOf(tensor.shape) } as const
    const ref = whole(addNode(top, { kind: 'buffer', buffer }, tensor.shape, tensor.dtype))
    top.refs.set(tensor, ref)
    return { name, tensor, ref }
  })
  bring([...Object.values(outputs), ...updates.flat()], top)
  const results = Object.entries(outputs).map(([name, tensor]) => {
    const ref = top.find(tensor)!
    // reading a variable shows its value before the run, even where the run changes it
    const inMemory = isComputed(ref.base) || isInput(ref.base)
    return { name, tensor, ref: inMemory ? ref : copyOf(ref, top) }
  })
  for (const { ref } of results) top.kept.add(ref.base)
  for (const [variable, value] of updates) keep({ value: top.find(value)!, into: top.find(variable)! }, top)

  told('kernels')
  accumulate(top)
  const emitter = new Emitter()
  emitter.block(top)
  told('memory')
  const port = ({ name, tensor, ref }: (typeof given)[number]): Port => {
    const { dtype, shape } = tensor
    return { name, dtype, shape, view: emitter.view(ref) }
  }
  return emitter.plan(given.map(port), results.map(port))
}

const isInput = ({ task }: Node): boolean => task.kind === 'buffer' && task.buffer.kind === 'input'

/** Turns blocks into instructions. Their addresses in the arena are filled in when all lifetimes are known. */
class Emitter {
  private readonly instructions: Instruction[] = []
  private readonly buffers: Buffer[] = []
  private readonly storages = new Map<Node, Storage>()
  private readonly parts: Part[] = []
  private readonly places: { readonly place: { offset: number }; readonly storage: Storage }[] = []
  /** The loops around the next instruction, outermost first, and what they touch of the memory outside of them. */
  private readonly loops: { readonly begin: number; readonly outer: Set<Storage>; readonly part?: Part }[] = []

  block(block: Block): void {
    const clusters = fuse(block)
    const copied = settle(block, clusters)
    for (const cluster of clusters) this.call(cluster)
    for (const store of copied) this.call(clusterOf(copyTo(store, block)))
  }

  private call(cluster: Cluster): void {
    const { task } = cluster.node
    if (cluster.kind === 'rows') this.instructions.push(rowsOf(cluster, (ref) => this.view(ref)))
    else if (task.kind === 'loop') this.loop(task.count, task.body)
    else if (task.kind !== 'memory') {
      const call = mapRefs(task, (ref) => this.place(ref))
      this.instructions.push({ ...call, out: this.place(whole(cluster.node)) } as Instruction)
    }
  }

  private loop(count: number, body: Block): void {
    const part = this.loops.length === 0 && count > 1 && isParallel(body) ? { offset: 0, elements: 0 } : undefined
    if (part) this.parts.push(part)
    const loop = { begin: this.instructions.length, outer: new Set<Storage>(), part }
    this.loops.push(loop)
    this.instructions.push({ kind: 'loop', count, own: part })
    this.block(body)
    // what stands outside lives through all iterations
    for (const storage of loop.outer) storage.last = this.instructions.length
    this.instructions.push({ kind: 'end' })
    this.loops.pop()
  }

  view(ref: Ref): View {
    return this.place(ref, { axes: ref.axes })
  }

  /** The address of a view, used by the next instruction. */
  private place<More extends object>({ base, offset, steps }: Ref, more = {} as More): Place & More {
    let node = base
    for (; node.home; node = node.home.base) {
      const { home } = node
      offset += home.offset
      steps = Array.from(
        { length: Math.max(steps.length, home.steps.length) },
        (_, depth) => (steps[depth] ?? 0) + (home.steps[depth] ?? 0),
      )
    }
    const { task } = node
    if (task.kind === 'buffer' && !this.buffers.includes(task.buffer)) this.buffers.push(task.buffer)
    const buffer = task.kind === 'buffer' ? this.buffers.indexOf(task.buffer) + 1 : 0
    const place = { buffer, offset, steps, ...more }
    if (task.kind !== 'buffer' && task.kind !== 'iota') this.places.push({ place, storage: this.touch(node) })
    return place
  }

  private touch(node: Node): Storage {
    const now = this.instructions.length
    const loop = this.loops[node.block.depth]
    const part = node.block.depth > 0 ? this.loops[0].part : undefined
    const known = this.storages.get(node)
    const storage = known ?? { elements: sizeOf(node.shape), part, first: loop?.begin ?? now, last: now, offset: 0 }
    storage.last = now
    this.storages.set(node, storage)
    loop?.outer.add(storage)
    return storage
  }

  plan(inputs: readonly Port[], outputs: readonly Port[]): Plan {
    const { instructions, buffers } = this
    const arena = placeAll([...this.storages.values()], this.parts)
    for (const { place, storage } of this.places) place.offset += storage.offset
    const total = (kind: Buffer['kind']): number =>
      buffers.reduce((sum, buffer) => sum + (buffer.kind === kind ? buffer.elements : 0), 0)
    const replay = [...this.storages].reduce(
      (sum, [{ task }, { elements }]) => sum + (task.kind === 'memory' && task.replay ? elements : 0),
      0,
    )
    const memory = { arena, replay, inputs: total('input'), variables: total('variable') }
    return { buffers: [{ kind: 'arena', elements: arena }, ...buffers], instructions, inputs, outputs, memory }
  }
}

/** Whether no iteration needs anything of another one. */
const isParallel = ({ nodes }: Block): boolean => nodes.every(({ task }) => task.kind !== 'carry')

/**
 * Lets each stored value be computed right where it is wanted, if nothing reads any more what lies there. Returns the
 * stores that need a copy.
 */
function settle(block: Block, clusters: readonly Cluster[]): Store[] {
  const makers = new Map<Node, number>()
  const readers = new Map<Node, { readonly at: number; readonly ref: Ref }[]>(
    block.stores.map(({ into }) => [into.base, []]),
  )
  for (const [at, { stores, members }] of clusters.entries()) {
    for (const origin of stores.map(originOf)) if (!makers.has(origin)) makers.set(origin, at)
    for (const node of members) for (const ref of refsOf(node)) readers.get(ref.base)?.push({ at, ref })
  }
  return block.stores.filter(({ value, into }) => {
    if (!isWhole(value)) return true
    // sums that add to what is there lie where the first of them does
    let root = value.base
    while (root.home && accumulates(root.task)) root = root.home.base
    if (root === into.base) return false
    if (!isComputed(root) || root.home || root.block !== block) return true
    const first = makers.get(root) ?? -1
    const maker = clusters[first]
    // at the same time is early enough where lane after lane is read and written
    const lanes = maker?.kind === 'rows' && maker.members.has(root) && levelOf(root, maker) === 'full'
    const free = readers.get(into.base)!.every(({ at, ref }) => at < first || (at === first && lanes && isWhole(ref)))
    if (free) root.home = into
    return !free
  })
}

const originOf = (node: Node): Node => (node.home ? originOf(node.home.base) : node)
