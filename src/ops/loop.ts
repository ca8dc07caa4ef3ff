import type { DType, Shape } from '../tensor/dtype.ts'
import { Tensor } from '../tensor/tensor.ts'

/** What is computed in every iteration, written in terms of parameters: tensors that stand for the values of one iteration. */
export interface LoopSpec {
  readonly count: number
  /** Walks the iterations from the last to the first: the form of a loop's gradient. */
  readonly reversed: boolean
  readonly carries: readonly Carry[]
  /** Sources [count, ...], of which each iteration sees its part. */
  readonly inputs: readonly { readonly parameter: Tensor; readonly source: Tensor }[]
  /** Results of the body that are stacked over the iterations, by the number of the iteration. */
  readonly stacked: readonly Tensor[]
  /** Its gradient, which comes with it: formulas without a loop do not load it. */
  readonly replay: (loop: Tensor<LoopSpec>, results: readonly Tensor<LoopResult>[], walk: Walk) => void
  /** How many more of the body's values a gradient may have stacked, so as not to compute them again. */
  readonly hold?: number
}

interface Carry {
  readonly parameter: Tensor
  readonly first: Tensor
  readonly result: Tensor
  /** Its result is itself and what does not depend on it. */
  readonly total?: true
}

/** What a walk over the graph knows, from the results back, as far as it has come. */
export interface Walk {
  /** What the derivative is asked for. */
  readonly wrt: readonly Tensor[]
  /** What the derivative flows through. */
  readonly needed: ReadonlySet<Tensor>
  /** The cotangent of each node so far. */
  readonly sums: Map<Tensor, Tensor>
  /** The cotangents that are 0 in places. */
  readonly sparse: Set<Tensor>
  /** Of cotangents that are 0 in places, all of them where they are there, a result is, too. */
  readonly inherit: (result: Tensor, ...from: readonly (Tensor | undefined)[]) => Tensor
  readonly add: (node: Tensor, cotangent: Tensor | undefined) => void
  /** Vector-Jacobian products of other nodes, from `outputs` back to those of `border`. */
  readonly products: (
    outputs: readonly Tensor[],
    cotangents: readonly Tensor[],
    wrt: readonly Tensor[],
    border: ReadonlySet<Tensor>,
    sparse: Set<Tensor>,
  ) => Tensor[]
}

/** Of a carry's parameter the last value, or the record of its values at the begin of each iteration; of a result its stack. */
export interface LoopResult {
  readonly kind: 'carry' | 'record' | 'stack'
  readonly of: Tensor
}

export const parameter = (shape: Shape, dtype: DType, device?: Tensor['device']): Tensor =>
  new Tensor('parameter', [], {}, shape, dtype, device)

/** Makes the node. Its inputs: the carries' first values, the sources, and what the body uses from outside. */
export function loopNode(spec: LoopSpec): Tensor<LoopSpec> {
  const { carries, inputs, stacked } = spec
  const parameters = new Set([...carries, ...inputs].map(({ parameter }) => parameter))
  const body = new Set(parameters)
  const results = [...carries.map(({ result }) => result), ...stacked]
  const nodes = reachable(results)
  // what does not depend on the iteration stands outside
  for (const node of nodes) if (node.inputs.some((input) => body.has(input))) body.add(node)
  const used = new Set(results)
  // a parameter may be a node of another loop's body, whose value is known here
  for (const node of used) if (body.has(node) && !parameters.has(node)) for (const input of node.inputs) used.add(input)
  const closure = [...used].filter((node) => !body.has(node))
  const first = carries.map(({ first }) => first)
  return new Tensor('loop', [...first, ...inputs.map(({ source }) => source), ...closure], spec, [], 'f32')
}

/**
 * What the body uses from outside. A broadcast is an address: what it was made of is in its place, so that gradients are summed
 * before they are broadcast; but those of `wrt`, whose gradients are asked for, stay.
 */
export function closureOf({ inputs, attributes }: Tensor<LoopSpec>, wrt: readonly Tensor[]): readonly Tensor[] {
  const found = new Set(inputs.slice(attributes.carries.length + attributes.inputs.length))
  const opened = (node: Tensor): boolean => node.op === 'broadcastTo' && !wrt.includes(node)
  for (const node of found) if (opened(node)) found.add(node.inputs[0])
  return [...found].filter((node) => !opened(node))
}

/** All that the given nodes are made of, themselves included, oldest first; without what is known, and what that is made of. */
export function reachable(roots: readonly Tensor[], known = (_: Tensor): boolean => false): Tensor[] {
  const found = new Set<Tensor>()
  const pending = [...roots]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (found.has(node) || known(node)) continue
    found.add(node)
    pending.push(...node.inputs)
  }
  return [...found].sort((a, b) => a.id - b.id)
}

export function loopResult(loop: Tensor<LoopSpec>, kind: LoopResult['kind'], of: Tensor): Tensor<LoopResult> {
  const shape = kind === 'carry' ? of.shape : [loop.attributes.count, ...of.shape]
  return new Tensor('loopResult', [loop], { kind, of }, shape, of.dtype)
}

/** Of nodes in order of their making, those that depend on one of `roots`, and these. */
export function dependents(nodes: readonly Tensor[], roots: Iterable<Tensor>): Set<Tensor> {
  const found = new Set<Tensor>(roots)
  for (const node of nodes) if (node.inputs.some((input) => found.has(input))) found.add(node)
  return found
}
