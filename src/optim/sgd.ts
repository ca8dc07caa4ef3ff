import { maybe, numberThat } from '../checks.ts'
import '../ops/methods.ts'
import type { Update } from '../program/program.ts'
import type { Tensor, TensorLike } from '../tensor/tensor.ts'
import type { Trained } from './chosen.ts'
import { type OptimizerOptions, Training } from './optimizer.ts'

/** The options of SGD beside those of all optimisers. */
export interface SGDOptions extends OptimizerOptions {
  /** What is left of the last step's velocity; 0, which needs none. */
  readonly momentum?: number
}

const defaults = { rate: 0.001, decay: 0, momentum: 0 }
const kinds = { momentum: maybe(numberThat('a number from 0 to below 1', (value) => value >= 0 && value < 1)) }

/**
 * Stochastic gradient descent: w - rate x v, where v is the gradient, decay x w, and momentum x the v before, added up (Sutskever
 * et al. 2013, as PyTorch has it). Without weight decay and momentum by default. Its state: with momentum the velocities, and `steps`.
 */
export class SGD extends Training<SGDOptions, typeof defaults> {
  /** @throws RmaatError 'argument' for what cannot be trained, 'config' for options that are wrong */
  constructor(parameters: Trained, options: SGDOptions = {}) {
    super('SGD', parameters, options, { kinds, defaults, slots: options?.momentum ? 1 : 0 })
  }

  /** The new values of all variables: see `Optimizer`. */
  update(gradients: Tensor | readonly Tensor[], rate?: TensorLike): Update[] {
    const { momentum } = this.options
    return this.updates(gradients, rate, ({ variable, gradient, decay, rate, state: [velocity] }) => {
      const pull = gradient.add(decay)
      const step = velocity ? velocity.mul(momentum).add(pull) : pull
      const moved: Update = [variable, variable.sub(step.mul(rate))]
      return velocity ? [moved, [velocity, step]] : [moved]
    })
  }
}
