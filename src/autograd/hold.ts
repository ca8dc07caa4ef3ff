import { type Contraction, sizesOf } from '../ops/contraction.ts'
import { type LoopSpec, reachable } from '../ops/loop.ts'
import { costly } from '../ops/rounded.ts'
import { entryOf } from '../ops/table.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'

// What an element costs where it is computed by itself, in multiply-adds of a large product: most of it is memory.
const STEP = 4
const COSTLY = 32
/** What is held is written and read: it has to save so much for each element. */
const LEAST = 2 * STEP

/**
 * Of `nodes`, which a gradient would compute again as far as `wanted` needs them, those that are better held: at most `most`.
 * Greedy: next comes what saves the most work for its size, beside what is held already. Work is estimated from the shapes.
 */
export function worthHolding(nodes: ReadonlySet<Tensor>, wanted: readonly Tensor[], most: number): Set<Tensor> {
  const held = new Set<Tensor>()
  const costs = new Map<Tensor, number>([...nodes].map((node) => [node, costOf(node)]))
  const again = (more?: Tensor): Tensor[] =>
    reachable(wanted, (node) => !nodes.has(node) || held.has(node) || node === more)
  const work = (list: readonly Tensor[]): number => list.reduce((sum, node) => sum + costs.get(node)!, 0)
  while (held.size < most) {
    const now = again()
    const before = work(now)
    let [best, gain] = [undefined as Tensor | undefined, LEAST]
    for (const node of now) {
      if (node.op === 'loop' || (node.op !== 'loopResult' && costs.get(node) === 0)) continue
      const found = (before - work(again(node))) / sizeOf(node.shape)
      if (found > gain) [best, gain] = [node, found]
    }
    if (!best) break
    held.add(best)
  }
  return held
}

/** Multiply-adds of a product, or what counts as such; 0 of what is an address. */
function costOf({ op, inputs, shape, attributes }: Tensor): number {
  const size = sizeOf(shape)
  if (op === 'einsum') {
    const [{ shape: left }, { shape: right }] = inputs
    return [...sizesOf(attributes as Contraction, left, right).values()].reduce((a, b) => a * b, 1)
  }
  if (op === 'loop') {
    const { count, carries, stacked } = attributes as LoopSpec
    const body = reachable([...carries.map(({ result }) => result), ...stacked])
    return count * body.reduce((sum, node) => sum + costOf(node), 0)
  }
  const { scalar, formula } = entryOf(op)
  if (formula) return size * COSTLY
  if (scalar) return size * (Object.values(scalar).some((name) => costly.has(name)) ? COSTLY : STEP)
  return ['sum', 'max', 'gather', 'scatterAdd', 'scan'].includes(op) ? STEP * sizeOf(inputs[0].shape) : 0
}
