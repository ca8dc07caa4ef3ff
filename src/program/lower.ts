import { RmaatError } from '../errors.ts'
import { sizesOf } from '../ops/contraction.ts'
import { reachable } from '../ops/loop.ts'
import { contiguousStrides, sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import { accumulate } from './accumulate.ts'
import { type Cluster, type Fused, fuse, type Placement, type RowsCluster } from './fuse.ts'
import {
  addInput,
  Block,
  bring,
  copyOf,
  detachedCopy,
  isWhole,
  type Location,
  mergeAxes,
  type Node,
  type Ref,
  refsOf,
  resultsOf,
} from './graph.ts'
import type { Buffer, Instruction, Place, Plan, Port, View } from './plan.ts'
import { draftRows, finishRows, type Target } from './rows.ts'
import { makeStorage, placeByLifetime, type Storage } from './storage.ts'

/** What a program computes, by name, and which variables it sets when it ends. */
export interface Goal {
  readonly inputs: Readonly<Record<string, Tensor>>
  readonly outputs: Readonly<Record<string, Tensor>>
  readonly updates: readonly (readonly [Variable, Tensor])[]
}

/** A kernel call whose addresses are not known yet, and the memory that it touches. */
interface Draft {
  readonly block: Block
  readonly touches: readonly Storage[]
  readonly finish: () => Instruction
}

/** Makes the plan of a program: nodes, clusters, kernel calls, then memory. */
export function lower({ inputs, outputs, updates }: Goal): Plan {
  const top = new Block()
  for (const [name, tensor] of Object.entries(inputs)) addInput(tensor, name, top)
  // oldest first: what is computed early dies early
  for (const tensor of reachable([...Object.values(outputs), ...updates.map(([, tensor]) => tensor)]))
    bring(tensor, top)
  const ports = Object.entries(outputs).map(([name, tensor]) => ({ name, tensor, ref: bring(tensor, top) }))
  const sets = updates.map(([variable, tensor]) => ({ variable, ref: bring(tensor, top) }))
  // reading a variable shows its value before the run, even where the run changes it
  const results = ports.map((port) => (inMemory(port.ref.base) ? port : { ...port, ref: copyOf(port.ref, top) }))
  const values = sets.map((set) => (isComputed(set.ref.base) ? set : { ...set, ref: copyOf(set.ref, top) }))
  const kept = new Set([...results, ...values].map(({ ref }) => ref.base))

  const continued = accumulate(top, kept)
  const placements = new Map<Node, Placement>()
  const fused = fuse(top, kept, placements)
  const emitter = new Emitter(top, placements, continued)
  emitter.program(fused, values)
  const outputStorages = results.map(({ ref }) => emitter.locate(ref.base).storage)
  const { arena, replay } = emitter.placeArena(outputStorages)

  const buffers = emitter.buffers
  const inputPorts = Object.entries(inputs).map(([name, tensor]): Port => {
    const ref = bring(tensor, top)
    return { name, dtype: tensor.dtype, shape: tensor.shape, view: emitter.view(ref.base, ref) }
  })
  const instructions = emitter.drafts.map(({ finish }) => finish())
  const total = (kind: Buffer['kind']): number =>
    buffers.reduce((sum, buffer) => sum + (buffer.kind === kind ? buffer.elements : 0), 0)
  return {
    buffers: [{ kind: 'arena', elements: arena }, ...buffers.slice(1)],
    instructions,
    inputs: inputPorts,
    outputs: results.map(({ name, tensor, ref }) => ({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      view: emitter.view(ref.base, ref),
    })),
    memory: { arena, replay, inputs: total('input'), variables: total('variable') },
  }
}

const isComputed = ({ task }: Node): boolean =>
  !['input', 'variable', 'data', 'constant', 'iota', 'carry', 'loopResult'].includes(task.kind)
const inMemory = (node: Node): boolean =>
  isComputed(node) || node.task.kind === 'loopResult' || node.task.kind === 'input'

class Emitter {
  readonly drafts: Draft[] = []
  readonly buffers: Buffer[] = [{ kind: 'arena', elements: 0 }]
  private readonly top: Block
  private readonly placements: Map<Node, Placement>
  private readonly continued: Map<Node, Node>
  private readonly numbers = new Map<Storage, number>()
  /** The span of drafts of each loop's body, its LOOP and END included. */
  private readonly spans = new Map<Block, { first: number; last: number }>()

  constructor(top: Block, placements: Map<Node, Placement>, continued: Map<Node, Node>) {
    this.top = top
    this.placements = placements
    this.continued = continued
  }

  program(fused: Fused, updates: readonly { variable: Variable; ref: Ref }[]): void {
    const pending: { ref: Ref; location: Location }[] = []
    for (const { variable, ref } of updates) {
      const leaf = this.top.known.get(`variable ${variable.id} ${variable.dtype} ${variable.shape}`)
      const storage = leaf ? this.locate(leaf).storage : this.variableStorage(variable)
      const location = { storage, offset: 0, steps: [] }
      if (!this.settle(ref, location, fused, leaf)) pending.push({ ref, location })
    }
    this.block(fused, this.top)
    for (const { ref, location } of pending) this.copy(ref, location, this.top)
  }

  /** Lets a result be computed right where it is wanted, if nothing still needs what lies there. */
  private settle(ref: Ref, location: Location, fused: Fused, occupant: Node | undefined): boolean {
    const node = ref.base
    if (!isWhole(ref) || !isComputed(node) || node.location || this.placements.has(node) || this.continued.has(node))
      return false
    // a sum adds to what stands at its place: a carry, or a product that it goes on from
    const into = 'into' in node.task ? node.task.into?.base : undefined
    if (into && into !== occupant && this.continued.get(into) !== node) return false
    if (occupant && !this.free(occupant, node, fused)) return false
    node.location = location
    return true
  }

  /** The last of the sums that go on from a product in its memory. */
  private sumOf(node: Node): Node {
    const next = this.continued.get(node)
    return next ? this.sumOf(next) : node
  }

  /** Whether all that reads `occupant` comes before the cluster that computes `node`, or is that cluster, lane for lane. */
  private free(occupant: Node, node: Node, { clusters }: Fused): boolean {
    const producer = clusters.findIndex((cluster) =>
      cluster.kind === 'rows' ? cluster.stores.includes(node) : this.sumOf(cluster.node) === node,
    )
    return clusters.every((cluster, at) => {
      if (!reads(cluster, occupant)) return true
      if (at !== producer) return at < producer
      if (cluster.kind === 'kernel') {
        const { task } = cluster.node
        const into = 'into' in task ? task.into?.base : undefined
        return into === occupant && refsOf(task).filter(({ base }) => base === occupant).length === 1
      }
      return (
        cluster.levels.get(node) === 'full' &&
        [...cluster.levels].every(([{ task }, level]) =>
          refsOf(task).every(
            (ref) => ref.base !== occupant || (isWhole(ref) && (level === 'full' || task.kind === 'reduce')),
          ),
        )
      )
    })
  }

  private block(fused: Fused, block: Block): void {
    for (const cluster of fused.clusters) {
      if (cluster.kind === 'rows') this.rows(cluster, block)
      else this.kernel(cluster.node, cluster.body, block)
    }
  }

  private rows(cluster: RowsCluster, block: Block): void {
    const draft = draftRows(
      cluster,
      (node) => this.locate(node),
      (node) => this.target(node),
    )
    const touches = draft.operands.flatMap(({ location }) => (location ? [location.storage] : []))
    const finish = (): Instruction =>
      finishRows(draft, (operand) => {
        const { shape, strides, offset, steps } = operand
        const axes = shape.map((size, i) => ({ size, stride: strides[i] }))
        if (!operand.location) return { buffer: 0, offset, steps, axes }
        return { ...this.place(operand.location, { offset, steps }), axes }
      })
    this.drafts.push({ block, touches, finish })
  }

  private copy(ref: Ref, location: Location, block: Block): void {
    const node = detachedCopy(ref, block)
    node.location = location
    this.rows(
      {
        kind: 'rows',
        position: 0,
        elements: sizeOf(ref.shape),
        width: undefined,
        levels: new Map([[node, 'full']]),
        stores: [node],
      },
      block,
    )
  }

  private kernel(node: Node, body: Fused | undefined, block: Block): void {
    const { task } = node
    if (task.kind === 'assemble' || task.kind === 'loopResult') return
    if (task.kind === 'loop') {
      this.loop(node, body!, block)
      return
    }
    const refs = refsOf(task)
    const out = this.locate(node)
    const touches = [...refs.map(({ base }) => this.locate(base).storage), out.storage]
    const at = (ref: Ref): Place => this.place(this.locate(ref.base), ref)
    const accumulating = 'into' in task && task.into !== undefined
    this.drafts.push({ block, touches, finish: () => this.instruction(node, at, this.place(out), accumulating) })
  }

  private instruction(
    { task, dtype, shape }: Node,
    at: (ref: Ref) => Place,
    out: Place,
    accumulating: boolean,
  ): Instruction {
    switch (task.kind) {
      case 'reduce': {
        const axes = (from: number, to: number) => {
          const merged = mergeAxes(task.x.shape.slice(from, to), task.x.strides.slice(from, to))
          return merged.shape.map((size, i) => ({ size, stride: merged.strides[0][i] }))
        }
        const [kept, reduced] = [axes(0, task.keptRank), axes(task.keptRank, task.x.shape.length)]
        return { kind: 'reduce', op: task.op, dtype, accumulate: accumulating, out, x: at(task.x), kept, reduced }
      }
      case 'matmul':
        return { kind: 'matmul', accumulate: accumulating, out, ...contractionAxes(task, at) }
      case 'gather': {
        const { table, indices } = task
        const width = sizeOf(table.shape.slice(1))
        return {
          kind: 'gather',
          dtype,
          table: at(table),
          indices: at(indices),
          out,
          count: sizeOf(indices.shape),
          width,
          tableRows: table.shape[0],
        }
      }
      case 'scatterAdd': {
        const { x, indices } = task
        const count = sizeOf(indices.shape)
        const width = sizeOf(x.shape) / count
        return {
          kind: 'scatterAdd',
          accumulate: accumulating,
          x: at(x),
          indices: at(indices),
          out,
          count,
          width,
          tableRows: sizeOf(shape) / width, // a sum that it went into may have another shape
        }
      }
      default:
        throw new RmaatError('internal', `no kernel for ${task.kind}`)
    }
  }

  private loop(node: Node, body: Fused, block: Block): void {
    const { task } = node
    if (task.kind !== 'loop') return
    const depth = block.depth
    const stepsOf = (step: number): number[] => [...new Array<number>(depth).fill(0), step]
    const begin = this.drafts.length
    const pending: { ref: Ref; location: Location }[] = []
    const results: Location[][] = [[], []]

    task.carries.forEach(({ first, leaf, result }, i) => {
      const size = sizeOf(leaf.shape)
      const recorded = task.records.has(i)
      const storage = makeStorage('arena', recorded ? (task.count + 1) * size : size, block, recorded)
      const step = recorded ? size : 0
      leaf.location = { storage, offset: 0, steps: stepsOf(step) }
      this.copy(first, { storage, offset: 0, steps: [] }, block)
      const location = { storage, offset: step, steps: stepsOf(step) }
      if (!this.settle(result, location, body, recorded ? undefined : leaf)) pending.push({ ref: result, location })
      results[0].push({ storage, offset: step * task.count, steps: [] })
    })
    for (const ref of task.stacked) {
      const size = sizeOf(ref.shape)
      const storage = makeStorage('arena', task.count * size, block)
      const location = {
        storage,
        offset: task.reversed ? (task.count - 1) * size : 0,
        steps: stepsOf(task.reversed ? -size : size),
      }
      if (!this.settle(ref, location, body, undefined)) pending.push({ ref, location })
      results[1].push({ storage, offset: 0, steps: [] })
    }
    this.loops.set(node, results)

    this.drafts.push({ block: task.body, touches: [], finish: () => ({ kind: 'loop', count: task.count }) })
    this.block(body, task.body)
    for (const { ref, location } of pending) this.copy(ref, location, task.body)
    this.drafts.push({ block: task.body, touches: [], finish: () => ({ kind: 'end' }) })
    this.spans.set(task.body, { first: begin, last: this.drafts.length - 1 })
  }
  private readonly loops = new Map<Node, Location[][]>()

  /** Where a member of a cluster is stored. */
  private target(node: Node): Target {
    const placement = this.placements.get(node)
    if (!placement) return { location: this.locate(node), strides: contiguousStrides(node.shape) }
    const location = this.locate(placement.whole)
    return { location: { ...location, offset: location.offset + placement.offset }, strides: placement.strides }
  }

  locate(node: Node): Location {
    node.location ??= this.newLocation(node)
    return node.location
  }

  private newLocation(node: Node): Location {
    const { task } = node
    const next = this.continued.get(node)
    if (next) return this.locate(next)
    if (this.placements.has(node)) return this.target(node).location
    const elements = sizeOf(node.shape)
    switch (task.kind) {
      case 'loopResult': {
        const [carries, stacks] = this.loops.get(task.loop)!
        const location = (task.result.kind === 'stack' ? stacks : carries)[task.result.index]
        return task.result.kind === 'record' ? { ...location, offset: 0 } : location
      }
      case 'variable':
        return { storage: this.variableStorage(task.variable), offset: 0, steps: [] }
      case 'input':
        return this.outside({ kind: 'input', name: task.name, elements })
      case 'data':
        return this.outside({ kind: 'constant', values: task.values, dtype: node.dtype, elements })
      default:
        return { storage: makeStorage('arena', elements, node.block), offset: 0, steps: [] }
    }
  }

  private readonly variables = new Map<number, Storage>()
  private variableStorage({ id, shape }: Variable): Storage {
    const known = this.variables.get(id)
    if (known) return known
    const { storage } = this.outside({ kind: 'variable', id, elements: sizeOf(shape) })
    this.variables.set(id, storage)
    return storage
  }

  private outside(buffer: Exclude<Buffer, { kind: 'arena' }>): Location {
    const storage = makeStorage(buffer.kind, buffer.elements, this.top)
    this.numbers.set(storage, this.buffers.length)
    this.buffers.push(buffer)
    return { storage, offset: 0, steps: [] }
  }

  /** Finds the lifetimes and places what lives in the arena. */
  placeArena(outputs: readonly Storage[]): { arena: number; replay: number } {
    const storages = new Set<Storage>()
    const touch = (storage: Storage, first: number, last: number): void => {
      if (storage.kind !== 'arena') return
      storages.add(storage)
      storage.first = Math.min(storage.first, first)
      storage.last = Math.max(storage.last, last)
    }
    this.drafts.forEach(({ block, touches }, at) => {
      for (const storage of touches) {
        let within: Block | undefined = block
        let span = { first: at, last: at }
        for (; within && within !== storage.block; within = within.parent) span = this.spans.get(within) ?? span
        touch(storage, span.first, span.last)
      }
    })
    for (const storage of outputs) touch(storage, this.drafts.length, this.drafts.length)

    const arena = placeByLifetime([...storages])
    return { arena, replay: [...storages].reduce((sum, { replay, elements }) => sum + (replay ? elements : 0), 0) }
  }

  private place(
    location: Location,
    { offset, steps }: { offset: number; steps: readonly number[] } = { offset: 0, steps: [] },
  ): Place {
    const { storage } = location
    const length = Math.max(location.steps.length, steps.length)
    return {
      buffer: this.numbers.get(storage) ?? 0,
      offset: storage.offset + location.offset + offset,
      steps: Array.from({ length }, (_, i) => (location.steps[i] ?? 0) + (steps[i] ?? 0)),
    }
  }

  view(node: Node, { offset, steps, shape, strides }: Pick<Ref, 'offset' | 'steps' | 'shape' | 'strides'>): View {
    return {
      ...this.place(this.locate(node), { offset, steps }),
      axes: shape.map((size, i) => ({ size, stride: strides[i] })),
    }
  }
}

function reads(cluster: Cluster, node: Node): boolean {
  if (cluster.kind === 'kernel') {
    const { task } = cluster.node
    return (
      [...refsOf(task), ...resultsOf(task)].some(({ base }) => base === node) ||
      (cluster.body?.outer.has(node) ?? false)
    )
  }
  return [...cluster.levels.keys()].some(({ task }) => refsOf(task).some(({ base }) => base === node))
}

type Axes = { a: Place; b: Place } & Pick<Extract<Instruction, { kind: 'matmul' }>, 'batch' | 'm' | 'n' | 'k'>

/** Sorts the axes of a contraction into batch, rows, columns and inner ones, so that the columns are contiguous in the result. */
function contractionAxes(task: Extract<Node['task'], { kind: 'matmul' }>, at: (ref: Ref) => Place): Axes {
  const columnsFromA =
    task.letters.a.includes(task.letters.out.at(-1) ?? ' ') && !task.letters.b.includes(task.letters.out.at(-1) ?? ' ')
  const [a, b] = columnsFromA ? [task.b, task.a] : [task.a, task.b]
  const [aLetters, bLetters] = columnsFromA ? [task.letters.b, task.letters.a] : [task.letters.a, task.letters.b]
  const { out } = task.letters
  const sizes = sizesOf({ a: aLetters, b: bLetters, out }, a.shape, b.shape)
  const outStrides = contiguousStrides([...out].map((letter) => sizes.get(letter)!))
  const strideIn = (letters: string, strides: readonly number[], letter: string): number => {
    const axis = letters.indexOf(letter)
    return axis < 0 ? 0 : strides[axis]
  }
  const axes = (letters: readonly string[]) => {
    const { shape, strides } = mergeAxes(
      letters.map((letter) => sizes.get(letter)!),
      letters.map((letter) => strideIn(aLetters, a.strides, letter)),
      letters.map((letter) => strideIn(bLetters, b.strides, letter)),
      letters.map((letter) => strideIn(out, outStrides, letter)),
    )
    return shape.map((size, i) => ({ size, a: strides[0][i], b: strides[1][i], out: strides[2][i] }))
  }
  const inA = (letter: string): boolean => aLetters.includes(letter)
  const inB = (letter: string): boolean => bLetters.includes(letter)
  const letters = [...out]
  return {
    a: at(a),
    b: at(b),
    batch: axes(letters.filter((letter) => inA(letter) && inB(letter))),
    m: axes(letters.filter((letter) => inA(letter) && !inB(letter))).map(({ size, a, out }) => ({ size, a, out })),
    n: axes(letters.filter((letter) => !inA(letter) && inB(letter))).map(({ size, b, out }) => ({ size, b, out })),
    k: axes([...aLetters].filter((letter) => !out.includes(letter))).map(({ size, a, b }) => ({ size, a, b })),
  }
}
