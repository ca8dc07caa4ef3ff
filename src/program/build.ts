import { RmaatError } from '../errors.ts'
import { type Contraction, productAndSum } from '../ops/contraction.ts'
import { type LoopSpec, reachable } from '../ops/loop.ts'
import { entryOf, type StructureName } from '../ops/table.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { elementsOf, isContiguous, merged, reshaped, rowMajor } from './axes.ts'
import { isRowByRow, matmulOf } from './contraction.ts'
import { addNode, type Block, copyOf, detached, type Ref, type Task, whole } from './graph.ts'
import { put } from './in-place.ts'
import { buildLoop, resultsOf } from './loops.ts'
import { scanOf } from './scan.ts'

/** Adds tensors, and all that they are made of, to a block, oldest first: what is computed early is dead early. */
export function bring(tensors: readonly Tensor[], block: Block): Ref[] {
  const missing = reachable(tensors, (tensor) => block.find(tensor) !== undefined)
  for (const tensor of missing) {
    if (tensor.op === 'loop') buildLoop(tensor as Tensor<LoopSpec>, resultsOf(tensor, missing), block, bring)
    // a formula may have brought it, a loop its results
    else if (!block.find(tensor)) block.refs.set(tensor, build(tensor, block))
  }
  return tensors.map((tensor) => block.find(tensor)!)
}

/** Literals and element numbers have no memory, which kernels other than `fused` need: it takes no more than their own elements. */
const inMemory = (ref: Ref, block: Block): Ref =>
  ref.base.task.kind === 'iota' || ref.base.task.kind === 'literal'
    ? { ...ref, base: copyOf(whole(ref.base), block).base }
    : ref
const contiguous = (ref: Ref, block: Block): Ref => (isContiguous(ref.axes) ? inMemory(ref, block) : copyOf(ref, block))

function build(tensor: Tensor, block: Block): Ref {
  const { op, shape, dtype } = tensor
  // biome-ignore lint/suspicious/noExplicitAny: the attributes of a node belong to its operation
  const attributes = tensor.attributes as any
  const args = tensor.inputs.map((input) => block.find(input)!)
  const [x] = args
  const { formula, scalar } = entryOf(op)
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
      const { axis } = attributes
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
      // axes that are new, or longer than the operand's, have stride 0
      const aligned = shape.map((_, axis) => x.axes[axis - shape.length + x.axes.length])
      return { ...x, axes: shape.map((size, i) => (aligned[i]?.size === size ? aligned[i] : { size, stride: 0 })) }
    }
    case 'slice': {
      const { start, steps } = attributes as { start: readonly number[]; steps: readonly number[] }
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
      return node(matmulOf(a, b, attributes))
    }
    case 'scan': {
      const [a, b] = args.map((arg) => inMemory(arg, block))
      return node(scanOf(a, b, attributes))
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
