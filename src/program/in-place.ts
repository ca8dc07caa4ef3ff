import { sizeOf } from '../tensor/shape.ts'
import { isContiguous, shapeOf } from './axes.ts'
import { type Cluster, fuses, levelOf } from './fuse.ts'
import {
  accumulates,
  type Block,
  copyOf,
  detached,
  identity,
  isComputed,
  isWhole,
  type Node,
  type Ref,
  refsOf,
  type Store,
  whole,
} from './graph.ts'

/*
 * Copy elision. A value that is wanted at a place in the memory of another node is computed there, if that is safe, and
 * copied there otherwise. The node that is computed in place has that place as its `home`, and no memory of its own.
 *
 * Invariant: a kernel that writes to a place leaves nothing behind it that still has to read what stood there before. So a
 * node gets a home only where
 * (1) the value is a whole node of the block that wants it, and has no home yet: it fills the place, and nothing else;
 * (2) all reads of the old content come before the kernel that writes, or are its own, element by element.
 *
 * There are five occasions. `put`, while the graph is built, places a part of a concatenation: nothing reads the whole
 * before its parts are there, so (2) holds. `accumulate`, before kernels are fused, adds a product into the other term of
 * a sum: the sum was the only reader of that term, so (2) holds. `begin`, after it, places what only a copy reads, such as
 * the first value of a carry: that copy was the only reader, and nothing reads the place before it, so (2) holds.
 * `settle`, when the order of kernels is known, places what a block leaves behind: next values of variables and carries,
 * stacked results. There it has to look at every reader. `reuse`, last, computes what is fused in the place of an operand
 * that dies there.
 */

/** The view with all homes followed: its base has memory of its own. */
export function located(ref: Ref): Ref {
  const { home } = ref.base
  if (!home) return ref
  const [long, short] = [ref.loopStrides, home.loopStrides].sort((a, b) => b.length - a.length)
  const loopStrides = short.length === 0 ? long : long.map((stride, depth) => stride + (short[depth] ?? 0))
  return located({ base: home.base, offset: ref.offset + home.offset, axes: ref.axes, loopStrides })
}

/** The node in whose memory a node stands. */
export function holderOf(node: Node): Node {
  return node.home ? holderOf(node.home.base) : node
}

/** A copy of a value at a place. */
export function copyTo({ value, into }: Store, block: Block): Node {
  const node = detached(block, identity(value), shapeOf(value.axes), value.base.dtype, into)
  block.nodes.push(node)
  return node
}

/** Puts a part of a concatenation in its place. What fuses is copied: the copy is fused with it, and costs nothing. */
export function put({ value, into }: Store, block: Block): Ref {
  const { base } = value
  const direct = isComputed(base) && !fuses(base) && !base.home && base.block === block.owner
  if (!direct || !isWhole(value) || !isContiguous(into.axes)) return whole(copyTo({ value, into }, block))
  base.home = into
  return value
}

/** Asks for a value at a place when the block ends. What the block does not compute is copied before any place is written. */
export function keep({ value, into }: Store, block: Block): void {
  const kept = isComputed(value.base) ? value : copyOf(value, block)
  block.stores.push({ value: kept, into })
  block.kept.add(kept.base)
}

/**
 * Turns `x + product` into a product that is added to x where x stands: sums of gradients need no memory for their terms.
 * x is another product, or the carry that this very sum replaces when the block ends.
 */
export function accumulate(block: Block): void {
  const { nodes } = block
  const usedOnce = usedOnceIn(block)
  const replaces = (sum: Node, x: Node): boolean =>
    block.stores.some(({ value, into }) => value.base === sum && isWhole(value) && into.base === x)

  const order = new Map(nodes.map((node, at) => [node, at]))
  for (const node of nodes) {
    if (node.task.kind === 'loop') accumulate(node.task.body)
    if (node.task.kind !== 'elementwise' || node.task.op !== 'add') continue
    const { args } = node.task
    for (const [x, product] of [args, args.toReversed()]) {
      if (!usedOnce(x) || !usedOnce(product)) continue
      if (!canAccumulate(product.base) || accumulates(product.base.task)) continue
      if (!canAccumulate(x.base) && !replaces(node, x.base)) continue
      node.task = { ...product.base.task, accumulate: true } as Node['task']
      node.home = x
      // as soon as both terms are there: the product's operands die early
      order.set(node, Math.max(order.get(x.base)!, order.get(product.base)!))
      break
    }
  }
  nodes.sort((a, b) => order.get(a)! - order.get(b)!)
}

/** Tells whole views that are the only use of their node in its block. */
function usedOnceIn(block: Block): (ref: Ref) => boolean {
  const uses = new Map<Node, number>()
  for (const { base } of [...block.nodes.flatMap(refsOf), ...block.stores.map(({ value }) => value)])
    uses.set(base, (uses.get(base) ?? 0) + 1)
  return (ref) => uses.get(ref.base) === 1 && ref.base.block === block && !block.kept.has(ref.base) && isWhole(ref)
}

/** The node in whose memory a value stands: products that are added to a term stand where the first term does. */
function rootOf(node: Node): Node {
  let root = node
  while (root.home && accumulates(root.task)) root = root.home.base
  return root
}

/** Places what only a copy reads where the copy would put it. What fuses is left alone: the copy is fused with it. */
export function begin(block: Block): void {
  const usedOnce = usedOnceIn(block)
  for (const node of block.nodes) {
    const { task, home } = node
    if (task.kind === 'loop') begin(task.body)
    if (!home || !isCopy(node) || !isContiguous(home.axes)) continue
    const [value] = refsOf(node)
    const root = rootOf(value.base)
    if (!usedOnce(value) || root.home || root.block !== block || !isComputed(root) || fuses(root)) continue
    // its parts may have readers of their own, which come when the place holds something else
    if (
      root.task.kind === 'memory' &&
      block.nodes.some((part) => part.home && holderOf(part) === root && !usedOnce(whole(part)))
    )
      continue
    root.home = home
    node.task = { kind: 'memory', args: [value], replay: false }
  }
}

const canAccumulate = (node: Node): boolean =>
  'accumulate' in node.task && !('op' in node.task && node.task.op === 'max') && !fuses(node)

const isCopy = ({ task }: Node): boolean => task.kind === 'elementwise' && task.op === 'identity'

/** Gives stored values the places where they are wanted as homes. Returns the stores that need a copy. */
export function settle(block: Block, clusters: readonly Cluster[]): Store[] {
  const { stores } = block
  const writers = new Map<Node, number>()
  const readers = new Map<Node, { readonly at: number; readonly node: Node; readonly ref: Ref }[]>(
    stores.map(({ into }) => [into.base, []]),
  )
  for (const [at, { stores, members }] of clusters.entries()) {
    for (const node of stores) {
      const base = holderOf(node)
      if (!writers.has(base)) writers.set(base, at)
    }
    for (const node of members) for (const ref of refsOf(node)) readers.get(ref.base)?.push({ at, node, ref })
  }
  return stores.filter(({ value, into }) => {
    if (!isWhole(value)) return true
    const root = rootOf(value.base)
    if (root === into.base) return false
    if (!isComputed(root) || root.home || root.block !== block) return true
    const first = writers.get(root) ?? -1
    const writer = clusters[first]
    const byElement = writer?.kind === 'fused' && writer.members.has(root) && levelOf(root, writer) === 'inner'
    const safe = readers.get(into.base)!.every(({ at, node, ref }) => {
      // what is stored unchanged is read when it is stored: one copy must not take the place of what another one copies
      const swaps = isCopy(root) && isCopy(node) && node !== root
      return at < first || (at === first && byElement && isWhole(ref) && !swaps)
    })
    if (safe) root.home = into
    return !safe
  })
}

/** Lets what a `fused` call makes element by element take the place of what it is the last to read, element by element. */
export function reuse(block: Block, clusters: readonly Cluster[]): void {
  const last = new Map<Node, number>()
  for (const [at, { members }] of clusters.entries())
    for (const node of members) for (const { base } of refsOf(node)) last.set(base, at)
  /** Whose memory others share, or which has to stay. */
  const needed = new Set([...block.kept, ...block.stores.map(({ value }) => value.base)])
  for (const { home } of block.nodes) if (home) needed.add(home.base)
  const isFree = (node: Node, size: number, at: number): boolean =>
    last.get(node) === at &&
    node.block === block &&
    isComputed(node) &&
    !['memory', 'loop'].includes(node.task.kind) &&
    sizeOf(node.shape) === size &&
    !node.home &&
    !needed.has(node)
  for (const [at, cluster] of clusters.entries()) {
    if (cluster.kind !== 'fused') continue
    const { members, elements } = cluster
    const reads = [...members].flatMap(refsOf).filter(({ base }) => !members.has(base))
    const free = [...new Set(reads.map(({ base }) => base))].filter(
      (node) => isFree(node, elements, at) && reads.every((ref) => ref.base !== node || isWhole(ref)),
    )
    for (const node of cluster.stores) {
      if (node.home || isCopy(node) || levelOf(node, cluster) !== 'inner') continue
      const at = free.findIndex(({ dtype }) => dtype === node.dtype)
      if (at < 0) continue
      node.home = whole(free.splice(at, 1)[0])
      // its memory is not its own
      needed.add(node.home.base)
    }
  }
}
