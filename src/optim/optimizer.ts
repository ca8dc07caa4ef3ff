import {
  aFunction,
  aString,
  type Kind,
  kind,
  listOf,
  maybe,
  notNegative,
  over,
  shown,
  takes,
  takesOptions,
} from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { isParameters } from '../nn/is-parameters.ts'
import type { NamedParameter, Parameters } from '../nn/parameters.ts'
import { where } from '../ops/elementwise.ts'
import { expectDType, iota } from '../ops/entry.ts'
import '../ops/methods.ts'
import type { Device } from '../program/device.ts'
import type { Update } from '../program/program.ts'
import { tensors } from '../tensor/kinds.ts'
import { sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import { Variable } from '../tensor/variable.ts'

/** What an optimiser trains: the parameters of a model, in one kernel, or f32 variables, each in a kernel of its own. */
// biome-ignore lint/suspicious/noExplicitAny: parameters of whatever tree
export type Trained = Parameters<any> | readonly Variable[]

/** The interface of all optimisers. */
export interface Optimizer {
  /** The number of steps made so far, an i32 scalar: 0 in the first one. */
  readonly steps: Variable
  /** Its own variables, which outlive it: `device.delete` frees each. */
  readonly state: readonly Variable[]
  /**
   * The new values of all variables, for the `updates` of a program. `gradients`: one for each variable of the list, or for
   * each of `parameters.list`, or one vector of all, as `parameters.flat` makes it. `rate`: the learning rate, a number or a
   * scalar; by default that of the options.
   */
  update(gradients: Tensor | readonly Tensor[], rate?: TensorLike): Update[]
}

/** The options of all optimisers. */
export interface OptimizerOptions {
  /** The learning rate where `update` is given no other; 0.001. */
  readonly rate?: number
  /** Weight decay, per unit of the learning rate. */
  readonly decay?: number
  /**
   * What weight decay applies to: parameters by their names, or the ends of these (`w` is that of `blocks.0.up.w`), or by
   * what a function says of the name. Variables of a list are called by their numbers, `0`, `1`, ... Without it: all
   * variables of a list; of parameters those whose specification says so. A name that none has is an error.
   */
  readonly decays?: readonly string[] | ((name: string) => boolean)
}

const optionKinds = {
  rate: maybe(notNegative),
  decay: maybe(notNegative),
  decays: maybe(
    kind(
      'a list of names or a function of a name',
      (value) => aFunction.fits(value) || listOf(aString, 'names').fits(value),
    ),
  ),
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

/** The elements from the first number to below the second. */
type Range = readonly [from: number, to: number]
type CommonDefaults = { readonly rate: number; readonly decay: number }

/** What all optimisers share: the trained variables, weight decay, the rate, and the optimiser's state. */
export class Training<Options extends OptimizerOptions, Defaults extends CommonDefaults> {
  readonly options: Options & Defaults
  /** `slots` variables for each trained one, slot by slot, and last the number of steps. */
  readonly state: readonly Variable[]
  private readonly where: string
  private readonly trained: Trained
  private readonly variables: readonly Variable[]
  /** The elements of each variable that have weight decay. */
  private readonly decayed: readonly (readonly Range[])[]

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
    this.decayed = decayedOf(where, trained, options.decays)
    this.state = device.allOrNothing(() => [
      ...Array.from({ length: slots }, () => variables.map(({ shape }) => device.variable(shape))).flat(),
      device.variable([], 'i32'),
    ])
  }

  get steps(): Variable {
    return this.state[this.state.length - 1]
  }

  /** The updates that `step` makes of each variable, and that of the number of steps. */
  update(
    given: Tensor | readonly Tensor[],
    rate: TensorLike = this.options.rate,
    step: (part: Part) => Update[],
  ): Update[] {
    takes(this.where, { rate }, { rate: aRate })
    const { variables, state, steps } = this
    const gradients = this.gradientsOf(given)
    const updates = variables.flatMap((variable, i) => {
      const own = state.filter((_, at) => at % variables.length === i && at < state.length - 1)
      return step({ variable, gradient: gradients[i], decay: this.decayOf(i), rate, state: own })
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
    const [[from, to]] = ranges
    if (from === 0 && to === sizeOf(variable.shape)) return decay
    const element = iota(variable.shape, 0)
    const isIn = ([from, to]: Range): Tensor =>
      from === 0 ? element.less(to) : element.less(to).sub(element.less(from))
    return where(
      ranges.map(isIn).reduce((all, one) => all.add(one)),
      decay,
      0,
    )
  }
}

/** The elements of each variable that have weight decay. */
function decayedOf(where: string, trained: Trained, decays: OptimizerOptions['decays']): Range[][] {
  const isCalled = (name: string, end: string): boolean => name === end || name.endsWith(`.${end}`)
  const isNamed = (name: string): boolean =>
    typeof decays === 'function' ? Boolean(decays(name)) : decays!.some((end) => isCalled(name, end))
  if (typeof decays === 'object') {
    const names: string[] = isParameters(trained)
      ? trained.named.map(({ name }) => name)
      : [...trained.keys()].map(String)
    const none = decays.find((end) => !names.some((name) => isCalled(name, end)))
    if (none !== undefined)
      throw new RmaatError('config', `${where}: decays names ${shown(none)}, which is none of ${shown(names)}`)
  }
  if (!isParameters(trained))
    return trained.map(({ shape }, i) => (!decays || isNamed(`${i}`) ? [[0, sizeOf(shape)]] : []))
  const named = trained.named as readonly NamedParameter[]
  const ranges: Range[] = []
  for (const { name, spec, offset } of [...named].sort((a, b) => a.offset - b.offset)) {
    if (!(decays ? isNamed(name) : spec.decay)) continue
    const [last, end] = [ranges[ranges.length - 1], offset + sizeOf(spec.shape)]
    if (last?.[1] === offset) ranges[ranges.length - 1] = [last[0], end]
    else ranges.push([offset, end])
  }
  return [ranges]
}
