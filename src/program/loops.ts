import type { LoopResult, LoopSpec } from '../ops/loop.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { rowMajor } from './axes.ts'
import { addNode, Block, detached, type Node, type Ref, refsOf, whole } from './graph.ts'
import { copyTo, keep } from './in-place.ts'

type Results = readonly Tensor<LoopResult>[]

export const resultsOf = (loop: Tensor, among: readonly Tensor[]): Results =>
  among.filter(({ op, inputs }) => op === 'loopResult' && inputs[0] === loop) as Tensor<LoopResult>[]

/** What is stacked: the outputs, and what a gradient holds. */
const stackedOf = (outputs: readonly Tensor[], results: Results): Set<Tensor> =>
  new Set([...outputs, ...results.flatMap(({ attributes: { kind, of } }) => (kind === 'stack' ? [of] : []))])

/** Adds a loop to a block, and those of its results that are used. `bring` adds the tensors of its body to the body's block. */
export function buildLoop(
  loop: Tensor<LoopSpec>,
  results: Results,
  block: Block,
  bring: (tensors: readonly Tensor[], body: Block) => Ref[],
): void {
  const { count, reversed, carries, inputs, stacked } = loop.attributes
  if (count === 1) {
    runOnce(loop, results, block, bring)
    return
  }
  const [begin, direction] = reversed ? [count - 1, -1] : [0, 1]
  const body = new Block(block)
  /** The strides of what an iteration of this loop moves, in the loops around it. */
  const outer = new Array<number>(block.depth).fill(0)
  const memories: Node[] = []
  /** The loop itself: its memories are complete when it has run. */
  const itself: Ref[] = []
  const memory = (pieces: number, { shape, dtype }: Tensor, replay = false): Node => {
    memories.push(detached(block, { kind: 'memory', args: itself, replay }, [pieces, ...shape], dtype))
    return memories[memories.length - 1]
  }
  const pieceOf = (base: Node, { shape }: Tensor, offset = 0): Ref => ({
    ...whole(base),
    offset,
    axes: rowMajor(shape),
  })
  /** What an iteration sees of a value that has a part for each iteration. */
  const partOf = ({ base, offset, axes: [{ stride }, ...axes], loopStrides }: Ref): Ref => ({
    ...{ base, offset: offset + begin * stride, axes },
    loopStrides: [...loopStrides, ...outer.slice(loopStrides.length), direction * stride],
  })
  /** The tensors that stand for a result: none where it is not used. */
  const usersOf = (kind: LoopResult['kind'], of: Tensor): Results =>
    results.filter(({ attributes }) => attributes.kind === kind && attributes.of === of)
  const show = (tensors: Results, base: Node, offset = 0): void => {
    for (const tensor of tensors) block.refs.set(tensor, pieceOf(base, tensor, offset))
  }

  for (const { parameter, source } of inputs) body.refs.set(parameter, partOf(block.find(source)!))
  const args: Ref[] = []
  const goals = carries.map(({ parameter, first, result }) => {
    // a recorded carry keeps all its values: each iteration writes the next one beside the last
    const records = usersOf('record', parameter)
    const recorded = records.length > 0
    const size = recorded ? sizeOf(parameter.shape) : 0
    const from = reversed ? count * size : 0
    const base = memory(recorded ? count + 1 : 1, parameter, recorded)
    args.push(whole(copyTo({ value: block.find(first)!, into: pieceOf(base, parameter, from) }, block)))
    const carry = addNode(body, { kind: 'carry' }, parameter.shape, parameter.dtype)
    carry.home = { ...pieceOf(base, parameter, from), loopStrides: recorded ? [...outer, direction * size] : [] }
    body.refs.set(parameter, whole(carry))
    show(records, base, reversed ? size : 0)
    show(usersOf('carry', parameter), base, count * size - from)
    return { tensor: result, into: recorded ? { ...carry.home, offset: from + direction * size } : whole(carry) }
  })
  for (const tensor of stackedOf(stacked, results)) {
    const stacks = usersOf('stack', tensor)
    if (stacks.length === 0) continue
    const base = memory(count, tensor, !stacked.includes(tensor))
    goals.push({ tensor, into: partOf(whole(base)) })
    show(stacks, base)
  }

  const values = bring(
    goals.map(({ tensor }) => tensor),
    body,
  )
  for (const [i, { into }] of goals.entries()) keep({ value: values[i], into }, body)
  const reads = [...body.nodes.flatMap(refsOf), ...body.stores.map(({ value }) => value)]
  args.push(...reads.filter(({ base }) => base.block !== body))
  itself.push(whole(addNode(block, { kind: 'loop', count, args, body }, [], 'f32')))
  block.nodes.push(...memories)
  block.refs.set(loop, itself[0])
}

/** A loop of one iteration is its body, whose nodes are shared with no other iteration. */
function runOnce(
  { attributes: { carries, inputs, stacked } }: Tensor<LoopSpec>,
  results: Results,
  block: Block,
  bring: (tensors: readonly Tensor[], body: Block) => Ref[],
): void {
  const body = new Block(block, true)
  const partOf = (ref: Ref): Ref => ({ ...ref, axes: ref.axes.slice(1) })
  for (const { parameter, source } of inputs) body.refs.set(parameter, partOf(block.find(source)!))
  for (const { parameter, first } of carries) body.refs.set(parameter, block.find(first)!)
  /** What a carry becomes: a total that begins with nothing is what is added to it. */
  const endOf = ({ parameter, first, result, total }: LoopSpec['carries'][number]): Tensor => {
    const added = result.inputs.find((input) => input !== parameter)
    const { task } = block.find(first)!.base
    return total && added && task.kind === 'literal' && task.value === 0 ? added : result
  }
  const ends = bring([...carries.map(endOf), ...stackedOf(stacked, results)], body)
  for (const tensor of results) {
    const { kind, of } = tensor.attributes
    const value = kind === 'carry' ? ends[carries.findIndex((one) => one.parameter === of)] : body.find(of)!
    block.refs.set(tensor, kind === 'carry' ? value : { ...value, axes: [{ size: 1, stride: 0 }, ...value.axes] })
  }
}
