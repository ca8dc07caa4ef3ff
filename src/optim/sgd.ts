import type { Update } from '../program/program.ts'
import type { Tensor, TensorLike } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'

/** Stochastic gradient descent: w - rate x gradient. */
export const sgd = (rate: TensorLike) => ({
  update: (variables: readonly Variable[], gradients: readonly Tensor[]): Update[] =>
    variables.map((variable, i) => [variable, variable.sub(gradients[i].mul(rate))]),
})
