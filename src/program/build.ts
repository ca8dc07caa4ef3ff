import { RmaatError } from '../errors.ts'
import { type Contraction, productAndSum, sizesOf } from '../ops/contraction.ts'
import { type LoopResult, type LoopSpec, reachable } from '../ops/loop.ts'
import { rowOf, type StructureName } from '../ops/table.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { elementsOf, isContiguous, merged, reshaped, rowMajor, shapeOf } from './axes.ts'
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
import type { ProductAxis } from './plan.ts'

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
const contiguous = (ref: Ref, block: Block): Ref => (isContiguous(ref.axes) ? inMemory(ref, block) : copyOf(ref, block))

function build(tensor: Tensor, block: Block): Ref {
  const { op, shape, dtype } = tensor
  // biome-ignore lint/suspicious/noExplicitAny: the attributes of a node belong to its operation
  const attributes = tensor.attributes as any
  const args = tensor.inputs.map((input) => block.find(input)!)
  const [x] = args
  const { formula, scalar } = rowOf(op)
  const node = (task: Task): Ref => whole(addNode(block, task, shape, dtype))
  const elements = sizeOf(shape)

  if (formula) return bring([formula(tensor.inputs, attributes)], block)[0]
  if (scalar) {
    const { seed, site } = attributes
    return node({ kind: 'elementwise', op: scalar[args[args.length - 1].base.dtype]!, args, seed, site })
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
      return { ...whole(base), axes: shape.map((size, i) => ({ size, stride: i === axis ? 1 : 0 })) }
    }
    case 'reshape': {
      const axes = reshaped(x.axes, shape)
      return axes ? { ...x, axes } : { ...copyOf(x, block), axes: rowMajor(shape) }
    }
    case 'transpose':
      return { ...x, axes: (attributes.axes as number[]).map((axis) => x.axes[axis]) }
    case 'broadcastTo': {
      const aligned = shape.map((_, axis) => x.axes[axis - shape.length + x.axes.length])
      return { ...x, axes: shape.map((size, i) => (aligned[i]?.size === size ? aligned[i] : { size, stride: 0 })) }
    }
    case 'slice': {
      const { start, steps } = attributes as Record<'start' | 'steps', number[]>
      const offset = start.reduce((sum, at, axis) => sum + at * x.axes[axis].stride, x.offset)
      return { ...x, offset, axes: x.axes.map(({ stride }, i) => ({ size: shape[i], stride: stride * steps[i] })) }
    }
    case 'concat': {
      const parts: Ref[] = []
      const all = whole(detached(block, { kind: 'memory', args: parts, replay: false }, shape, dtype))
      const { axis } = attributes as { axis: number }
      const { stride } = all.axes[axis]
      let { offset } = all
      for (const value of args.filter((arg) => elementsOf(arg.axes) > 0)) {
        const { size } = value.axes[axis]
        parts.push(put({ value, into: { ...all, offset, axes: all.axes.with(axis, { size, stride }) } }, block))
        offset += size * stride
      }
      block.nodes.push(all.base)
      return all
    }
    case 'sum':
    case 'max': {
      const axes: readonly number[] = op === 'sum' ? attributes.axes : [x.axes.length - 1]
      const values = inMemory(x, block)
      const kept = merged(values.axes.filter((_, axis) => !axes.includes(axis)))
      const reduced = merged(axes.map((axis) => values.axes[axis]))
      const ordered = { ...values, axes: [...kept, ...reduced] }
      return node({ kind: 'reduce', op: structure, dtype, accumulate: false, x: ordered, kept, reduced })
    }
    case 'einsum': {
      const [a, b] = args.map((arg) => inMemory(arg, block))
      if (isRowByRow(a, b, attributes)) return bring([productAndSum(tensor as Tensor<Contraction>)], block)[0]
      return node(matmul(a, b, attributes))
    }
    case 'gather': {
      const [table, indices] = args.map((arg) => contiguous(arg, block))
      const [{ size: tableRows }, ...rest] = table.axes
      const [count, width] = [elementsOf(indices.axes), elementsOf(rest)]
      return node({ kind: 'gather', dtype, table, indices, count, width, tableRows })
    }
    case 'scatterAdd': {
      const [values, indices] = args.map((arg) => contiguous(arg, block))
      const [tableRows, ...rest] = shape
      const [count, width] = [elementsOf(indices.axes), sizeOf(rest)]
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
  if (!direct || !isWhole(value) || !isContiguous(into.axes)) return whole(copyTo({ value, into }, block))
  base.home = into
  return value
}

/**
 * Whether a contraction is better computed lane by lane: nothing is summed, or short rows that lie together in one operand
 * are, each with one row of the other operand.
 */
function isRowByRow(x: Ref, y: Ref, { a, b, out }: Contraction): boolean {
  const inner = [...a].filter((letter) => !out.includes(letter)).join('')
  const lieIn = (ref: Ref, letters: string, other: string): boolean => {
    const length = elementsOf(ref.axes.slice(letters.length - inner.length))
    const rows = letters.endsWith(inner) && ref.axes.at(-1)?.stride === 1 && length >= LANES && length <= WIDEST_ROW
    return rows && [...other].every((letter) => letters.includes(letter))
  }
  return inner === '' || lieIn(x, a, b) || lieIn(y, b, a)
}

/** Sorts the axes of a contraction into batch, rows, columns and inner ones, so that the columns are contiguous in the result. */
function matmul(x: Ref, y: Ref, { a, b, out }: Contraction): Task {
  const last = out.at(-1) ?? ' '
  if (a.includes(last) && !b.includes(last)) return matmul(y, x, { a: b, b: a, out })
  const sizes = sizesOf({ a, b, out }, shapeOf(x.axes), shapeOf(y.axes))
  const product = rowMajor([...out].map((letter) => sizes.get(letter)!))
  const axes = (letters: string, where: (letter: string) => boolean): ProductAxis[] =>
    merged(
      [...letters].filter(where).map((letter) => ({
        size: sizes.get(letter)!,
        a: x.axes[a.indexOf(letter)]?.stride ?? 0,
        b: y.axes[b.indexOf(letter)]?.stride ?? 0,
        out: product[out.indexOf(letter)]?.stride ?? 0,
      })),
    )
  return {
    kind: 'matmul',
    accumulate: false,
    a: x,
    b: y,
    batch: axes(out, (letter) => a.includes(letter) && b.includes(letter)),
    m: axes(out, (letter) => !b.includes(letter)),
    n: axes(out, (letter) => !a.includes(letter)),
    k: axes(a, (letter) => !out.includes(letter)),
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
  const piece = (base: Node, { shape }: Tensor, offset = 0): Ref => ({ base, offset, axes: rowMajor(shape), steps: [] })
  /** What an iteration sees of that which has a piece for each. */
  const part = ({ base, offset, axes: [{ stride }, ...axes], steps }: Ref): Ref => ({
    ...{ base, offset: offset + begin * stride, axes },
    steps: [...steps, ...outside.slice(steps.length), direction * stride],
  })
  /** The tensors that stand for a result: none where nothing reads it. */
  const readers = (kind: LoopResult['kind'], of: Tensor): Tensor[] =>
    results.filter(({ attributes }) => attributes.kind === kind && attributes.of === of)
  const show = (tensors: readonly Tensor[], base: Node, offset = 0): void => {
    for (const tensor of tensors) block.refs.set(tensor, piece(base, tensor, offset))
  }

  for (const { parameter, source } of inputs) body.refs.set(parameter, part(block.find(source)!))
  const args: Ref[] = []
  const goals = carries.map(({ parameter, first, result }) => {
    // of a recorded carry every value stays, and the next one stands behind it
    const records = readers('record', parameter)
    const recorded = records.length > 0
    const step = recorded ? sizeOf(parameter.shape) : 0
    const base = memory(recorded ? count + 1 : 1, parameter, recorded)
    args.push(whole(copyTo({ value: block.find(first)!, into: piece(base, parameter) }, block)))
    const leaf = addNode(body, { kind: 'carry' }, parameter.shape, parameter.dtype)
    const home = { ...piece(base, parameter), steps: recorded ? [...outside, step] : [] }
    leaf.home = home
    body.refs.set(parameter, whole(leaf))
    show(records, base)
    show(readers('carry', parameter), base, count * step)
    return { tensor: result, into: recorded ? { ...home, offset: step } : whole(leaf) }
  })
  for (const tensor of new Set(stacked)) {
    const stacks = readers('stack', tensor)
    if (stacks.length === 0) continue
    const base = memory(count, tensor)
    goals.push({ tensor, into: part(whole(base)) })
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
  itself.push(whole(addNode(block, { kind: 'loop', count, args, body }, [], 'f32')))
  block.nodes.push(...memories)
  block.refs.set(loop, itself[0])
}
