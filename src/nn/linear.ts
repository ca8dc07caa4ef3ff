import type { Tensor } from '../tensor/tensor.ts'
import { type Initializer, init } from './init.ts'
import { takesLayer, takesSizes } from './layer.ts'
import { matrix, parameter } from './parameters.ts'

/** The parameters of `linear`. */
export interface LinearWeights {
  /** [inputs, outputs] */
  readonly w: Tensor
  /** [outputs] */
  readonly b?: Tensor
}

/** Weights [inputs, outputs], normal with the deviation 1 / sqrt(inputs) by default, and a bias of zeros. */
export function linearParameters(inputs: number, outputs: number, initializer?: Initializer) {
  takesSizes('linearParameters', { inputs, outputs })
  return { w: matrix(inputs, outputs, initializer), b: parameter([outputs], init.zeros()) }
}

/** x [..., inputs] -> [..., outputs]: x w + b, or x w without a bias. */
export function linear(x: Tensor, weights: LinearWeights): Tensor {
  takesLayer('linear', x, weights, 'b' in Object(weights) && weights.b !== undefined ? ['w', 'b'] : ['w'])
  const { w, b } = weights
  const product = x.matmul(w)
  return b ? product.add(b) : product
}
