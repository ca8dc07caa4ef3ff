import { aBoolean, aWord, finite, kind, notNegative, numbers, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { concat } from '../ops/views.ts'
import { aDevice, type Device } from '../program/device.ts'
import type { Shape } from '../tensor/dtype.ts'
import { tensors as allTensors } from '../tensor/kinds.ts'
import { checkShape, sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import { normal, siteOf } from './random.ts'

/** No device addresses more in one piece. */
const MOST = 2 ** 30

/** A parameter to be: its shape, how it begins, and whether weight decay pulls at it. */
export interface ParameterSpec {
  readonly shape: Shape
  /** Normally distributed with this deviation around the mean; 0 for a constant. */
  readonly std: number
  readonly mean: number
  readonly decay: boolean
}

/** Parameters by name: an object of objects, lists and specifications. A name is its path of keys, `blocks.0.up.w`. */
export type ParameterTree =
  | ParameterSpec
  | { readonly [key: string]: ParameterTree | undefined }
  | readonly ParameterTree[]

/** The same tree with a tensor in each place. */
export type Tensors<T> = T extends ParameterSpec ? Tensor : { readonly [Key in keyof T]: Tensors<T[Key]> }

export const matrix = (rows: number, columns: number, std = rows ** -0.5): ParameterSpec => ({
  shape: [rows, columns],
  std,
  mean: 0,
  decay: true,
})
export const spread = (shape: Shape, std: number): ParameterSpec => ({ shape, std, mean: 0, decay: false })
export const filled = (shape: Shape, value: number): ParameterSpec => ({ shape, std: 0, mean: value, decay: false })

export interface NamedParameter {
  readonly name: string
  readonly spec: ParameterSpec
  /** Where it begins in the group, in elements. */
  readonly offset: number
  readonly tensor: Tensor
}

/**
 * All parameters of a model in one Variable, side by side: an optimiser's step is then one kernel for all of them.
 * Those that weight decay pulls at come first.
 */
export class Parameters<T extends ParameterTree> {
  readonly variable: Variable
  readonly tensors: Tensors<T>
  readonly named: readonly NamedParameter[]
  /** How many elements weight decay pulls at. */
  readonly decayed: number

  /** Initial values are drawn on the host, each parameter from a stream of its own name. */
  constructor(device: Device, tree: T, seed: number) {
    takes('Parameters', { device, tree, seed }, { device: aDevice, tree: aTree, seed: aWord })
    const specs = specsOf(tree)
    const ordered = [...specs.filter(({ spec }) => spec.decay), ...specs.filter(({ spec }) => !spec.decay)]
    const total = ordered.reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0)
    if (total > MOST) {
      throw new RmaatError('memory', `a model of ${total} parameters: expected at most ${MOST}, 4 GiB of float32`)
    }
    const byName = new Map<string, NamedParameter>()
    this.variable = device.allOrNothing(() => {
      // before its values, so that a device says what it cannot hold
      const variable = device.variable([total], 'f32')
      const values = new Float64Array(total)
      let offset = 0
      for (const { name, spec } of ordered) {
        const size = sizeOf(spec.shape)
        values.set(initialValues(spec, name, seed), offset)
        const tensor = variable.slice([offset], [size]).reshape(spec.shape)
        byName.set(name, { name, spec, offset, tensor })
        offset += size
      }
      device.write(variable, values)
      return variable
    })
    this.named = specs.map(({ name }) => byName.get(name)!)
    this.decayed = ordered.reduce((sum, { spec }) => sum + (spec.decay ? sizeOf(spec.shape) : 0), 0)
    this.tensors = build(tree, '', byName) as Tensors<T>
  }

  get count(): number {
    return sizeOf(this.variable.shape)
  }

  /** All of them, as `named` orders them. */
  get list(): Tensor[] {
    return this.named.map(({ tensor }) => tensor)
  }

  /** What stands for each of `list`, such as its gradient, in one vector that lies as `variable` does. */
  flat(tensors: readonly Tensor[]): Tensor {
    takes('flat', { tensors }, { tensors: allTensors })
    if (tensors.length !== this.named.length)
      throw shapeError`flat: ${tensors.length} tensors for ${this.named.length} parameters`
    this.named.forEach(({ name, spec: { shape } }, i) => {
      if (!sameShape(tensors[i].shape, shape)) throw shapeError`flat: ${tensors[i].shape} stands for ${name}, ${shape}`
    })
    const order = [...this.named.keys()].sort((a, b) => this.named[a].offset - this.named[b].offset)
    return concat(order.map((i) => tensors[i].reshape([-1])))
  }
}

/** The parameters of a tree by name, of which nothing is made yet. */
export const specsOf = (tree: ParameterTree): { name: string; spec: ParameterSpec }[] => [...walk(tree, '')]

const aTree = kind('an object or a list of parameters', (value) => typeof value === 'object' && value !== null)
const specKinds = { shape: numbers, std: notNegative, mean: finite, decay: aBoolean }
const isSpec = (tree: ParameterTree): tree is ParameterSpec => 'std' in tree && 'shape' in tree

function* walk(tree: ParameterTree, path: string): Generator<{ name: string; spec: ParameterSpec }> {
  takes('Parameters', { [path || 'tree']: tree }, { [path || 'tree']: aTree })
  if (isSpec(tree)) {
    takes(`parameter ${path}`, tree, specKinds)
    checkShape(`parameter ${path}`, tree.shape)
    yield { name: path, spec: tree }
  } else for (const [key, child] of Object.entries(tree)) if (child) yield* walk(child, path ? `${path}.${key}` : key)
}

function build(tree: ParameterTree, path: string, tensors: ReadonlyMap<string, NamedParameter>): unknown {
  if (isSpec(tree)) return tensors.get(path)!.tensor
  const entries = Object.entries(tree).map(([key, child]) => [
    key,
    child && build(child, path ? `${path}.${key}` : key, tensors),
  ])
  return Array.isArray(tree) ? entries.map(([, child]) => child) : Object.fromEntries(entries)
}

function initialValues({ shape, std, mean }: ParameterSpec, name: string, seed: number): Float64Array {
  const size = sizeOf(shape)
  return std === 0 ? new Float64Array(size).fill(mean) : normal(size, { seed, site: siteOf(name), std, mean })
}
