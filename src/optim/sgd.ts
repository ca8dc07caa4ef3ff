import type { Update } from '../program/program.ts'
import type { Tensor, TensorLike } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import { type Optimizer, type OptimizerOptions, type Trained, Training } from './optimizer.ts'

const defaults = { rate: 0.001, decay: 0 }

/** Stochastic gradient descent: w - rate x (gradient + decay x w). No weight decay by default. */
export class SGD implements Optimizer {
  /** The number of steps made so far, an i32 scalar. */
  readonly steps: Variable
  /** Its own variables: `steps`. */
  readonly state: readonly Variable[]
  private readonly training: Training<OptimizerOptions, typeof defaults>

  /** @throws RmaatError 'argument' for what cannot be trained, 'config' for options that are wrong */
  constructor(parameters: Trained, options: OptimizerOptions = {}) {
    this.training = new Training('SGD', parameters, options, { kinds: {}, defaults, slots: 0 })
    this.state = this.training.state
    this.steps = this.training.steps
  }

  /** The new values of all variables: see `Optimizer`. */
  update(gradients: Tensor | readonly Tensor[], rate?: TensorLike): Update[] {
    return this.training.update(gradients, rate, ({ variable, gradient, decay, rate }) => [
      [variable, variable.sub(gradient.add(decay).mul(rate))],
    ])
  }
}
