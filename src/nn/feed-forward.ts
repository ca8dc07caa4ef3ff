import { aFunction, takes } from '../checks.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { takesLayer } from './layer.ts'
import { type LinearWeights, linear, linearParameters } from './linear.ts'

/** The parameters of `feedForward`. */
export interface FeedForwardWeights {
  readonly up: LinearWeights
  readonly down: LinearWeights
}

/** Two linear layers, width -> inner -> width. */
export const feedForwardParameters = (width: number, inner: number) => ({
  up: linearParameters(width, inner),
  down: linearParameters(inner, width),
})

/** x [..., width] -> the same: a linear layer, the activation (gelu by default), a linear layer. */
export function feedForward(
  x: Tensor,
  weights: FeedForwardWeights,
  activation = (inner: Tensor): Tensor => inner.gelu(),
): Tensor {
  takesLayer('feedForward', x, weights)
  takes('feedForward', { activation }, { activation: aFunction })
  const inner = activation(linear(x, weights.up))
  takes('feedForward', { 'what activation returns': inner }, { 'what activation returns': aTensor })
  return linear(inner, weights.down)
}
