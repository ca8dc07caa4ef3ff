import { RmaatError } from '../errors.ts'
import type { Contraction } from '../ops/contraction.ts'
import type { LoopResult, LoopSpec } from '../ops/loop.ts'
import type { ScalarName } from '../ops/scalar.ts'
import { rowOf } from '../ops/table.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { contiguousStrides, sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import type { Storage } from './storage.ts'

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
  /** Where its values lie, once it is known. */
  location?: Location
}

export type Task =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'variable'; readonly variable: Variable }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'data'; readonly values: Float64Array }
  /** Its element number is its value: it needs no memory. */
  | { readonly kind: 'iota' }
  | { readonly kind: 'carry' }
  | { readonly kind: 'loopResult'; readonly loop: Node; readonly result: LoopResult }
  | {
      readonly kind: 'elementwise'
      readonly op: ScalarName | 'identity'
      readonly args: readonly Ref[]
      readonly seed?: number
      readonly site?: number
    }
  /** `x` has the kept axes first, the reduced ones last. */
  | {
      readonly kind: 'reduce'
      readonly op: 'sum' | 'max'
      readonly x: Ref
      readonly keptRank: number
      readonly into?: Ref
    }
  | { readonly kind: 'matmul'; readonly a: Ref; readonly b: Ref; readonly letters: Contraction; readonly into?: Ref }
  | { readonly kind: 'gather'; readonly table: Ref; readonly indices: Ref }
  | { readonly kind: 'scatterAdd'; readonly x: Ref; readonly indices: Ref; readonly into?: Ref }
  /** Parts side by side in one result, the rest of it filled. */
  | { readonly kind: 'assemble'; readonly parts: readonly Part[]; readonly fill?: Ref }
  | {
      readonly kind: 'loop'
      readonly count: number
      readonly reversed: boolean
      readonly carries: readonly Carry[]
      readonly stacked: readonly Ref[]
      readonly body: Block
      readonly records: Set<number>
    }

export interface Part {
  readonly value: Ref
  readonly start: readonly number[]
}

export interface Carry {
  readonly first: Ref
  readonly leaf: Node
  readonly result: Ref
}

/** Element `offset + sum of loop iteration x step` of a storage is the first. */
export interface Location {
  readonly storage: Storage
  readonly offset: number
  readonly steps: readonly number[]
}

/** A strided view of a node. */
export interface Ref {
  readonly base: Node
  readonly offset: number
  readonly shape: Shape
  readonly strides: readonly number[]
  /** What an iteration of each enclosing loop adds to the offset, outermost first. */
  readonly steps: readonly number[]
}

/** The nodes of a program, or of the body of a loop, in an order in which they can be computed. */
export class Block {
  readonly parent: Block | undefined
  readonly depth: number
  readonly nodes: Node[] = []
  readonly refs = new Map<Tensor, Ref>()
  readonly known = new Map<string, Node>()

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

/** A reference to a whole node. */
export const whole = (base: Node): Ref => ({
  base,
  offset: 0,
  shape: base.shape,
  strides: contiguousStrides(base.shape),
  steps: [],
})

/** Whether a view is its node's elements, all of them in their order. */
export const isWhole = (ref: Ref): boolean =>
  ref.offset === 0 &&
  ref.steps.every((step) => step === 0) &&
  sizeOf(ref.shape) === sizeOf(ref.base.shape) &&
  isContiguous(ref)

export function isContiguous({ shape, strides }: Pick<Ref, 'shape' | 'strides'>): boolean {
  const expected = contiguousStrides(shape)
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]) || sizeOf(shape) === 0
}

/** Adds an axis pattern together: neighbouring axes that one stride walks become one. Sizes of 1 vanish. */
export function mergeAxes(shape: Shape, ...strides: (readonly number[])[]): { shape: number[]; strides: number[][] } {
  const merged: number[] = []
  const kept: number[][] = strides.map(() => [])
  shape.forEach((size, axis) => {
    if (size === 1) return
    const last = merged.length - 1
    if (last >= 0 && strides.every((list, i) => kept[i][last] === list[axis] * size)) {
      merged[last] *= size
      strides.forEach((list, i) => {
        kept[i][last] = list[axis]
      })
    } else {
      merged.push(size)
      strides.forEach((list, i) => {
        kept[i].push(list[axis])
      })
    }
  })
  return { shape: merged, strides: kept }
}

/** The strides of a view in another shape, where no copy is needed. */
export function reshapeStrides(ref: Ref, shape: Shape): number[] | undefined {
  if (sizeOf(shape) === 0) return contiguousStrides(shape)
  const { shape: from, strides } = mergeAxes(ref.shape, ref.strides)
  const result = new Array<number>(shape.length).fill(0)
  let axis = from.length - 1
  let left = axis >= 0 ? from[axis] : 1
  let stride = axis >= 0 ? strides[0][axis] : 0
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 1) continue
    if (left === 1 && axis > 0) {
      axis--
      left = from[axis]
      stride = strides[0][axis]
    }
    if (left % shape[i] !== 0) return undefined
    result[i] = stride
    stride *= shape[i]
    left /= shape[i]
  }
  return result
}

/** Everything a node reads, without what the body of a loop reads. */
export function refsOf(task: Task): readonly Ref[] {
  const into = 'into' in task && task.into ? [task.into] : []
  switch (task.kind) {
    case 'elementwise':
      return task.args
    case 'reduce':
      return [task.x, ...into]
    case 'matmul':
      return [task.a, task.b, ...into]
    case 'gather':
      return [task.table, task.indices]
    case 'scatterAdd':
      return [task.x, task.indices, ...into]
    case 'assemble':
      return [...task.parts.map(({ value }) => value), ...(task.fill ? [task.fill] : [])]
    case 'loop':
      return task.carries.map(({ first }) => first)
    default:
      return []
  }
}

/** What a loop takes from an iteration of its body; of other nodes nothing. */
export const resultsOf = (task: Task): readonly Ref[] =>
  task.kind === 'loop' ? [...task.carries.map(({ result }) => result), ...task.stacked] : []

let created = 0

function makeNode(block: Block, task: Task, shape: Shape, dtype: DType, key?: string): Node {
  const full = key && `${key} ${dtype} ${shape}`
  const found = full && block.findNode(full)
  if (found) return found
  const node: Node = { id: created++, shape, dtype, block, task }
  block.nodes.push(node)
  if (full) block.known.set(full, node)
  return node
}

const keyOf = (ref: Ref): string => `${ref.base.id}+${ref.offset}[${ref.shape}](${ref.strides})${ref.steps}`

/** A contiguous copy of a view. */
export const copyOf = (ref: Ref, block: Block): Ref =>
  whole(
    makeNode(
      block,
      { kind: 'elementwise', op: 'identity', args: [ref] },
      ref.shape,
      ref.base.dtype,
      `identity ${keyOf(ref)}`,
    ),
  )

/** The same, as a node that stands in no block: the store of a part, or of a loop's result. */
export const detachedCopy = (ref: Ref, block: Block): Node => ({
  id: created++,
  shape: ref.shape,
  dtype: ref.base.dtype,
  block,
  task: { kind: 'elementwise', op: 'identity', args: [ref] },
})

/** Literals and indices have no memory; kernels other than `rows` need theirs. */
const inMemory = (ref: Ref, block: Block): Ref =>
  ref.base.task.kind === 'iota' || ref.base.task.kind === 'constant' ? copyOf(ref, block) : ref
const contiguous = (ref: Ref, block: Block): Ref => (isContiguous(ref) ? inMemory(ref, block) : copyOf(ref, block))

/** Makes an input known to a program: no other input means anything in it. */
export function addInput(tensor: Tensor, name: string, block: Block): void {
  block.refs.set(tensor, whole(makeNode(block, { kind: 'input', name }, tensor.shape, tensor.dtype)))
}

/** Brings a tensor, and all that it is made of, into a block. */
export function bring(tensor: Tensor, block: Block): Ref {
  const known = block.find(tensor)
  if (known) return known
  // iterative: an unrolled model is far deeper than the stack
  const pending = [tensor]
  while (pending.length) {
    const next = pending[pending.length - 1]
    const missing = block.find(next) ? [] : next.inputs.filter((input) => !block.find(input))
    if (missing.length) pending.push(...missing)
    else {
      if (!block.find(next)) block.refs.set(next, lower(next, block))
      pending.pop()
    }
  }
  return block.find(tensor)!
}

function lower(tensor: Tensor, block: Block): Ref {
  const { op, shape, dtype } = tensor
  // biome-ignore lint/suspicious/noExplicitAny: the attributes of a node belong to its operation
  const attributes = tensor.attributes as any
  const args = tensor.inputs.map((input) => block.find(input)!)
  const [x] = args
  const { lowering } = rowOf(op)
  const node = (task: Task, key?: string): Ref => whole(makeNode(block, task, shape, dtype, key))

  if (lowering.kind === 'formula') return bring(lowering.expand(tensor.inputs, attributes), block)
  if (lowering.kind === 'elementwise') {
    const scalar = lowering.scalar[args[args.length - 1].base.dtype]!
    const { seed, site } = attributes
    return node({ kind: 'elementwise', op: scalar, args, seed, site }, `${scalar} ${seed} ${site} ${args.map(keyOf)}`)
  }
  switch (op) {
    case 'constant':
      return node(
        { kind: 'constant', value: attributes.value },
        `constant ${attributes.value} ${Object.is(attributes.value, -0)}`,
      )
    case 'data':
      return node({ kind: 'data', values: attributes.values })
    case 'variable':
      return node({ kind: 'variable', variable: tensor as Variable }, `variable ${tensor.id}`)
    case 'iota': {
      const { axis } = attributes as { axis: number }
      const strides = shape.map((_, i) => (i === axis ? 1 : 0))
      return {
        ...whole(makeNode(block, { kind: 'iota' }, [shape[axis]], 'i32', `iota ${shape[axis]}`)),
        shape,
        strides,
      }
    }
    case 'stopGradient':
      return x
    case 'reshape': {
      const strides = reshapeStrides(x, shape)
      return strides ? { ...x, shape, strides } : { ...copyOf(x, block), shape, strides: contiguousStrides(shape) }
    }
    case 'transpose':
      return { ...x, shape, strides: (attributes.axes as number[]).map((axis) => x.strides[axis]) }
    case 'broadcastTo': {
      const lead = shape.length - x.shape.length
      const strides = shape.map((size, axis) =>
        axis < lead || x.shape[axis - lead] !== size ? 0 : x.strides[axis - lead],
      )
      return { ...x, shape, strides }
    }
    case 'slice': {
      const start = attributes.start as number[]
      return { ...x, shape, offset: x.offset + start.reduce((sum, at, axis) => sum + at * x.strides[axis], 0) }
    }
    case 'pad':
      return node({
        kind: 'assemble',
        parts: [{ value: x, start: attributes.before }],
        fill: bring(attributes.fill, block),
      })
    case 'concat': {
      let at = 0
      const parts = args.map((value): Part => {
        const start = shape.map((_, axis) => (axis === attributes.axis ? at : 0))
        at += value.shape[attributes.axis]
        return { value, start }
      })
      return node({ kind: 'assemble', parts: parts.filter(({ value }) => sizeOf(value.shape) > 0) })
    }
    case 'sum':
    case 'max': {
      const reduced: readonly number[] = op === 'sum' ? attributes.axes : [x.shape.length - 1]
      const order = [...x.shape.keys()].filter((axis) => !reduced.includes(axis)).concat(reduced)
      const values = inMemory(x, block)
      const ordered = {
        ...values,
        shape: order.map((axis) => x.shape[axis]),
        strides: order.map((axis) => values.strides[axis]),
      }
      return node(
        { kind: 'reduce', op, x: ordered, keptRank: order.length - reduced.length },
        `${op} ${reduced.length} ${keyOf(ordered)}`,
      )
    }
    case 'einsum': {
      const letters = attributes as Contraction
      const [a, b] = args.map((arg) => inMemory(arg, block))
      return node(
        { kind: 'matmul', a, b, letters },
        `einsum ${letters.a},${letters.b}->${letters.out} ${keyOf(a)} ${keyOf(b)}`,
      )
    }
    case 'gather': {
      const [table, indices] = args.map((arg) => contiguous(arg, block))
      return node({ kind: 'gather', table, indices }, `gather ${keyOf(table)} ${keyOf(indices)}`)
    }
    case 'scatterAdd': {
      const [values, indices] = args.map((arg) => contiguous(arg, block))
      return node({ kind: 'scatterAdd', x: values, indices }, `scatterAdd ${keyOf(values)} ${keyOf(indices)}`)
    }
    case 'loop':
      return node(lowerLoop(attributes, args, block))
    case 'loopResult': {
      const loop = x.base
      const result = attributes as LoopResult
      if (result.kind === 'record' && loop.task.kind === 'loop') loop.task.records.add(result.index)
      return node({ kind: 'loopResult', loop, result }, `loopResult ${loop.id} ${result.kind} ${result.index}`)
    }
    default:
      throw new RmaatError(
        'program',
        `an ${op === 'input' ? 'input' : 'iteration'} is used outside of the program or loop that it belongs to`,
      )
  }
}

function lowerLoop(
  { count, reversed, carries, parameters, stacked, body: tensors }: LoopSpec,
  args: readonly Ref[],
  block: Block,
): Task {
  const body = new Block(block)
  const direction = reversed ? -1 : 1
  const leaves = carries.map(({ parameter }) => {
    const leaf = makeNode(body, { kind: 'carry' }, parameter.shape, parameter.dtype)
    body.refs.set(parameter, whole(leaf))
    return leaf
  })
  parameters.forEach((parameter, i) => {
    const source = args[carries.length + i]
    const stride = source.strides[0]
    const steps = [...source.steps]
    for (let depth = steps.length; depth < block.depth; depth++) steps.push(0)
    body.refs.set(parameter, {
      base: source.base,
      offset: source.offset + (reversed ? (count - 1) * stride : 0),
      shape: source.shape.slice(1),
      strides: source.strides.slice(1),
      steps: [...steps, direction * stride],
    })
  })
  for (const tensor of tensors) bring(tensor, body)
  // a carry that comes back as it is, or as another one, or is stacked, is copied before any is overwritten
  const results = [...carries.map(({ result }) => result), ...stacked].map((tensor) => {
    const ref = bring(tensor, body)
    return ref.base.task.kind === 'carry' && ref.base.block === body ? copyOf(ref, body) : ref
  })
  return {
    kind: 'loop',
    count,
    reversed,
    carries: leaves.map((leaf, i) => ({ first: args[i], leaf, result: results[i] })),
    stacked: results.slice(carries.length),
    body,
    records: new Set(),
  }
}
