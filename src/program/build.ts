import { RmaatError } from '../errors.ts'
import { type Contraction, sizesOf } from '../ops/contraction.ts'
import { type LoopResult, type LoopSpec, reachable } from '../ops/loop.ts'
import { rowOf, type StructureName } from '../ops/table.ts'
import type { Shape } from '../tensor/dtype.ts'
import { contiguousStrides, sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { fuses, WIDEST_ROW } from './fuse.ts'
import {
  addNode,
  Block,
  copyOf,
  copyTo,
  detached,
  isComputed,
  isWhole,
  type Node,
  type Ref,
  refsOf,
  type Store,
  type Task,
  whole,
} from './graph.ts'
import { axesOf, isContiguous, mergeAxes, merged, reshapeStrides } from './strides.ts'

/** Rows shorter than a vector are no rows for a kernel. */
const LANES = 4

/** Brings tensors, and all that they are made of, into a block: oldest first, for what is computed early dies early. */
export function bring(tensors: readonly Tensor[], block: Block): Ref[] {
  const missing = reachable(tensors, (tensor) => block.find(tensor) !== undefined)
  for (const tensor of missing) {
    if (tensor.op === 'loop') buildLoop(tensor as Tensor<LoopSpec>, resultsOf(tensor, missing), block)
    // a formula may have brought it, a loop its results
    else if (!block.find(tensor)) block.refs.set(tensor, build(tensor, block))
  }
  return tensors.map((tensor) => block.find(tensor)!)
}

/** Lets a value lie at a place when the block ends. What is not computed there is copied before any place is written. */
export function keep({ value, into }: Store, block: Block): void {
  const kept = isComputed(value.base) ? value : copyOf(value, block)
  block.stores.push({ value: kept, into })
  block.kept.add(kept.base)
}

/** Literals and indices have no memory; kernels other than `rows` need theirs. */
const inMemory = (ref: Ref, block: Block): Ref =>
  ref.base.task.kind === 'iota' || ref.base.task.kind === 'literal' ? copyOf(ref, block) : ref
const contiguous = (ref: Ref, block: Block): Ref => (isContiguous(ref) ? inMemory(ref, block) : copyOf(ref, block))

function build(tensor: Tensor, block: Block): Ref {
  const { op, shape, dtype } = tensor
  // biome-ignore lint/suspicious/noExplicitAny: the attributes of a node belong to its operation
  const attributes = tensor.attributes as any
  const args = tensor.inputs.map((input) => block.find(input)!)
  const [x] = args
  const { lowering } = rowOf(op)
  const node = (task: Task): Ref => whole(addNode(block, task, shape, dtype))
  const elements = sizeOf(shape)

  if (lowering?.kind === 'formula') return bring([lowering.expand(tensor.inputs, attributes)], block)[0]
  if (lowering?.kind === 'elementwise') {
    const scalar = lowering.scalar[args[args.length - 1].base.dtype]!
    const { seed, site } = attributes
    return node({ kind: 'elementwise', op: scalar, args, seed, site })
  }
  const structure = op as StructureName
  switch (structure) {
    case 'constant':
      return node({ kind: 'literal', value: attributes.value })
    case 'data':
      return node({ kind: 'buffer', buffer: { kind: 'constant', values: attributes.values, dtype, elements } })
    case 'variable':
      return node({ kind: 'buffer', buffer: { kind: 'variable', id: tensor.id, elements } })
    case 'iota': {
      const { axis } = attributes as { axis: number }
      const base = addNode(block, { kind: 'iota' }, [shape[axis]], 'i32')
      return { ...whole(base), shape, strides: shape.map((_, i) => (i === axis ? 1 : 0)) }
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
      const stays = (size: number, axis: number): boolean => axis >= lead && x.shape[axis - lead] === size
      return { ...x, shape, strides: shape.map((size, axis) => (stays(size, axis) ? x.strides[axis - lead] : 0)) }
    }
    case 'slice': {
      const start = attributes.start as number[]
      return { ...x, shape, offset: x.offset + start.reduce((sum, at, axis) => sum + at * x.strides[axis], 0) }
    }
    case 'concat': {
      const parts: Ref[] = []
      const all = whole(detached(block, { kind: 'memory', args: parts, replay: false }, shape, dtype))
      let { offset } = all
      for (const value of args.filter((arg) => sizeOf(arg.shape) > 0)) {
        parts.push(put({ value, into: { ...all, offset, shape: value.shape } }, block))
        offset += value.shape[attributes.axis] * all.strides[attributes.axis]
      }
      block.nodes.push(all.base)
      return all
    }
    case 'sum':
    case 'max': {
      const reduced: readonly number[] = op === 'sum' ? attributes.axes : [x.shape.length - 1]
      const order = [...x.shape.keys()].filter((axis) => !reduced.includes(axis)).concat(reduced)
      const values = inMemory(x, block)
      const pick = (list: readonly number[]): number[] => order.map((axis) => list[axis])
      const ordered: Ref = { ...values, shape: pick(values.shape), strides: pick(values.strides) }
      const axes = (from: number, to?: number) =>
        axesOf(merged({ shape: ordered.shape.slice(from, to), strides: ordered.strides.slice(from, to) }))
      const [kept, inner] = [axes(0, shape.length), axes(shape.length)]
      return node({ kind: 'reduce', op: structure, dtype, accumulate: false, x: ordered, kept, reduced: inner })
    }
    case 'einsum': {
      const [a, b] = args.map((arg) => inMemory(arg, block))
      const inner = innerLetters(a, b, attributes)
      if (inner === undefined) return node(matmul(a, b, attributes))
      const letters: Contraction = attributes
      const sizes = sizesOf(letters, a.shape, b.shape)
      const terms = [...letters.out, ...inner]
      const spread = (ref: Ref, own: string): Ref => ({
        ...ref,
        shape: terms.map((letter) => sizes.get(letter)!),
        strides: terms.map((letter) => ref.strides[own.indexOf(letter)] ?? 0),
      })
      const factors = [spread(a, letters.a), spread(b, letters.b)]
      const product = whole(addNode(block, { kind: 'elementwise', op: 'mul', args: factors }, factors[0].shape, dtype))
      if (inner === '') return product
      const [kept, reduced] = [elements, sizeOf([...inner].map((letter) => sizes.get(letter)!))]
      return node({
        kind: 'reduce',
        op: 'sum',
        dtype,
        accumulate: false,
        x: product,
        kept: [{ size: kept, stride: reduced }],
        reduced: [{ size: reduced, stride: 1 }],
      })
    }
    case 'gather': {
      const [table, indices] = args.map((arg) => contiguous(arg, block))
      const [tableRows, ...rest] = table.shape
      const [count, width] = [sizeOf(indices.shape), sizeOf(rest)]
      return node({ kind: 'gather', dtype, table, indices, count, width, tableRows })
    }
    case 'scatterAdd': {
      const [values, indices] = args.map((arg) => contiguous(arg, block))
      const [tableRows, ...rest] = shape
      const [count, width] = [sizeOf(indices.shape), sizeOf(rest)]
      return node({ kind: 'scatterAdd', accumulate: false, x: values, indices, count, width, tableRows })
    }
    default: {
      const stranger: 'input' | 'parameter' | 'loop' | 'loopResult' = structure
      const what = stranger === 'input' ? 'an input' : 'an iteration'
      throw new RmaatError('program', `${what} is used outside of the program or loop that it belongs to`)
    }
  }
}

/** A value in its place inside of a memory: a kernel can write there in the first place, all else is copied. */
function put({ value, into }: Store, block: Block): Ref {
  const { base } = value
  const direct = isComputed(base) && !fuses(base) && !base.home && base.block === block
  if (!direct || !isWhole(value) || !isContiguous(into)) return whole(copyTo({ value, into }, block))
  base.home = into
  return value
}

/**
 * The letters that are summed over, where a contraction is better computed lane by lane: nothing is summed, or short rows
 * that lie together in one operand are, each with one row of the other operand.
 */
function innerLetters(x: Ref, y: Ref, { a, b, out }: Contraction): string | undefined {
  const inner = [...a].filter((letter) => !out.includes(letter)).join('')
  if (inner === '') return inner
  for (const [ref, letters, other] of [
    [x, a, b],
    [y, b, a],
  ] as const) {
    const length = sizeOf(ref.shape.slice(letters.length - inner.length))
    const rows = letters.endsWith(inner) && ref.strides.at(-1) === 1 && length >= LANES && length <= WIDEST_ROW
    if (rows && [...other].every((letter) => letters.includes(letter))) return inner
  }
  return undefined
}

/** Sorts the axes of a contraction into batch, rows, columns and inner ones, so that the columns are contiguous in the result. */
function matmul(x: Ref, y: Ref, letters: Contraction): Extract<Task, { kind: 'matmul' }> {
  const { out } = letters
  const sizes = sizesOf(letters, x.shape, y.shape)
  const sides = [
    { ref: x, letters: letters.a },
    { ref: y, letters: letters.b },
  ]
  const last = out.at(-1) ?? ' '
  const [a, b] = letters.a.includes(last) && !letters.b.includes(last) ? sides.reverse() : sides
  const product = { letters: out, ref: { strides: contiguousStrides([...out].map((letter) => sizes.get(letter)!)) } }

  /** Axes that stand in the given ones of a, b and the result, with their strides there. */
  const axes = (...where: [inA: boolean, inB: boolean, inOut: boolean]) => {
    const places = [a, b, product]
    const all = where[2] ? out : a.letters
    const chosen = [...all].filter((letter) => places.every((place, i) => place.letters.includes(letter) === where[i]))
    const { shape, strides } = mergeAxes(
      chosen.map((letter) => sizes.get(letter)!),
      ...places.map((place) => chosen.map((letter) => place.ref.strides[place.letters.indexOf(letter)] ?? 0)),
    )
    const [inA, inB, inOut] = strides
    return shape.map((size, i) => ({ size, a: inA[i], b: inB[i], out: inOut[i] }))
  }
  return {
    kind: 'matmul',
    accumulate: false,
    a: a.ref,
    b: b.ref,
    batch: axes(true, true, true),
    m: axes(true, false, true).map(({ size, a, out }) => ({ size, a, out })),
    n: axes(false, true, true).map(({ size, b, out }) => ({ size, b, out })),
    k: axes(true, true, false).map(({ size, a, b }) => ({ size, a, b })),
  }
}

const resultsOf = (loop: Tensor, among: readonly Tensor[]): Tensor<LoopResult>[] =>
  among.filter(({ op, inputs }) => op === 'loopResult' && inputs[0] === loop) as Tensor<LoopResult>[]

/** Brings a loop, and those of its results that anything reads. */
function buildLoop(loop: Tensor<LoopSpec>, results: readonly Tensor<LoopResult>[], block: Block): void {
  const { count, reversed, carries, inputs, stacked } = loop.attributes
  const [begin, direction] = reversed ? [count - 1, -1] : [0, 1]
  const body = new Block(block)
  const outside = new Array<number>(block.depth).fill(0)
  const memories: Node[] = []
  /** The loop itself: what its memories wait for. */
  const itself: Ref[] = []
  const memory = (pieces: number, { shape, dtype }: Tensor, replay = false): Node => {
    memories.push(detached(block, { kind: 'memory', args: itself, replay }, [pieces, ...shape], dtype))
    return memories[memories.length - 1]
  }
  /** What begins at an element of a memory, and moves by `step` in each iteration. */
  const piece = (base: Node, shape: Shape, offset: number, step = 0): Ref => ({
    ...{ base, offset, shape, strides: contiguousStrides(shape) },
    steps: step ? [...outside, step] : [],
  })
  /** The tensors that stand for a result: none where nothing reads it. */
  const readers = (kind: LoopResult['kind'], of: Tensor): Tensor[] =>
    results.filter(({ attributes }) => attributes.kind === kind && attributes.of === of)
  const show = (tensors: readonly Tensor[], base: Node, offset = 0): void => {
    for (const tensor of tensors) block.refs.set(tensor, piece(base, tensor.shape, offset))
  }

  for (const { parameter, source } of inputs) {
    const { base, offset, shape, strides, steps } = block.find(source)!
    body.refs.set(parameter, {
      base,
      offset: offset + begin * strides[0],
      shape: shape.slice(1),
      strides: strides.slice(1),
      steps: [...outside.map((_, depth) => steps[depth] ?? 0), direction * strides[0]],
    })
  }
  const args: Ref[] = []
  const goals = carries.map(({ parameter, first, result }) => {
    // of a recorded carry every value stays, and the next one stands behind it
    const records = readers('record', parameter)
    const recorded = records.length > 0
    const step = recorded ? sizeOf(parameter.shape) : 0
    const base = memory(recorded ? count + 1 : 1, parameter, recorded)
    args.push(whole(copyTo({ value: block.find(first)!, into: piece(base, parameter.shape, 0) }, block)))
    const leaf = addNode(body, { kind: 'carry' }, parameter.shape, parameter.dtype)
    leaf.home = piece(base, parameter.shape, 0, step)
    body.refs.set(parameter, whole(leaf))
    show(records, base)
    show(readers('carry', parameter), base, count * step)
    return { tensor: result, into: recorded ? piece(base, parameter.shape, step, step) : whole(leaf) }
  })
  for (const tensor of new Set(stacked)) {
    const stacks = readers('stack', tensor)
    if (stacks.length === 0) continue
    const base = memory(count, tensor)
    const size = sizeOf(tensor.shape)
    goals.push({ tensor, into: piece(base, tensor.shape, begin * size, direction * size) })
    show(stacks, base)
  }

  const values = bring(
    goals.map(({ tensor }) => tensor),
    body,
  )
  goals.forEach(({ into }, i) => {
    keep({ value: values[i], into }, body)
  })
  const reads = [...body.nodes.flatMap(refsOf), ...body.stores.map(({ value }) => value)]
  args.push(...reads.filter(({ base }) => base.block !== body))
  itself.push(whole(addNode(block, { kind: 'loop', count, args, body, memories }, [], 'f32')))
  block.nodes.push(...memories)
  block.refs.set(loop, itself[0])
}
