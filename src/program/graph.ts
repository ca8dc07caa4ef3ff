import type { ScalarName } from '../ops/rounded.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { elementsOf, isContiguous, rowMajor, shapeOf } from './axes.ts'
import type { Axis, Buffer, Fused, Kernel, Place } from './plan.ts'

/**
 * The graph as the planner sees it: formulas expanded, views folded into operands, common subexpressions made one node.
 * The value of a node is contiguous in row-major order; its uses are strided views of it, `Ref`s.
 */
export interface Node {
  readonly id: number
  readonly shape: Shape
  readonly dtype: DType
  readonly block: Block
  task: Task
  /** The place in another node's memory where it is computed, see `in-place.ts`. Else it has memory of its own. */
  home?: Ref
}

/** A strided view of a node. */
export interface Ref {
  readonly base: Node
  readonly offset: number
  readonly axes: readonly Axis[]
  /** What an iteration of each enclosing loop adds to the offset, outermost first. */
  readonly loopStrides: readonly number[]
}

/** A kernel call of the plan with views in the place of addresses; its result is the node. */
type Call<Of> = Of extends Kernel
  ? { readonly [Field in Exclude<keyof Of, 'out'>]: Of[Field] extends Place ? Ref : Of[Field] }
  : never

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
  /**
   * All kernels but `fused`, which nodes are fused into. One that accumulates adds to what is at the node's `home`. `x` of
   * `reduce` has the kept axes first, the reduced ones last.
   */
  | Call<Exclude<Kernel, Fused>>
  /** Memory that other nodes fill: the parts of a concatenation, the results of a loop. Complete when `args` have run. */
  | { readonly kind: 'memory'; readonly args: readonly Ref[]; readonly replay: boolean }
  /** `args` are the first values of its carries, in their places, and all operands of the body from outside of it. */
  | { readonly kind: 'loop'; readonly count: number; readonly args: readonly Ref[]; readonly body: Block }

/** A value that has to be at a place when its block ends: the next value of a variable or a carry, a part of a stack. */
export interface Store {
  readonly value: Ref
  readonly into: Ref
}

/** The nodes of a program, or of the body of a loop, in topological order. */
export class Block {
  readonly parent: Block | undefined
  readonly depth: number = 0
  readonly nodes: Node[] = []
  readonly refs = new Map<Tensor, Ref>()
  readonly known = new Map<string, Node>()
  readonly stores: Store[] = []
  /** Nodes that have to be in memory when the block ends. */
  readonly kept = new Set<Node>()
  /** The block that its nodes are part of: itself, or for what runs once the one around it. */
  readonly owner: Block = this

  /** `once`: a part of its parent that computes again what other such parts compute. */
  constructor(parent?: Block, once = false) {
    this.parent = parent
    if (!parent) return
    if (once) ({ nodes: this.nodes, stores: this.stores, kept: this.kept, owner: this.owner } = parent)
    this.depth = parent.depth + (once ? 0 : 1)
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
  block: block.owner,
  task,
  home,
})

/** A node of a block, which is shared with equal ones. */
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
  if (typeof field !== 'object' || field === null) return Object.is(field, -0) ? '-0' : `${field}`
  if (isRef(field)) return nameOf(field)
  let key = '['
  for (const name in field) key += `${keyOf(field[name as keyof typeof field])},`
  return `${key}]`
}

/** Equal for equal views. */
export function nameOf({ base, offset, axes, loopStrides }: Ref): string {
  let name = `${base.id}+${offset}[`
  for (const { size, stride } of axes) name += `${size}:${stride},`
  return `${name}]${loopStrides}`
}

/** A reference to a whole node. */
export const whole = (base: Node): Ref => ({ base, offset: 0, axes: rowMajor(base.shape), loopStrides: [] })

/** Whether a view is all elements of its node, in their order. */
export const isWhole = (ref: Ref): boolean =>
  ref.offset === 0 &&
  ref.loopStrides.every((stride) => stride === 0) &&
  elementsOf(ref.axes) === sizeOf(ref.base.shape) &&
  isContiguous(ref.axes)

export const identity = (ref: Ref): Task => ({ kind: 'elementwise', op: 'identity', args: [ref] })

/** A contiguous copy of a view. */
export const copyOf = (ref: Ref, block: Block): Ref =>
  whole(addNode(block, identity(ref), shapeOf(ref.axes), ref.base.dtype))

const isRef = (field: unknown): field is Ref => typeof field === 'object' && field !== null && 'base' in field

/** A task with its operands replaced. */
export const mapRefs = (task: Task, map: (ref: Ref) => unknown): object =>
  Object.fromEntries(Object.entries(task).map(([name, field]) => [name, isRef(field) ? map(field) : field]))

/** The operands of a node. */
export function refsOf({ task, home }: Node): readonly Ref[] {
  if ('args' in task) return task.args
  const operands = Object.values(task).filter(isRef)
  return home && accumulates(task) ? [...operands, home] : operands
}

export const accumulates = (task: Task): boolean => 'accumulate' in task && task.accumulate

/** Whether a kernel computes it, so that it can be computed anywhere. */
export const isComputed = ({ task }: Node): boolean => !['buffer', 'literal', 'iota', 'carry'].includes(task.kind)
