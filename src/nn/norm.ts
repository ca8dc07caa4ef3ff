import type { Tensor } from '../tensor/tensor.ts'
import { init } from './init.ts'
import { parameter } from './parameters.ts'

export interface LayerNormWeights {
  /** Both [width] */
  readonly gain: Tensor
  readonly bias: Tensor
}

/** A gain of ones and a bias of zeros, [width]. */
export const layerNormParameters = (width: number) => ({
  gain: parameter([width], init.ones()),
  bias: parameter([width], init.zeros()),
})

/** x [..., width] -> the same: (x - mean) / sqrt(variance + epsilon) of each row, times gain plus bias (Ba et al. 2016). */
export const layerNorm = (x: Tensor, { gain, bias }: LayerNormWeights, epsilon?: number): Tensor =>
  x.layerNorm(gain, bias, epsilon)

/** A gain of ones, [width]. */
export const rmsNormParameters = (width: number) => ({ gain: parameter([width], init.ones()) })

/** x [..., width] -> the same: x / sqrt(mean of squares + epsilon) of each row, times gain (Zhang & Sennrich 2019). */
export const rmsNorm = (x: Tensor, { gain }: { readonly gain: Tensor }, epsilon = 1e-5): Tensor =>
  x.mul(x.square().mean(-1, true).add(epsilon).rsqrt()).mul(gain)
