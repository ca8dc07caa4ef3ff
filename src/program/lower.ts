import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import { type Allocation, allocate, type Part } from './allocation.ts'
import { bring } from './build.ts'
import { type Cluster, clusterOf, fuse } from './fuse.ts'
import { fusedOf } from './fused.ts'
import { addNode, Block, copyOf, isComputed, mapRefs, type Node, type Ref, whole } from './graph.ts'
import { accumulate, begin, copyTo, keep, located, reuse, settle } from './in-place.ts'
import type { Buffer, Instruction, Place, Plan, Port, View } from './plan.ts'
import { joinSiblings } from './siblings.ts'

/** What a program computes, by name, and which variables it sets when it ends. */
export interface Goal {
  readonly inputs: Readonly<Record<string, Tensor>>
  readonly outputs: Readonly<Record<string, Tensor>>
  readonly updates: readonly (readonly [Variable, Tensor])[]
}

/**
 * The stages of compiling, in order. Each takes seconds for a long loop that is unrolled. `pipelines` comes afterwards, while
 * a GPU's own compiler works, which may take minutes where the GPU is software.
 */
export type Stage = 'formulas' | 'graph' | 'kernels' | 'memory' | 'loading' | 'pipelines'

/** Hears of each stage that begins; of `pipelines` whenever one is compiled, how many of them are. */
export type Told = (stage: Stage, done?: number, of?: number) => void

/** Makes the plan of a program: nodes, clusters, kernel calls, then memory. */
export function lower({ inputs, outputs, updates }: Goal, told: Told = () => {}): Plan {
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
    return { name, tensor, ref: isComputed(ref.base) || isInput(ref.base) ? ref : copyOf(ref, top) }
  })
  for (const { ref } of results) top.kept.add(ref.base)
  for (const [variable, value] of updates) keep({ value: top.find(value)!, into: top.find(variable)! }, top)

  told('kernels')
  accumulate(top)
  begin(top)
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

/** Turns blocks into instructions. Their offsets in the arena are filled in when all live ranges are known. */
class Emitter {
  private readonly instructions: Instruction[] = []
  private readonly buffers: Buffer[] = []
  private readonly allocations = new Map<Node, Allocation>()
  private readonly parts: Part[] = []
  private readonly places: { readonly place: { offset: number }; readonly allocation: Allocation }[] = []
  /** The loops around the next instruction, outermost first, with what each touches of the memory outside of it. */
  private readonly loops: { readonly begin: number; readonly outer: Set<Allocation>; readonly part?: Part }[] = []

  block(block: Block): void {
    const clusters = fuse(block)
    const copied = settle(block, clusters)
    reuse(block, clusters)
    for (const cluster of clusters) this.call(cluster)
    for (const store of copied) this.call(clusterOf(copyTo(store, block)))
  }

  private call(cluster: Cluster): void {
    const { task } = cluster.node
    if (cluster.kind === 'fused') this.instructions.push(fusedOf(cluster, (ref) => this.view(ref)))
    else if (task.kind === 'loop') this.loop(task.count, task.body)
    else if (task.kind !== 'memory') {
      const call = mapRefs(task, (ref) => this.place(ref))
      this.instructions.push({ ...call, out: this.place(whole(cluster.node)) } as Instruction)
    }
  }

  private loop(count: number, body: Block): void {
    const part = this.loops.length === 0 && count > 1 && isParallel(body) ? { offset: 0, elements: 0 } : undefined
    if (part) this.parts.push(part)
    const loop = { begin: this.instructions.length, outer: new Set<Allocation>(), part }
    this.loops.push(loop)
    this.instructions.push({ kind: 'loop', count, threadPrivate: part })
    this.block(body)
    // what is outside is live through all iterations
    for (const allocation of loop.outer) allocation.last = this.instructions.length
    this.instructions.push({ kind: 'end' })
    this.loops.pop()
  }

  view(ref: Ref): View {
    return this.place(ref, { axes: ref.axes })
  }

  /** The address of a view, used by the next instruction. */
  private place<More extends object>(ref: Ref, more = {} as More): Place & More {
    const { base: node, offset, loopStrides } = located(ref)
    const { task } = node
    if (task.kind === 'buffer' && !this.buffers.includes(task.buffer)) this.buffers.push(task.buffer)
    const buffer = task.kind === 'buffer' ? this.buffers.indexOf(task.buffer) + 1 : 0
    const place = { buffer, offset, loopStrides, ...more }
    if (task.kind !== 'buffer' && task.kind !== 'iota') this.places.push({ place, allocation: this.touch(node) })
    return place
  }

  /** Extends the live range of a node to the next instruction. */
  private touch(node: Node): Allocation {
    const now = this.instructions.length
    const loop = this.loops[node.block.depth]
    const part = node.block.depth > 0 ? this.loops[0].part : undefined
    const known = this.allocations.get(node)
    const allocation = known ?? { elements: sizeOf(node.shape), part, first: loop?.begin ?? now, last: now, offset: 0 }
    allocation.last = now
    this.allocations.set(node, allocation)
    loop?.outer.add(allocation)
    return allocation
  }

  plan(inputs: readonly Port[], outputs: readonly Port[]): Plan {
    const { instructions, buffers } = this
    const arena = allocate([...this.allocations.values()], this.parts)
    for (const { place, allocation } of this.places) place.offset += allocation.offset
    const total = (kind: Buffer['kind']): number =>
      buffers.reduce((sum, buffer) => sum + (buffer.kind === kind ? buffer.elements : 0), 0)
    const kept = [...this.allocations].flatMap(([{ task }, one]) =>
      task.kind === 'memory' && task.replay ? [one] : [],
    )
    const keptAt = (now: number): number =>
      kept.reduce((sum, { elements, first, last }) => sum + (first <= now && now <= last ? elements : 0), 0)
    const replay = Math.max(0, ...kept.map(({ first }) => keptAt(first)))
    const memory = { arena, replay, inputs: total('input'), variables: total('variable') }
    return {
      buffers: [{ kind: 'arena', elements: arena }, ...buffers],
      instructions: joinSiblings(instructions),
      inputs,
      outputs,
      memory,
    }
  }
}

/** Whether iterations are independent of each other. */
const isParallel = ({ nodes }: Block): boolean => nodes.every(({ task }) => task.kind !== 'carry')
