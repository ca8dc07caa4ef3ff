import { fuses } from './fuse.ts'
import { accumulates, type Block, isWhole, type Node, type Ref, refsOf } from './graph.ts'

/**
 * Turns `x + product` into a product that adds into the memory of x, where nobody else reads x: sums of gradients then
 * need no memory for their terms. x is another product, or what this very sum replaces when the block ends: a carry.
 */
export function accumulate(block: Block): void {
  const { nodes, kept } = block
  const readers = new Map<Node, number>()
  for (const { base } of [...nodes.flatMap(refsOf), ...block.stores.map(({ value }) => value)])
    readers.set(base, (readers.get(base) ?? 0) + 1)
  const alone = (ref: Ref): boolean =>
    readers.get(ref.base) === 1 && ref.base.block === block && !kept.has(ref.base) && isWhole(ref)
  const replaces = (sum: Node, x: Node): boolean =>
    block.stores.some(({ value, into }) => value.base === sum && isWhole(value) && into.base === x)

  const order = new Map(nodes.map((node, at) => [node, at]))
  for (const node of nodes) {
    if (node.task.kind === 'loop') accumulate(node.task.body)
    if (node.task.kind !== 'elementwise' || node.task.op !== 'add') continue
    const [a, b] = node.task.args
    for (const [x, product] of [
      [a, b],
      [b, a],
    ]) {
      if (!alone(x) || !alone(product)) continue
      if (!isProduct(product.base) || accumulates(product.base.task)) continue
      if (!isProduct(x.base) && !replaces(node, x.base)) continue
      node.task = { ...product.base.task, accumulate: true } as Node['task']
      node.home = x
      // at once where both terms are there, so that what the product reads can go
      order.set(node, Math.max(order.get(x.base)!, order.get(product.base)!))
      break
    }
  }
  nodes.sort((a, b) => order.get(a)! - order.get(b)!)
}

const isProduct = (node: Node): boolean =>
  'accumulate' in node.task && !('op' in node.task && node.task.op === 'max') && !fuses(node)
