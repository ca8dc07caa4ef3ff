import { aCount, finite, maybe, notNegative, numberThat, over, takes, takesOptions, wholeFrom } from '../checks.ts'
import { where } from '../ops/elementwise.ts'
import { constant, iota } from '../ops/row.ts'
import '../ops/methods.ts'
import { aDevice, type Device } from '../program/device.ts'
import type { Update } from '../program/program.ts'
import { aTensor, aVariable } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'

export interface AdamWOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Weight decay, per unit of the learning rate. */
  readonly decay?: number
  /** How many of the first elements weight decay pulls at. */
  readonly decayed?: number
}

const belowOne = numberThat('a number of at least 0 and below 1', (value) => value >= 0 && value < 1)
/** The square of a gradient up to this has room in float32, by any bias correction. */
const LARGEST = 2 ** 63

/**
 * AdamW (Loshchilov & Hutter 2019) over one vector of parameters: one kernel a step. An element of a gradient beyond
 * ±2^63 counts as ±2^63: an infinite mean of squares would hold its parameter for good. One that is not finite is taken as
 * it is, and spoils its parameter where it is not kept out by `active`.
 */
export class AdamW {
  readonly variable: Variable
  /** Running means of the gradient and of its square. */
  readonly state: readonly [Variable, Variable]
  private readonly options: Required<AdamWOptions>

  constructor(device: Device, variable: Variable, options: AdamWOptions = {}) {
    takes('AdamW', { device, variable }, { device: aDevice, variable: aVariable })
    if (variable.dtype !== 'f32' || variable.rank === 0)
      throw shapeError`AdamW: the variable is ${variable.dtype}${variable.shape}; expected a vector of f32`
    takesOptions('AdamW', options, {
      beta1: maybe(belowOne),
      beta2: maybe(belowOne),
      epsilon: maybe(notNegative),
      decay: maybe(notNegative),
      decayed: maybe(wholeFrom(0, variable.shape[0])),
    })
    this.variable = variable
    this.state = device.allOrNothing(() => [device.variable(variable.shape), device.variable(variable.shape)])
    this.options = over({ beta1: 0.9, beta2: 0.98, epsilon: 1e-8, decay: 0.01, decayed: variable.shape[0] }, options)
  }

  /** What `update` takes as `hyper` in step 1, 2, ...: the learning rate and both bias corrections, in double precision. */
  hyper(step: number, rate: number): [number, number, number] {
    takes('AdamW', { step, rate }, { step: aCount, rate: finite })
    const { beta1, beta2 } = this.options
    return [rate, 1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)]
  }

  /** `gradient` like the variable, `hyper` [3]; where the i32 scalar `active` is 0 nothing changes. */
  update(gradient: Tensor, hyper: Tensor, active: Tensor = constant(1, 'i32')): Update[] {
    takes('AdamW', { gradient, hyper, active }, { gradient: aTensor, hyper: aTensor, active: aTensor })
    if (!sameShape(gradient.shape, this.variable.shape) || !sameShape(hyper.shape, [3]) || active.rank !== 0)
      throw shapeError`AdamW: gradient ${gradient.shape}, hyper ${hyper.shape}, active ${active.shape}; expected ${this.variable.shape}, [3] and a scalar`
    const { beta1, beta2, epsilon, decay, decayed } = this.options
    const [rate, correction1, correction2] = [0, 1, 2].map((i) => hyper.select(0, i))
    const [first, second] = this.state
    const bounded = where(gradient.isFinite(), gradient.maximum(-LARGEST).minimum(LARGEST), gradient)
    const mean = first.mul(beta1).add(bounded.mul(1 - beta1))
    const square = second.mul(beta2).add(bounded.mul(bounded).mul(1 - beta2))
    const step = mean.mul(correction1).div(square.mul(correction2).sqrt().add(epsilon))
    const pull = where(iota(this.variable.shape, 0).less(decayed), this.variable.mul(decay), 0)
    const moved = this.variable.sub(step.add(pull).mul(rate))
    const changed: [Variable, Tensor][] = [
      [this.variable, moved],
      [first, mean],
      [second, square],
    ]
    return changed.map(([variable, value]) => [variable, where(active, value, variable)])
  }
}
