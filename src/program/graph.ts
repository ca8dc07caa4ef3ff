import type { ScalarName } from '../ops/scalar.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { elementsOf, isContiguous, rowMajor, shapeOf } from './axes.ts'
import type { Axis, Buffer, Gather, Matmul, Place, Reduce, ScatterAdd } from './plan.ts'

/**
 * The graph as the planner sees it: formulas expanded, views folded into references, equal nodes made one.
 * What a node computes is contiguous; whoever uses it does so through a `Ref`.
 */
export interface Node {
  readonly id: number
  readonly shape: Shape
  readonly dtype: DType
  readonly block: Block
  task: Task
  /** Where its values are written, inside of another node. Without one it has memory of its own. */
  home?: Ref
}

/** A strided view of a node. */
export interface Ref {
  readonly base: Node
  readonly offset: number
  readonly axes: readonly Axis[]
  /** What an iteration of each enclosing loop adds to the offset, outermost first. */
  readonly steps: readonly number[]
}

/** A kernel call of the plan with views in the place of addresses; its result is the node. */
type Call<Kernel> = {
  readonly [Field in Exclude<keyof Kernel, 'out'>]: Kernel[Field] extends Place ? Ref : Kernel[Field]
}

export type Task =
  /** Memory outside of the arena: an input, a variable, a constant. */
  | { readonly kind: 'buffer'; readonly buffer: Exclude<Buffer, { kind: 'arena' }> }
  | { readonly kind: 'literal'; readonly value: number }
  /** Its element number is its value: it needs no memory. */
  | { readonly kind: 'iota' }
  /** What an iteration of a loop gets from the one before. */
  | { readonly kind: 'carry' }
  | {
      readonly kind: 'elementwise'
      readonly op: ScalarName | 'identity'
      readonly args: readonly Ref[]
      readonly seed?: number
      readonly site?: number
    }
  /** `x` has the kept axes first, the reduced ones last. */
  | Call<Reduce>
  /** A kernel that accumulates adds to what is at the node's `home`. */
  | Call<Matmul>
  | Call<Gather>
  | Call<ScatterAdd>
  /** What others write, each at its place: a concatenation its parts, a loop its results. It is whole when `args` have run. */
  | { readonly kind: 'memory'; readonly args: readonly Ref[]; readonly replay: boolean }
  /** `args` are the first values of its carries, in their places, and all that the body reads from outside. */
  | { readonly kind: 'loop'; readonly count: number; readonly args: readonly Ref[]; readonly body: Block }

/** A value that has to be at a place when its block ends: a variable's next value, what a loop takes from an iteration. */
export interface Store {
  readonly value: Ref
  readonly into: Ref
}

/** The nodes of a program, or of the body of a loop, in an order in which they can be computed. */
export class Block {
  readonly parent: Block | undefined
  readonly depth: number
  readonly nodes: Node[] = []
  readonly refs = new Map<Tensor, Ref>()
  readonly known = new Map<string, Node>()
  readonly stores: Store[] = []
  /** What must be in memory when the block ends. */
  readonly kept = new Set<Node>()

  constructor(parent?: Block) {
    this.parent = parent
    this.depth = parent ? parent.depth + 1 : 0
  }

  find(tensor: Tensor): Ref | undefined {
    return this.refs.get(tensor) ?? this.parent?.find(tensor)
  }

  findNode(key: string): Node | undefined {
    return this.known.get(key) ?? this.parent?.findNode(key)
  }
}

let created = 0
/** A node that stands in no block yet. */
export const detached = (block: Block, task: Task, shape: Shape, dtype: DType, home?: Ref): Node => ({
  id: created++,
  shape,
  dtype,
  block,
  task,
  home,
})

/** A node of a block: the one that is there already, where an equal one is. */
export function addNode(block: Block, task: Task, shape: Shape, dtype: DType): Node {
  const key = unique.has(task.kind) ? undefined : keyOf([dtype, shape, task])
  const found = key && block.findNode(key)
  if (found) return found
  const node = detached(block, task, shape, dtype)
  block.nodes.push(node)
  if (key) block.known.set(key, node)
  return node
}

const unique: ReadonlySet<Task['kind']> = new Set(['buffer', 'carry', 'memory', 'loop'])
function keyOf(field: unknown): string {
  if (Array.isArray(field)) return `[${field.map(keyOf)}]`
  if (isRef(field)) return nameOf(field)
  if (typeof field === 'object' && field !== null) return keyOf(Object.values(field))
  return Object.is(field, -0) ? '-0' : `${field}`
}

/** The same for the same view. */
export const nameOf = ({ base, offset, axes, steps }: Ref): string =>
  `${base.id}+${offset}[${axes.map(({ size, stride }) => `${size}:${stride}`)}]${steps}`

/** A reference to a whole node. */
export const whole = (base: Node): Ref => ({ base, offset: 0, axes: rowMajor(base.shape), steps: [] })

/** Whether a view is its node's elements, all of them in their order. */
export const isWhole = (ref: Ref): boolean =>
  ref.offset === 0 &&
  ref.steps.every((step) => step === 0) &&
  elementsOf(ref.axes) === sizeOf(ref.base.shape) &&
  isContiguous(ref.axes)

const identity = (ref: Ref): Task => ({ kind: 'elementwise', op: 'identity', args: [ref] })

/** A contiguous copy of a view. */
export const copyOf = (ref: Ref, block: Block): Ref =>
  whole(addNode(block, identity(ref), shapeOf(ref.axes), ref.base.dtype))

/** A copy of a value at a place. */
export function copyTo({ value, into }: Store, block: Block): Node {
  const node = detached(block, identity(value), shapeOf(value.axes), value.base.dtype, into)
  block.nodes.push(node)
  return node
}

const isRef = (field: unknown): field is Ref => typeof field === 'object' && field !== null && 'base' in field

/** A task with something else in the place of its views. */
export const mapRefs = (task: Task, map: (ref: Ref) => unknown): object =>
  Object.fromEntries(Object.entries(task).map(([name, field]) => [name, isRef(field) ? map(field) : field]))

/** Everything that a node reads. */
export function refsOf({ task, home }: Node): readonly Ref[] {
  if ('args' in task) return task.args
  const operands = Object.values(task).filter(isRef)
  return home && accumulates(task) ? [...operands, home] : operands
}

export const accumulates = (task: Task): boolean => 'accumulate' in task && task.accumulate

/** Whether its values are made by the block, so that they can be made in a place of its choice. */
export const isComputed = ({ task }: Node): boolean => !['buffer', 'literal', 'iota', 'carry'].includes(task.kind)
