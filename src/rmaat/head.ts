import { feedForward } from '../nn/feed-forward.ts'
import { init } from '../nn/init.ts'
import { type LinearWeights, linearParameters } from '../nn/linear.ts'
import { concat } from '../ops/views.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Two layers from a token, from the mean of the tokens, or from what `joined` makes of the means of two texts, to the classes. */
export const headParameters = (width: number, classes: number, towers: 1 | 2) => ({
  head1: linearParameters(towers === 1 ? width : 4 * width, width),
  head2: linearParameters(width, classes, init.normal(width ** -0.5 / 2)),
})

export interface HeadWeights {
  readonly head1: LinearWeights
  readonly head2: LinearWeights
}

/** A token or several x [..., d] -> logits [..., classes]. */
export const answer = (x: Tensor, { head1, head2 }: HeadWeights, drop: (x: Tensor) => Tensor): Tensor =>
  feedForward(drop(x), { up: head1, down: head2 })

/**
 * The mean over the tokens x [B, N, d] where `seen`, f32 [B, N], is 1 -> logits [B, classes]; of two towers, whose texts are rows
 * by turns, [B / 2, classes].
 */
export function classify(
  x: Tensor,
  seen: Tensor,
  head: HeadWeights,
  drop: (x: Tensor) => Tensor,
  towers: 1 | 2 = 1,
): Tensor {
  const keep = seen.reshape([...seen.shape, 1])
  const pooled = x.mul(keep).sum(1).div(seen.sum(-1, true))
  return answer(towers === 1 ? pooled : joined(pooled), head, drop)
}

/** Two texts a, b, rows by turns [B, d] -> a, b, a b and a - b [B / 2, 4 d] (natural language inference; Mou et al. 2016). */
function joined(pooled: Tensor): Tensor {
  const [rows, width] = pooled.shape
  const texts = pooled.reshape([rows / 2, 2, width])
  const [a, b] = [texts.select(1, 0), texts.select(1, 1)]
  return concat([a, b, a.mul(b), a.sub(b)], 1)
}
