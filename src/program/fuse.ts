import { sizeOf } from '../tensor/shape.ts'
import { elementsOf, merged } from './axes.ts'
import { type Block, isComputed, isWhole, type Node, type Ref, refsOf } from './graph.ts'
import type { Level } from './plan.ts'

/** The nodes of one kernel call: one node, or several that are fused into a `fused` call. */
export interface Cluster {
  readonly kind: 'kernel' | 'fused'
  /** Its first node. */
  readonly node: Node
  readonly position: number
  /** The elements that it iterates over. A member has a value for each, or one for each row of them. */
  elements: number
  /** Elements of a row, once a member has one value for each row. */
  width: number | undefined
  readonly members: Set<Node>
  /** The members that it writes to memory. */
  readonly stores: Node[]
}

interface Use {
  readonly cluster: Cluster
  readonly ref: Ref
}

/** A row longer than this is reduced by a kernel of its own. */
export const WIDEST_ROW = 4096
const LARGEST_CLUSTER = 96
/** A call moves past so many others to join one that has nothing to do with it: further away, results would live too long. */
const NEARBY = 8
/** So many operations may be computed again in each consumer, to save storing their result. */
const CHEAP = 16

/**
 * Fuses elementwise operations and reductions over rows into `fused` calls. Goes backwards, and puts each node into the
 * cluster of its first consumer if it fits: all other consumers come later, so that no cycle can arise. A value that
 * other clusters use, too, is stored, or computed again in each if that is cheap and reads one large operand at most.
 * Returns the clusters in the order of execution.
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
  const kind = fuses(node) ? 'fused' : 'kernel'
  const width = task.kind === 'reduce' ? widthOf(node) : undefined
  const stores = task.kind === 'loop' ? task.body.stores.map(({ into }) => into.base) : [node]
  return { kind, node, position, elements: sizeOf(shape) * (width ?? 1), width, members: new Set([node]), stores }
}

/** Whether a member of a cluster has a value for each element or for each row. */
export const levelOf = ({ task, shape }: Node, { elements }: Cluster): Level =>
  task.kind !== 'reduce' && sizeOf(shape) === elements ? 'inner' : 'outer'

function enter(cluster: Cluster, node: Node): void {
  const size = sizeOf(node.shape)
  if (size !== cluster.elements) cluster.width = cluster.elements / size
  else if (node.task.kind === 'reduce') {
    // the cluster's elements become rows
    cluster.width = widthOf(node)
    cluster.elements *= cluster.width
  }
  cluster.members.add(node)
}

/** How many elements a reduction reduces to one. */
const widthOf = ({ task }: Node): number => (task.kind === 'reduce' ? elementsOf(task.reduced) : 1)

/** Whether a node can be fused: elementwise operations, and reductions over short rows along the inner axes in memory. */
export function fuses(node: Node): boolean {
  const { task } = node
  if (task.kind !== 'reduce') return task.kind === 'elementwise'
  const length = widthOf(node)
  if (length === 0 || length > WIDEST_ROW) return false
  return task.x.base.task.kind === 'elementwise' ? isWhole(task.x) : Math.abs(task.reduced.at(-1)?.stride ?? 0) <= 1
}

/** Whether a view is a node's value as a cluster holds it: element by element, or broadcast along the row. */
function matches(ref: Ref, { elements, width }: Pick<Cluster, 'elements' | 'width'>): boolean {
  if (isWhole(ref)) return true
  const rows = merged(ref.axes)
  const row = rows.pop()
  if (row?.stride !== 0 || row.size !== (width ?? row.size)) return false
  return elements > 0 && elementsOf(ref.axes) === elements && isWhole({ ...ref, axes: rows })
}

/** Whether a node can join a cluster that uses it. */
function fits(node: Node, cluster: Cluster, readers: readonly Use[]): boolean {
  const { kind, elements, width, members } = cluster
  if (kind !== 'fused' || !fuses(node) || members.size >= LARGEST_CLUSTER) return false
  if (readers.some((reader) => reader.cluster === cluster && !matches(reader.ref, cluster))) return false
  const reduces = node.task.kind === 'reduce'
  if (sizeOf(node.shape) === elements) return !reduces || width === undefined
  const row = elements / sizeOf(node.shape)
  return row <= WIDEST_ROW && (!reduces || row === widthOf(node))
}

/**
 * Joins a cluster to an earlier one whose results it uses, element by element, if its other operands are there by then:
 * two passes over the same rows become one, and what both computed is computed once. Else to one nearby over as many
 * elements: two calls become one.
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
  if (cluster.kind !== 'fused') return -1
  const reads = [...cluster.members].flatMap(refsOf).filter(({ base }) => !cluster.members.has(base))
  const at = Math.max(-1, ...reads.map(({ base }) => madeBy.get(base) ?? -1))
  // a memory is filled by several clusters
  const filled = reads.some(({ base }) => base.task.kind === 'memory')
  if (!filled && canJoin(cluster, before[at], reads)) return at
  // from here on all that it reads is there
  for (let i = before.length - 1, passed = 0; i > at && passed <= NEARBY; i--) {
    if (canJoin(cluster, before[i], [])) return i
    if (before[i].node.task.kind !== 'memory') passed++
  }
  return -1
}

/** Whether a cluster's members can be computed in an earlier one, which makes some of what they read. */
function canJoin(cluster: Cluster, host: Cluster | undefined, reads: readonly Ref[]): boolean {
  if (host?.kind !== 'fused' || host.elements !== cluster.elements) return false
  if (host.members.size + cluster.members.size > LARGEST_CLUSTER) return false
  const { elements, width = cluster.width } = host
  if (cluster.width !== undefined && cluster.width !== width) return false
  return reads.every((ref) => !host.members.has(ref.base) || matches(ref, { elements, width }))
}

/** Which elementwise nodes are cheap to compute again: few operations on at most one large operand in memory. */
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

/** How many different elements a view has. */
const distinct = ({ base, axes }: Ref): number =>
  base.task.kind === 'iota' ? 0 : elementsOf(axes.filter(({ stride }) => stride !== 0))
