import type { Tensor } from '../tensor/tensor.ts'
import { type LinearWeights, linear, linearParameters } from './linear.ts'

export interface FeedForwardWeights {
  readonly up: LinearWeights
  readonly down: LinearWeights
}

/** Two linear layers, width -> inner -> width. */
export const feedForwardParameters = (width: number, inner: number) => ({
  up: linearParameters(width, inner),
  down: linearParameters(inner, width),
})

/** x [..., width] -> the same: a linear layer, a function of each element (gelu), and a linear layer. */
export const feedForward = (
  x: Tensor,
  { up, down }: FeedForwardWeights,
  activation = (inner: Tensor): Tensor => inner.gelu(),
): Tensor => linear(activation(linear(x, up)), down)
