import { aBoolean, aFunction, aWord, kind, numbers, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import '../ops/methods.ts'
import { concat } from '../ops/views.ts'
import { aDevice, type Device } from '../program/device.ts'
import type { Shape } from '../tensor/dtype.ts'
import { tensors as allTensors } from '../tensor/kinds.ts'
import { checkShape, sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import { type Initializer, init, initialValues } from './init.ts'
import { enter } from './is-parameters.ts'
import { takesSizes } from './layer.ts'
import { siteOf } from './random.ts'

/** No device addresses more in one piece. */
const MOST = 2 ** 30
const specKinds = { shape: numbers, init: aFunction, decay: aBoolean }

/** The specification of a parameter: shape, initialiser, and whether weight decay applies to it. */
export interface ParameterSpec {
  readonly shape: Shape
  /** One of `init`, or a function of your own. */
  readonly init: Initializer
  readonly decay: boolean
}

/** Parameters by name: an object of objects, lists and specifications. A name is its path of keys, `blocks.0.up.w`. */
export type ParameterTree =
  | ParameterSpec
  | { readonly [key: string]: ParameterTree | undefined }
  | readonly ParameterTree[]

/** The same tree with a tensor in each place. */
export type Tensors<T> = T extends ParameterSpec ? Tensor : { readonly [Key in keyof T]: Tensors<T[Key]> }

/** A parameter of a shape, with its initialiser. Weight decay applies to it only where `decay` is true. */
export function parameter(shape: Shape, initializer: Initializer, decay = false): ParameterSpec {
  const spec = { shape, init: initializer, decay }
  takes('parameter', spec, specKinds)
  checkShape('parameter', shape)
  return spec
}
/** The matrix [inputs, outputs] of a linear layer, by default normal with the deviation 1 / sqrt(inputs); has weight decay. */
export function matrix(inputs: number, outputs: number, initializer?: Initializer): ParameterSpec {
  takesSizes('matrix', { inputs, outputs })
  return parameter([inputs, outputs], initializer ?? init.normal(inputs ** -0.5), true)
}

/** A parameter of `Parameters`. */
export interface NamedParameter {
  readonly name: string
  readonly spec: ParameterSpec
  /** Its first element in the variable of all parameters. */
  readonly offset: number
  readonly tensor: Tensor
}

/**
 * All parameters of a model, contiguous in one Variable: an optimiser's step is then one kernel for all of them. Those with
 * weight decay come first.
 */
export class Parameters<const T extends ParameterTree> {
  /** Where they live. */
  readonly device: Device
  /** All parameters, contiguous. */
  readonly variable: Variable
  /** The tree, with a tensor for each specification. */
  readonly tensors: Tensors<T>
  /** In the order of the tree. */
  readonly named: readonly NamedParameter[]
  /** How many elements have weight decay. */
  readonly decayed: number

  /** Initial values are drawn on the host, each parameter's from the stream of its name. */
  constructor(device: Device, tree: T, seed: number) {
    takes('Parameters', { device, tree, seed }, { device: aDevice, tree: aTree, seed: aWord })
    enter(this)
    this.device = device
    const specs = specsOf(tree)
    const ordered = [...specs.filter(({ spec }) => spec.decay), ...specs.filter(({ spec }) => !spec.decay)]
    const total = ordered.reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0)
    if (total > MOST) {
      throw new RmaatError('memory', `a model of ${total} parameters: expected at most ${MOST}, 4 GiB of float32`)
    }
    const byName = new Map<string, NamedParameter>()
    this.variable = device.allOrNothing(() => {
      // allocated before the host computes values, so that a model which is too large fails early
      const variable = device.variable([total], 'f32')
      const values = new Float64Array(total)
      let offset = 0
      for (const { name, spec } of ordered) {
        const size = sizeOf(spec.shape)
        const stream = { seed, site: siteOf(name) }
        values.set(initialValues(`parameter ${name}`, spec.init, spec.shape, stream), offset)
        const tensor = variable.slice([offset], [size]).reshape(spec.shape)
        byName.set(name, { name, spec, offset, tensor })
        offset += size
      }
      device.write(variable, values)
      return variable
    })
    this.named = specs.map(({ name }) => byName.get(name)!)
    this.decayed = ordered.reduce((sum, { spec }) => sum + (spec.decay ? sizeOf(spec.shape) : 0), 0)
    this.tensors = build(tree, { name: '', seed }, byName) as Tensors<T>
  }

  /** The number of elements of all parameters. */
  get count(): number {
    return sizeOf(this.variable.shape)
  }

  /** The tensors of `named`, in that order. */
  get list(): Tensor[] {
    return this.named.map(({ tensor }) => tensor)
  }

  /** Tensors for all of `list`, such as their gradients, concatenated in the order of `variable`. */
  flat(tensors: readonly Tensor[]): Tensor {
    takes('flat', { tensors }, { tensors: allTensors })
    if (tensors.length !== this.named.length)
      throw shapeError`flat: ${tensors.length} tensors for ${this.named.length} parameters; expected one for each of parameters.list`
    this.named.forEach(({ name, spec: { shape } }, i) => {
      if (!sameShape(tensors[i].shape, shape)) throw shapeError`flat: ${tensors[i].shape} stands for ${name}, ${shape}`
    })
    const order = [...this.named.keys()].sort((a, b) => this.named[a].offset - this.named[b].offset)
    return concat(order.map((i) => tensors[i].reshape([-1])))
  }
}

/** What stands before the names of an optimiser's variables in a file. */
export const OPTIMIZER = 'optimizer/'

/**
 * The specifications of a tree by name; allocates nothing.
 * @throws RmaatError 'argument' for a name that stands twice, or that means something else in a file
 */
export function specsOf(tree: ParameterTree): { name: string; spec: ParameterSpec }[] {
  const specs = [...walk(tree, '')]
  const names = new Set<string>()
  for (const { name } of specs) {
    if (names.has(name) || name.startsWith(OPTIMIZER) || name === '__metadata__')
      throw new RmaatError('argument', `Parameters: the name ${shown(name)} is taken; expected other keys`)
    names.add(name)
  }
  return specs
}

const aTree = kind(
  'a parameter, or an object or a list of such',
  (value) => typeof value === 'object' && value !== null && !(value instanceof Tensor),
)
const isSpec = (tree: ParameterTree): tree is ParameterSpec => 'init' in tree && 'shape' in tree

function* walk(
  tree: ParameterTree,
  path: string,
  around: readonly ParameterTree[] = [],
): Generator<{ name: string; spec: ParameterSpec }> {
  takes('Parameters', { [path || 'tree']: tree }, { [path || 'tree']: aTree })
  if (around.includes(tree)) throw new RmaatError('argument', `Parameters: ${path} holds itself; expected a tree`)
  if (isSpec(tree)) {
    takes(`parameter ${path}`, tree, specKinds)
    checkShape(`parameter ${path}`, tree.shape)
    yield { name: path, spec: tree }
  } else
    for (const [key, child] of Object.entries(tree))
      if (child) yield* walk(child, path ? `${path}.${key}` : key, [...around, tree])
}

/** The path of keys of a subtree or a leaf of a parameter tree, and the seed of the run. */
export interface Place {
  readonly name: string
  readonly seed: number
}
const places = new WeakMap<object, Place>()
/** The place of a subtree or a leaf of `Parameters.tensors`; undefined of anything else. */
export const placeOf = (branch: object): Place | undefined => places.get(branch)

function build(tree: ParameterTree, { name, seed }: Place, tensors: ReadonlyMap<string, NamedParameter>): object {
  const inner = (key: string, child?: ParameterTree) =>
    child && build(child, { name: name ? `${name}.${key}` : key, seed }, tensors)
  const entries = isSpec(tree) ? [] : Object.entries(tree).map(([key, child]) => [key, inner(key, child)] as const)
  const branch = isSpec(tree)
    ? tensors.get(name)!.tensor
    : Array.isArray(tree)
      ? entries.map(([, child]) => child)
      : Object.fromEntries(entries)
  places.set(branch, { name, seed })
  return branch
}
