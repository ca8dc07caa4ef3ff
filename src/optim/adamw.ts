import { maybe, notNegative, numberThat } from '../checks.ts'
import { minimum } from '../ops/binary.ts'
import { where } from '../ops/elementwise.ts'
import { tensor } from '../ops/entry.ts'
import '../ops/methods.ts'
import type { Update } from '../program/program.ts'
import type { Tensor, TensorLike } from '../tensor/tensor.ts'
import type { Trained } from './chosen.ts'
import { type OptimizerOptions, Training } from './optimizer.ts'

/** The options of AdamW beside those of all optimisers. */
export interface AdamWOptions extends OptimizerOptions {
  /** The decay of the running averages of the gradient and of its square. */
  readonly beta1?: number
  readonly beta2?: number
  /** Added to the root of the average square, so that nothing is divided by 0. */
  readonly epsilon?: number
}

const defaults = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, rate: 0.001, decay: 0.01 }
const aBeta = numberThat('a number from 0 to 0.9999', (value) => value >= 0 && value <= 0.9999)
const kinds = { beta1: maybe(aBeta), beta2: maybe(aBeta), epsilon: maybe(notNegative) }
/** The square of a gradient up to this does not overflow float32, whatever the bias correction. */
const LARGEST = 2 ** 63

/**
 * AdamW (Loshchilov & Hutter 2019): for a `Parameters` one kernel a step. A gradient's elements are clamped to ±2^63: an
 * infinite average square would stop its parameter for good. Elements that are not finite pass, so that the parameter shows
 * them. Its state: the average gradients, the average squares, and `steps`. The defaults: beta1 0.9, beta2 0.98, epsilon 1e-8, decay 0.01.
 */
export class AdamW extends Training<AdamWOptions, typeof defaults> {
  /** @throws RmaatError 'argument' for what cannot be trained, 'config' for options that are wrong */
  constructor(parameters: Trained, options: AdamWOptions = {}) {
    super('AdamW', parameters, options, { kinds, defaults, slots: 2 })
  }

  /** The new values of all variables: see `Optimizer`. */
  update(gradients: Tensor | readonly Tensor[], rate?: TensorLike): Update[] {
    const { beta1, beta2, epsilon } = this.options
    const corrections = correctionsOf(this.steps, [beta1, beta2])
    const [correction1, correction2] = [0, 1].map((i) => corrections.select(0, i))
    return this.updates(gradients, rate, ({ variable, gradient, decay, rate, state: [first, second] }) => {
      const bounded = where(gradient.isFinite(), gradient.maximum(-LARGEST).minimum(LARGEST), gradient)
      const mean = first.mul(beta1).add(bounded.mul(1 - beta1))
      const square = second.mul(beta2).add(bounded.mul(bounded).mul(1 - beta2))
      const step = mean.mul(correction1).div(square.mul(correction2).sqrt().add(epsilon))
      return [
        [variable, variable.sub(step.add(decay).mul(rate))],
        [first, mean],
        [second, square],
      ]
    })
  }
}

/**
 * 1 / (1 - beta^(steps + 1)) for both betas, [2]. From a table made in double precision, up to where both are 1 in it: in
 * float32 the power of a beta near 1 would lose the digits that the difference from 1 needs.
 */
function correctionsOf(steps: Tensor, betas: readonly number[]): Tensor {
  const length = Math.max(...betas.map((beta) => (beta === 0 ? 1 : Math.ceil((-54 * Math.LN2) / Math.log(beta)))))
  const table = Float64Array.from({ length: 2 * length }, (_, i) => 1 / (1 - betas[i % 2] ** ((i >> 1) + 1)))
  return tensor(table, [length, 2]).gather(minimum(steps, length - 1))
}
