import { listOf, takes } from '../checks.ts'
import type { Update } from '../program/program.ts'
import { aVariable, tensorLike, tensors } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor, TensorLike } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'

/** Stochastic gradient descent: w - rate x gradient. */
export function sgd(rate: TensorLike) {
  takes('sgd', { rate }, { rate: tensorLike })
  return {
    update(variables: readonly Variable[], gradients: readonly Tensor[]): Update[] {
      takes('sgd', { variables, gradients }, { variables: listOf(aVariable, 'variables'), gradients: tensors })
      if (variables.length !== gradients.length)
        throw shapeError`sgd: ${gradients.length} gradients for ${variables.length} variables`
      return variables.map((variable, i) => {
        const moved = variable.sub(gradients[i].mul(rate))
        if (!sameShape(moved.shape, variable.shape))
          throw shapeError`sgd: gradient ${i} is ${gradients[i].shape}, its variable ${variable.shape}; expected equal shapes and a scalar rate`
        return [variable, moved]
      })
    },
  }
}
