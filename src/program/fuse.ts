import { sizeOf } from '../tensor/shape.ts'
import { elementsOf, merged } from './axes.ts'
import { type Block, isComputed, isWhole, type Node, type Ref, refsOf } from './graph.ts'
import type { Level } from './plan.ts'

/** One kernel call to be: a node of its own kind, or nodes fused into one `rows` call. */
export interface Cluster {
  readonly kind: 'kernel' | 'rows'
  /** The node that it began with. */
  readonly node: Node
  readonly position: number
  /** How many it goes over. A member has a value for each, or one for each row of them. */
  elements: number
  /** Elements of a row, once a member asks for rows. */
  width: number | undefined
  readonly members: Set<Node>
  /** The nodes whose values it writes to memory. */
  readonly stores: Node[]
}

interface Use {
  readonly cluster: Cluster
  readonly ref: Ref
}

/** A row longer than this is reduced by a kernel of its own. */
export const WIDEST_ROW = 4096
const LARGEST_CLUSTER = 96
/** A chain of at most so many operations may be computed twice to save keeping its result. */
const CHEAP = 16

/**
 * Fuses elementwise operations and reductions over rows into `rows` calls. Walks the block backwards and places each
 * node in the cluster of its first consumer where it fits: there everything that reads it comes later, so that no circle
 * can arise. A result that other clusters read, too, is either written to memory or, where it is cheap and comes from
 * one large operand, computed again in each. Returns the clusters in the order of execution.
 */
export function fuse({ nodes, kept }: Block): Cluster[] {
  const uses = new Map<Node, Use[]>(nodes.map((node) => [node, []]))
  const clusters: Cluster[] = []
  const isCheap = cheapNodes(nodes, kept)

  const join = (cluster: Cluster, node: Node): void => {
    for (const ref of refsOf(node)) uses.get(ref.base)?.push({ cluster, ref })
  }

  for (const node of [...nodes].reverse()) {
    const readers = uses.get(node)!
    if (!isComputed(node) || (readers.length === 0 && !kept.has(node))) continue
    const groups = [...new Set(readers.map(({ cluster }) => cluster))]
    const fitting = groups.filter((cluster) => fits(node, cluster, readers))
    const stored = kept.has(node) || groups.length === 0 || fitting.length < groups.length
    const again = groups.length === 1 || isCheap(node)
    const first = groups.reduce((a, b) => (a.position < b.position ? a : b), groups[0])
    const chosen = !stored && again ? fitting : fitting.filter((cluster) => cluster === first)
    for (const cluster of chosen) {
      enter(cluster, node)
      join(cluster, node)
      if (stored || !again) cluster.stores.push(node)
    }
    if (chosen.length === 0) {
      clusters.push(clusterOf(node, -clusters.length))
      join(clusters[clusters.length - 1], node)
    }
  }
  return mergeNeighbours(clusters.reverse())
}

/** The cluster of one node. */
export function clusterOf(node: Node, position = 0): Cluster {
  const { task, shape } = node
  const kind = fuses(node) ? 'rows' : 'kernel'
  const width = task.kind === 'reduce' ? widthOf(node) : undefined
  const stores = task.kind === 'loop' ? task.body.stores.map(({ into }) => into.base) : [node]
  return { kind, node, position, elements: sizeOf(shape) * (width ?? 1), width, members: new Set([node]), stores }
}

/** Whether a member of a cluster has a value for each element or for each row. */
export const levelOf = ({ task, shape }: Node, { elements }: Cluster): Level =>
  task.kind !== 'reduce' && sizeOf(shape) === elements ? 'full' : 'row'

function enter(cluster: Cluster, node: Node): void {
  const size = sizeOf(node.shape)
  if (size !== cluster.elements) cluster.width = cluster.elements / size
  else if (node.task.kind === 'reduce') {
    // the cluster's elements become the rows of a wider one
    cluster.width = widthOf(node)
    cluster.elements *= cluster.width
  }
  cluster.members.add(node)
}

/** The length of what a reduction reduces. */
const widthOf = ({ task }: Node): number => (task.kind === 'reduce' ? elementsOf(task.reduced) : 1)

/** Whether a node can be a member of a `rows` call: of reductions those over short rows that are the inner axes in memory. */
export function fuses(node: Node): boolean {
  const { task } = node
  if (task.kind !== 'reduce') return task.kind === 'elementwise'
  const length = widthOf(node)
  if (length === 0 || length > WIDEST_ROW) return false
  return task.x.base.task.kind === 'elementwise' ? isWhole(task.x) : Math.abs(task.reduced.at(-1)?.stride ?? 0) <= 1
}

/** Whether a view shows a node as members of a cluster have their values: lane for lane, or one value for each row. */
function shows(ref: Ref, { elements, width }: Pick<Cluster, 'elements' | 'width'>): boolean {
  if (isWhole(ref)) return true
  const rows = merged(ref.axes)
  const row = rows.pop()
  if (row?.stride !== 0 || row.size !== (width ?? row.size)) return false
  return elements > 0 && elementsOf(ref.axes) === elements && isWhole({ ...ref, axes: rows })
}

/** Whether a node can join a cluster that reads it. */
function fits(node: Node, cluster: Cluster, readers: readonly Use[]): boolean {
  const { kind, elements, width, members } = cluster
  if (kind !== 'rows' || !fuses(node) || members.size >= LARGEST_CLUSTER) return false
  if (readers.some((reader) => reader.cluster === cluster && !shows(reader.ref, cluster))) return false
  const reduces = node.task.kind === 'reduce'
  if (sizeOf(node.shape) === elements) return !reduces || width === undefined
  const row = elements / sizeOf(node.shape)
  return row <= WIDEST_ROW && (!reduces || row === widthOf(node))
}

/**
 * Joins a cluster to the one before it whose results it reads, lane for lane, where all else that it reads is there by
 * then: two passes over the same rows become one, and what both had to compute is computed once.
 */
function mergeNeighbours(clusters: readonly Cluster[]): Cluster[] {
  const madeBy = new Map<Node, number>()
  const result: Cluster[] = []
  for (const cluster of clusters) {
    const at = hostOf(cluster, result, madeBy)
    const host = result[at]
    if (host) {
      host.width ??= cluster.width
      for (const node of cluster.members) host.members.add(node)
      host.stores.push(...cluster.stores)
    } else result.push(cluster)
    for (const node of [cluster.node, ...cluster.stores]) madeBy.set(node, host ? at : result.length - 1)
  }
  return result
}

/** The number of the cluster that another one can join, or -1. */
function hostOf(cluster: Cluster, before: readonly Cluster[], madeBy: ReadonlyMap<Node, number>): number {
  const reads = [...cluster.members].flatMap(refsOf).filter(({ base }) => !cluster.members.has(base))
  // what several clusters write, none of them hosts
  if (cluster.kind !== 'rows' || reads.some(({ base }) => base.task.kind === 'memory')) return -1
  const at = Math.max(-1, ...reads.map(({ base }) => madeBy.get(base) ?? -1))
  const host = before[at]
  if (host?.kind !== 'rows' || host.elements !== cluster.elements) return -1
  if (host.members.size + cluster.members.size > LARGEST_CLUSTER) return -1
  const { elements, width = cluster.width } = host
  if (cluster.width !== undefined && cluster.width !== width) return -1
  return reads.every((ref) => !host.members.has(ref.base) || shows(ref, { elements, width })) ? at : -1
}

/** Whether an elementwise node would be computed again from one large operand in memory at most, and at little cost. */
function cheapNodes(nodes: readonly Node[], kept: ReadonlySet<Node>): (node: Node) => boolean {
  const inMemory = new Set(kept)
  for (const node of nodes) if (!fuses(node)) for (const { base } of refsOf(node)) inMemory.add(base)
  const known = new Map<Node, { operands: Set<Node>; cost: number }>()
  for (const node of nodes) {
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
  return (node) => {
    const found = known.get(node)
    return found !== undefined && found.operands.size <= 1 && found.cost <= CHEAP
  }
}

/** How many elements a view reads, each counted once. */
const distinct = ({ base, axes }: Ref): number =>
  base.task.kind === 'iota' ? 0 : elementsOf(axes.filter(({ stride }) => stride !== 0))
