import { notNegative, takes } from '../checks.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { init } from './init.ts'
import { takesLayer, takesSizes } from './layer.ts'
import { parameter } from './parameters.ts'

/** The parameters of `layerNorm`. */
export interface LayerNormWeights {
  /** Both [width] */
  readonly gain: Tensor
  readonly bias: Tensor
}

/** A gain of ones and a bias of zeros, [width]. */
export function layerNormParameters(width: number) {
  takesSizes('layerNormParameters', { width })
  return { gain: parameter([width], init.ones()), bias: parameter([width], init.zeros()) }
}

/** x [..., width] -> the same: (x - mean) / sqrt(variance + epsilon) over the last axis, x gain + bias (Ba et al. 2016). */
export function layerNorm(x: Tensor, weights: LayerNormWeights, epsilon?: number): Tensor {
  takesLayer('layerNorm', x, weights, ['gain', 'bias'])
  return x.layerNorm(weights.gain, weights.bias, epsilon)
}

/** A gain of ones, [width]. */
export function rmsNormParameters(width: number) {
  takesSizes('rmsNormParameters', { width })
  return { gain: parameter([width], init.ones()) }
}

/** x [..., width] -> the same: x / sqrt(mean of squares + epsilon) over the last axis, times gain (Zhang & Sennrich 2019). */
export function rmsNorm(x: Tensor, weights: { readonly gain: Tensor }, epsilon = 1e-5): Tensor {
  takesLayer('rmsNorm', x, weights, ['gain'])
  takes('rmsNorm', { epsilon }, { epsilon: notNegative })
  return x.mul(x.square().mean(-1, true).add(epsilon).rsqrt()).mul(weights.gain)
}
