import { anObject, type Kind, kind, maybe, notNegative, over, shown, takes, takesOptions } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { isParameters } from '../nn/is-parameters.ts'
import { mul } from '../ops/binary.ts'
import { where } from '../ops/elementwise.ts'
import { expectDType } from '../ops/entry.ts'
import '../ops/methods.ts'
import type { Device } from '../program/device.ts'
import type { Update } from '../program/program.ts'
import { tensors } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import { Variable } from '../tensor/variable.ts'
import { aNames, choice, isWithin, type Names, rangesOf, type Trained } from './chosen.ts'

/** The interface of all optimisers. */
export interface Optimizer {
  /** Its own variables, which outlive it: `device.delete` frees each. */
  readonly state: readonly Variable[]
  /**
   * The new values of all variables, for the `updates` of a program. `gradients`: one for each variable of the list, or for
   * each of `parameters.list`, or one vector of all, as `parameters.flat` makes it. `rate`: the learning rate, a number or a
   * scalar; by default that of the options.
   */
  update(gradients: Tensor | readonly Tensor[], rate?: TensorLike): Update[]
  /** Whether it moves the parameter of that name; without it, it moves all. `train` finds no gradient of those that stay. */
  readonly trains?: (name: string) => boolean
  /**
   * What its numbers depend on beside its state, simple values by name, or functions of a parameter's name: a training goes on
   * only where they are the same. Not so `rate`, which a training gives, and `trains`.
   */
  readonly options?: object
}

/** The options of all optimisers. */
export interface OptimizerOptions {
  /** The learning rate where `update` is given no other; 0.001. */
  readonly rate?: number
  /** Weight decay, per unit of the learning rate. */
  readonly decay?: number
  /** What weight decay applies to. Without it: all variables of a list; of parameters those whose specification says so. */
  readonly decays?: Names
  /** What the rate is multiplied by, weight decay with it, where names or parts of them choose it; of several the last. */
  readonly rates?: Readonly<Record<string, number>>
  /** What is trained; all where nothing is said. The rest stays as it is, whatever its gradient. */
  readonly trains?: Names
}

const optionKinds = {
  rate: maybe(notNegative),
  decay: maybe(notNegative),
  decays: maybe(aNames),
  rates: maybe(anObject),
  trains: maybe(aNames),
}
const aTrained = kind(
  'Parameters or a list of different f32 variables',
  (value) =>
    isParameters(value) ||
    (Array.isArray(value) &&
      value.length > 0 &&
      new Set(value).size === value.length &&
      value.every((one) => one instanceof Variable && one.dtype === 'f32')),
)
const aRate = kind(
  'a number or an f32 scalar',
  (value) => typeof value === 'number' || (value instanceof Tensor && value.rank === 0 && value.dtype === 'f32'),
)

/** One variable in a step of the optimiser. */
export interface Part {
  readonly variable: Variable
  readonly gradient: Tensor
  /** The term of weight decay, to be multiplied by the rate. */
  readonly decay: TensorLike
  readonly rate: TensorLike
  /** The optimiser's state for it. */
  readonly state: readonly Variable[]
}

type CommonDefaults = { readonly rate: number; readonly decay: number }

/** What our optimisers share: the trained variables, weight decay, the rate, and the optimiser's state. */
export abstract class Training<Options extends OptimizerOptions, Defaults extends CommonDefaults> implements Optimizer {
  /** Its own variables: `slots` for each trained one, slot by slot, and last the number of steps. */
  readonly state: readonly Variable[]
  /** Those that were given, over the defaults. */
  readonly options: Options & Defaults
  private readonly where: string
  private readonly trained: Trained
  private readonly variables: readonly Variable[]
  /** Whether the variable or parameter of that name is trained. */
  readonly trains: (name: string) => boolean
  /** The elements of each variable that have weight decay, and those that are trained. */
  private readonly decayed: ReturnType<typeof rangesOf>
  private readonly moved: ReturnType<typeof rangesOf>
  /** The elements of each variable whose rate has a factor. */
  private readonly rated: readonly (readonly [ranges: ReturnType<typeof rangesOf>, factor: number])[]

  /** `kinds`: those of the options beside the common ones; `slots`: how many state variables each trained one has. */
  constructor(
    where: string,
    trained: Trained,
    options: Options,
    { kinds, defaults, slots }: { kinds: Readonly<Record<string, Kind>>; defaults: Defaults; slots: number },
  ) {
    takes(where, { parameters: trained }, { parameters: aTrained })
    takesOptions<OptimizerOptions>(where, options, { ...optionKinds, ...kinds })
    this.where = where
    this.trained = trained
    this.options = over<Options & Defaults>(defaults as Options & Defaults, options as Options & Defaults)
    const variables = isParameters(trained) ? [trained.variable] : trained
    const device = variables[0].device as Device
    if (variables.some((one) => one.device !== device))
      throw new RmaatError('device', `${where}: the variables live on several devices; expected those of one`)
    this.variables = variables
    const { decays, trains, rates = {} } = options
    const decaysOf = decays && choice(where, 'decays', trained, decays)
    this.decayed = rangesOf(trained, (name, spec) => decaysOf?.(name) ?? spec?.decay ?? true)
    takes(`${where}: rates`, rates, Object.fromEntries(Object.keys(rates).map((name) => [name, notNegative])), 'config')
    this.rated = Object.entries(rates).map(([name, factor]) => [
      rangesOf(trained, choice(where, 'rates', trained, [name])),
      factor,
    ])
    this.trains = trains ? choice(where, 'trains', trained, trains) : () => true
    this.moved = rangesOf(trained, this.trains)
    if (this.moved.every((ranges) => ranges.length === 0))
      throw new RmaatError(
        'config',
        `${where}: trains is ${shown(trains)}, which chooses nothing; expected one name at least`,
      )
    this.state = device.allOrNothing(() => [
      ...Array.from({ length: slots }, () => variables.map(({ shape }) => device.variable(shape))).flat(),
      device.variable([], 'i32'),
    ])
  }

  /** The number of steps made so far, an i32 scalar. */
  get steps(): Variable {
    return this.state[this.state.length - 1]
  }

  /** The new values of all variables: see `Optimizer`. */
  abstract update(gradients: Tensor | readonly Tensor[], rate?: TensorLike): Update[]

  /** The updates that `step` makes of each variable, and that of the number of steps. */
  protected updates(
    given: Tensor | readonly Tensor[],
    rate: TensorLike = this.options.rate,
    step: (part: Part) => Update[],
  ): Update[] {
    takes(this.where, { rate }, { rate: aRate })
    const { variables, state, steps } = this
    const gradients = this.gradientsOf(given)
    const updates = variables.flatMap((variable, i) => {
      const own = state.filter((_, at) => at % variables.length === i && at < state.length - 1)
      const { [i]: moved } = this.moved
      if (moved.length === 0) return []
      const isMoved = isWithin(moved, variable)
      const made = step({
        variable,
        gradient: gradients[i],
        decay: this.decayOf(i),
        rate: this.rateOf(i, rate),
        state: own,
      })
      return isMoved ? made.map(([target, value]): Update => [target, where(isMoved, value, target)]) : made
    })
    return [...updates, [steps, steps.add(1)]]
  }

  /** One for each variable. */
  private gradientsOf(given: Tensor | readonly Tensor[]): readonly Tensor[] {
    const { trained, where, variables } = this
    if (!(given instanceof Tensor)) takes(where, { gradients: given }, { gradients: tensors })
    const gradients = given instanceof Tensor ? [given] : isParameters(trained) ? [trained.flat(given)] : given
    if (gradients.length !== variables.length)
      throw shapeError`${where}: ${gradients.length} gradients for ${variables.length} variables`
    gradients.forEach((gradient, i) => {
      expectDType(where, gradient, 'f32')
      if (!sameShape(gradient.shape, variables[i].shape))
        throw shapeError`${where}: gradient ${i} is ${gradient.shape}, its variable ${variables[i].shape}; expected equal shapes`
    })
    return gradients
  }

  private decayOf(i: number): TensorLike {
    const { variables, decayed, options } = this
    const [variable, ranges] = [variables[i], decayed[i]]
    if (options.decay === 0 || ranges.length === 0) return 0
    const decay = variable.mul(options.decay)
    const isDecayed = isWithin(ranges, variable)
    return isDecayed ? where(isDecayed, decay, 0) : decay
  }

  private rateOf(i: number, rate: TensorLike): TensorLike {
    const factor = this.rated.reduce<TensorLike>((all, [{ [i]: ranges }, factor]) => {
      if (ranges.length === 0) return all
      const isRated = isWithin(ranges, this.variables[i])
      return isRated ? where(isRated, factor, all) : factor
    }, 1)
    return factor === 1 ? rate : mul(factor, rate)
  }
}
