import type { Tensor } from '../tensor/tensor.ts'
import { type Initializer, init } from './init.ts'
import { matrix, parameter } from './parameters.ts'

export interface LinearWeights {
  /** [inputs, outputs] */
  readonly w: Tensor
  /** [outputs] */
  readonly b?: Tensor
}

/** Weights [inputs, outputs], normal with the deviation 1 / sqrt(inputs) where nothing else is said, and a bias of zeros. */
export const linearParameters = (inputs: number, outputs: number, initializer?: Initializer) => ({
  w: matrix(inputs, outputs, initializer),
  b: parameter([outputs], init.zeros()),
})

/** x [..., inputs] -> [..., outputs]: x times w, plus b where there is one. */
export function linear(x: Tensor, { w, b }: LinearWeights): Tensor {
  const product = x.matmul(w)
  return b ? product.add(b) : product
}
