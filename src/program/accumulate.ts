import { fuses } from './fuse.ts'
import { type Block, isWhole, type Node, type Ref, refsOf, resultsOf } from './graph.ts'

/**
 * Turns `x + product` into a product that adds into the memory of x, where nobody else reads x: sums of gradients then
 * need no memory for their terms. x is another product, or a loop's carry that comes back as this sum.
 * Returns, for each x that is another product, the node that goes on in its place.
 */
export function accumulate(block: Block, kept: ReadonlySet<Node>, continued = new Map<Node, Node>()): Map<Node, Node> {
  const readers = new Map<Node, number>()
  const count = (within: Block): void => {
    for (const { task } of within.nodes) {
      for (const { base } of [...refsOf(task), ...resultsOf(task)]) readers.set(base, (readers.get(base) ?? 0) + 1)
      if (task.kind === 'loop') count(task.body)
    }
  }
  count(block)
  visit(block, new Map())
  return continued

  function visit(within: Block, carried: ReadonlyMap<Node, Node>): void {
    for (const node of [...within.nodes]) {
      const { task } = node
      if (task.kind === 'loop') {
        visit(
          task.body,
          new Map(
            task.carries.flatMap(({ leaf, result }, i) =>
              isWhole(result) && !task.records.has(i) ? [[leaf, result.base]] : [],
            ),
          ),
        )
      } else if (task.kind === 'elementwise' && task.op === 'add') {
        const [a, b] = task.args
        if (!fold(node, a, b, within, carried)) fold(node, b, a, within, carried)
      }
    }
  }

  function fold(node: Node, x: Ref, product: Ref, within: Block, carried: ReadonlyMap<Node, Node>): boolean {
    const { task } = product.base
    const alone = ({ base }: Ref): boolean => readers.get(base) === 1 && !kept.has(base) && base.block === within
    if (!isWhole(product) || !isWhole(x) || x.base === product.base || !alone(product) || !alone(x)) return false
    if (!isProduct(product.base) || ('into' in task && task.into)) return false
    if (carried.get(x.base) !== node && !isProduct(x.base)) return false
    if (isProduct(x.base)) continued.set(x.base, node)
    node.task = { ...task, into: x } as Node['task']
    // at once where both terms are there, so that what the product reads can go
    const { nodes } = within
    nodes.splice(nodes.indexOf(node), 1)
    nodes.splice(1 + Math.max(nodes.indexOf(x.base), nodes.indexOf(product.base)), 0, node)
    return true
  }
}

const isProduct = ({ task }: Node): boolean =>
  task.kind === 'matmul' || task.kind === 'scatterAdd' || (task.kind === 'reduce' && task.op === 'sum' && !fuses(task))
