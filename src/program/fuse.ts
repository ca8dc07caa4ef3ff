import { contiguousStrides, sizeOf } from '../tensor/shape.ts'
import {
  type Block,
  detachedCopy,
  isContiguous,
  isWhole,
  mergeAxes,
  type Node,
  type Ref,
  refsOf,
  resultsOf,
  type Task,
  whole,
} from './graph.ts'
import type { Level } from './plan.ts'

/** One kernel call to be: a node of its own kind, or nodes fused into one `rows` call. */
export type Cluster = RowsCluster | KernelCluster

export interface KernelCluster {
  readonly kind: 'kernel'
  readonly position: number
  readonly node: Node
  /** Of a loop: its body. */
  readonly body?: Fused
}

export interface RowsCluster {
  readonly kind: 'rows'
  readonly position: number
  /** Elements of the `full` values. */
  elements: number
  /** Elements of a row, once a member asks for rows. */
  width: number | undefined
  readonly levels: Map<Node, Level>
  /** The members whose values are written to memory. */
  readonly stores: Node[]
}

export interface Fused {
  /** In the order of execution. */
  readonly clusters: readonly Cluster[]
  /** Nodes of outer blocks that the block reads. */
  readonly outer: ReadonlySet<Node>
}

/** A part of an assembled node: written in place, or computed there in the first place. */
export interface Placement {
  readonly whole: Node
  readonly offset: number
  readonly strides: readonly number[]
}

interface Use {
  readonly cluster: Cluster
  readonly consumer: Node
  readonly ref: Ref
}

/** A row longer than this is reduced by a kernel of its own. */
const WIDEST_ROW = 4096
const LARGEST_CLUSTER = 96
/** A chain of at most so many operations may be computed twice to save keeping its result. */
const CHEAP = 16

/**
 * Fuses elementwise operations and reductions over rows into `rows` calls. Walks the block backwards and places each
 * node in the cluster of its first consumer where it fits: there everything that reads it comes later, so that no circle
 * can arise. A result that other clusters read, too, is either written to memory or, where it is cheap and comes from
 * one large operand, computed again in each.
 *
 * `kept` are nodes that must be in memory whoever reads them. `placements` says which nodes lie inside of others.
 */
export function fuse(block: Block, kept: ReadonlySet<Node>, placements: Map<Node, Placement>): Fused {
  const uses = new Map<Node, Use[]>()
  const outer = new Set<Node>()
  const clusters: Cluster[] = []
  const frontier = frontiers(block, kept)
  let position = 0

  const use = (node: Node, consumer: Node, ref: Ref, cluster: Cluster): void => {
    if (node.block !== block) outer.add(node)
    const list = uses.get(node)
    if (list) list.push({ cluster, consumer, ref })
    else uses.set(node, [{ cluster, consumer, ref }])
  }
  const start = (cluster: Omit<RowsCluster, 'position'> | Omit<KernelCluster, 'position'>): Cluster => {
    const placed = { ...cluster, position: position-- } as Cluster
    clusters.push(placed)
    return placed
  }
  const join = (cluster: RowsCluster, node: Node, level: Level): void => {
    cluster.levels.set(node, level)
    for (const ref of refsOf(node.task)) use(ref.base, node, ref, cluster)
  }
  const startRows = (node: Node): void => {
    const reduce = node.task.kind === 'reduce'
    const width = node.task.kind === 'reduce' ? widthOf(node.task) : undefined
    const elements = sizeOf(node.shape) * (width ?? 1)
    const cluster = start({ kind: 'rows', elements, width, levels: new Map(), stores: [node] }) as RowsCluster
    join(cluster, node, reduce ? 'row' : 'full')
  }

  for (let i = block.nodes.length - 1; i >= 0; i--) {
    const node = block.nodes[i]
    const { task } = node
    const readers = uses.get(node) ?? []
    if (readers.length === 0 && !kept.has(node)) continue
    if (task.kind === 'assemble') {
      // a part becomes a node that is stored in place: what computes it may fuse with the store
      for (const { value, start: at } of [...task.parts].reverse()) {
        const strides = stridesIn(node)
        const offset = at.reduce((sum, index, axis) => sum + index * strides[axis], 0)
        const { base } = value
        const direct =
          !task.fill && base.block === block && makesItself(base) && !placements.has(base) && !kept.has(base)
        if (direct && isWhole(value) && isContiguous({ shape: value.shape, strides })) {
          placements.set(base, { whole: node, offset, strides })
          use(base, node, value, start({ kind: 'kernel', node }))
        } else place(value, { whole: node, offset, strides })
      }
      if (task.fill)
        place(
          { ...task.fill, shape: node.shape, strides: node.shape.map(() => 0) },
          { whole: node, offset: 0, strides: stridesIn(node) },
        )
    } else if (fuses(task)) {
      const groups = [...new Set(readers.map(({ cluster }) => cluster))]
      const fitting = groups.filter((cluster): cluster is RowsCluster => levelIn(cluster, node, readers) !== undefined)
      const stored = kept.has(node) || groups.length === 0 || fitting.length < groups.length
      const again = groups.length === 1 || (task.kind === 'elementwise' && frontier.cheap(node))
      if (!stored && again) for (const cluster of fitting) enter(cluster, node, readers)
      else {
        const first = groups.reduce((a, b) => (a.position < b.position ? a : b), groups[0])
        if (first?.kind === 'rows' && fitting.includes(first)) {
          enter(first, node, readers)
          first.stores.push(node)
        } else startRows(node)
      }
    } else if (task.kind === 'loop') {
      const inside = new Set(resultsOf(task).map(({ base }) => base))
      const body = fuse(task.body, inside, placements)
      const cluster = start({ kind: 'kernel', node, body })
      for (const base of [...body.outer, ...[...inside].filter((base) => base.block !== task.body)])
        use(base, node, whole(base), cluster)
      for (const ref of refsOf(task)) use(ref.base, node, ref, cluster)
    } else if (task.kind === 'loopResult') {
      use(task.loop, node, whole(task.loop), start({ kind: 'kernel', node }))
    } else if (refsOf(task).length) {
      const cluster = start({ kind: 'kernel', node })
      for (const ref of refsOf(task)) use(ref.base, node, ref, cluster)
    }
  }
  return {
    clusters: mergeNeighbours(
      clusters.sort((a, b) => a.position - b.position),
      placements,
    ),
    outer,
  }

  function place(value: Ref, placement: Placement): void {
    const part = detachedCopy(value, block)
    placements.set(part, placement)
    startRows(part)
  }

  function enter(cluster: RowsCluster, node: Node, readers: readonly Use[]): void {
    const { level, width } = levelIn(cluster, node, readers)!
    if (node.task.kind === 'reduce' && level === 'full') {
      // the cluster's elements become the rows of a wider one
      for (const member of cluster.levels.keys()) cluster.levels.set(member, 'row')
      cluster.width = widthOf(node.task)
      cluster.elements *= cluster.width
      join(cluster, node, 'row')
    } else {
      cluster.width ??= width
      join(cluster, node, level)
    }
  }
}

const stridesIn = ({ shape }: Node): number[] => contiguousStrides(shape)
const widthOf = ({ x, keptRank }: { x: Ref; keptRank: number }): number => sizeOf(x.shape.slice(keptRank))
/** Kernels that write a contiguous result wherever they are told. */
const makesItself = ({ task }: Node): boolean =>
  (['matmul', 'scatterAdd', 'gather'].includes(task.kind) || (task.kind === 'reduce' && !fuses(task))) &&
  !('into' in task && task.into)

/** Whether a node can be a member of a `rows` call. */
export const fuses = (task: Task): boolean =>
  task.kind === 'elementwise' || (task.kind === 'reduce' && overRows(task.x, task.keptRank))

/** Whether the reduced axes are the inner ones in memory, and short enough to hold a row. */
function overRows(x: Ref, keptRank: number): boolean {
  const length = sizeOf(x.shape.slice(keptRank))
  if (length === 0 || length > WIDEST_ROW) return false
  if (x.base.task.kind === 'elementwise') return isWhole(x)
  const { shape, strides } = mergeAxes(x.shape.slice(keptRank), x.strides.slice(keptRank))
  return shape.length === 0 || strides[0][shape.length - 1] <= 1
}

/** A row's width where the view repeats each element of its node over a row and is whole otherwise. */
function repeats(ref: Ref): number | undefined {
  if (ref.offset !== 0 || ref.steps.some((step) => step !== 0)) return undefined
  const { shape, strides } = mergeAxes(ref.shape, ref.strides)
  const last = shape.length - 1
  if (last < 0 || shape[last] === 0 || strides[0][last] !== 0) return undefined
  const whole = sizeOf(shape.slice(0, last)) === sizeOf(ref.base.shape)
  return whole && isContiguous({ shape: shape.slice(0, last), strides: strides[0].slice(0, last) })
    ? shape[last]
    : undefined
}

/** The level at which a node can join a cluster: all that reads it there must read it in one way. */
function levelIn(cluster: Cluster, node: Node, readers: readonly Use[]): { level: Level; width?: number } | undefined {
  if (cluster.kind !== 'rows' || cluster.levels.size >= LARGEST_CLUSTER) return undefined
  let found: Level | undefined
  let { width } = cluster
  for (const { cluster: reader, consumer, ref } of readers) {
    if (reader !== cluster) continue
    const level: Level = consumer.task.kind === 'reduce' ? 'full' : cluster.levels.get(consumer)!
    let needed: Level
    if (isWhole(ref)) needed = level
    else {
      const row = level === 'full' ? repeats(ref) : undefined
      if (row === undefined || (width !== undefined && row !== width)) return undefined
      needed = 'row'
      width = row
    }
    if (found !== undefined && found !== needed) return undefined
    found = needed
  }
  if (found === undefined) return undefined
  if (found === 'row' && width !== undefined && width > WIDEST_ROW) return undefined
  if (node.task.kind === 'reduce') {
    const own = widthOf(node.task)
    if (found === 'row' ? width !== own : width !== undefined) return undefined
  }
  return { level: found, width }
}

/**
 * Joins a cluster to the one before it whose results it reads, lane for lane, where all else that it reads is there by
 * then: two passes over the same rows become one, and what both had to compute is computed once.
 */
function mergeNeighbours(clusters: readonly Cluster[], placements: ReadonlyMap<Node, Placement>): Cluster[] {
  const madeAt = new Map<Node, number>()
  const merged: Cluster[] = []
  for (const cluster of clusters) {
    // a part may not be stored before the rest of its whole is filled
    const movable = cluster.kind === 'rows' && !cluster.stores.some((node) => isFilled(placements.get(node)?.whole))
    const at = movable ? hostOf(cluster, merged, madeAt) : -1
    if (cluster.kind === 'rows' && at >= 0) {
      const host = merged[at] as RowsCluster
      host.width ??= cluster.width
      for (const [node, level] of cluster.levels) host.levels.set(node, level)
      host.stores.push(...cluster.stores)
      for (const node of cluster.stores) madeAt.set(node, at)
    } else {
      const made = cluster.kind === 'rows' ? cluster.stores : [cluster.node]
      for (const node of made) madeAt.set(node, merged.length)
      merged.push(cluster)
    }
  }
  return merged
}

const isFilled = (node: Node | undefined): boolean => node?.task.kind === 'assemble' && node.task.fill !== undefined

/** The number of the cluster that another one can join, or -1. */
function hostOf(cluster: RowsCluster, before: readonly Cluster[], madeAt: ReadonlyMap<Node, number>): number {
  const refs = [...cluster.levels].flatMap(([{ task }, level]) =>
    refsOf(task)
      .filter(({ base }) => !cluster.levels.has(base))
      .map((ref) => ({ ref, level: task.kind === 'reduce' ? 'full' : level })),
  )
  // an assembled node is made by several clusters: it hosts none
  const at = refs.reduce(
    (latest, { ref: { base } }) =>
      Math.max(latest, base.task.kind === 'assemble' ? before.length : (madeAt.get(base) ?? -1)),
    -1,
  )
  const host = before[at]
  if (host?.kind !== 'rows' || host.elements !== cluster.elements) return -1
  if (host.levels.size + cluster.levels.size > LARGEST_CLUSTER) return -1
  if (host.width !== cluster.width && host.width !== undefined && cluster.width !== undefined) return -1
  const width = host.width ?? cluster.width
  const agrees = [...cluster.levels].every(([node, level]) => (host.levels.get(node) ?? level) === level)
  const fits = refs.every(({ ref, level }) => {
    const inside = host.levels.get(ref.base)
    if (inside === undefined) return true
    return inside === level ? isWhole(ref) : inside === 'row' && repeats(ref) === width
  })
  return agrees && fits ? at : -1
}

/** Of every elementwise node: the large operands in memory that it would be computed from again, and at what cost. */
function frontiers(block: Block, kept: ReadonlySet<Node>): { cheap: (node: Node) => boolean } {
  const inMemory = new Set(kept)
  for (const { task } of block.nodes) {
    if (!fuses(task)) for (const { base } of refsOf(task)) inMemory.add(base)
    if (task.kind === 'loop') for (const base of readByBody(task.body)) inMemory.add(base)
  }
  const known = new Map<Node, { operands: Set<Node>; cost: number }>()
  for (const node of block.nodes) {
    if (node.task.kind !== 'elementwise') continue
    const operands = new Set<Node>()
    let cost = 1
    for (const ref of node.task.args) {
      const inner = inMemory.has(ref.base) ? undefined : known.get(ref.base)
      if (inner) {
        cost += inner.cost
        for (const operand of inner.operands) operands.add(operand)
      } else if (distinct(ref) * 4 > sizeOf(node.shape)) operands.add(ref.base)
    }
    known.set(node, { operands, cost })
  }
  return {
    cheap: (node) => {
      const { operands, cost } = known.get(node)!
      return operands.size <= 1 && cost <= CHEAP
    },
  }
}

/** How many elements a view reads, each counted once. */
const distinct = ({ base, shape, strides }: Ref): number =>
  base.task.kind === 'iota' ? 0 : sizeOf(shape.filter((_, axis) => strides[axis] !== 0))

function readByBody(body: Block): Node[] {
  return body.nodes.flatMap(({ task }) => [
    ...[...refsOf(task), ...resultsOf(task)].map(({ base }) => base),
    ...(task.kind === 'loop' ? readByBody(task.body) : []),
  ])
}
