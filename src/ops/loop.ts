import { RmaatError } from '../errors.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { formatShape, sameShape } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { expectDType, iota, noGradient, type OpRow, structure } from './row.ts'
import { select, stack } from './views.ts'

/**
 * A loop as a node. Its inputs are, in this order: the first value of each carry, the source [count, ...] of each
 * per-iteration input, and the closure, that is, all that the body uses from outside.
 */
export interface LoopSpec {
  readonly count: number
  /** Walks the iterations from the last to the first: the form of a loop's gradient. */
  readonly reversed: boolean
  readonly carries: readonly { readonly parameter: Tensor; readonly result: Tensor }[]
  /** What stands for the inputs of one iteration. */
  readonly parameters: readonly Tensor[]
  /** Results of the body that are stacked over the iterations, by the number of the iteration. */
  readonly stacked: readonly Tensor[]
  readonly closure: readonly Tensor[]
  /** The nodes that are computed in every iteration, oldest first. What does not depend on the iteration stands outside. */
  readonly body: readonly Tensor[]
}

/** The last carry, a stack of results, or the record of a carry's values at the begin of each iteration. */
export type LoopResult = { readonly kind: 'carry' | 'stack' | 'record'; readonly index: number }

export const loopRows = {
  loop: { lowering: structure, gradient: noGradient },
  loopResult: { lowering: structure, gradient: noGradient },
} satisfies Record<string, OpRow>

export const parameter = (shape: Shape, dtype: DType, device?: Tensor['device']): Tensor =>
  new Tensor('parameter', [], {}, shape, dtype, device)

export interface LoopParts {
  readonly count: number
  readonly reversed: boolean
  readonly carries: readonly { readonly parameter: Tensor; readonly first: Tensor; readonly result: Tensor }[]
  readonly inputs: readonly { readonly parameter: Tensor; readonly source: Tensor }[]
  readonly stacked: readonly Tensor[]
}

/** Makes the node: finds what belongs to the body and what it closes over. */
export function loopNode({ count, reversed, carries, inputs, stacked }: LoopParts): Tensor<LoopSpec> {
  const parameters = new Set([...carries, ...inputs].map(({ parameter }) => parameter))
  const results = [...carries.map(({ result }) => result), ...stacked]

  const depends = new Map<Tensor, boolean>()
  for (const node of reachable(results)) {
    depends.set(node, parameters.has(node) || node.inputs.some((input) => depends.get(input)))
  }
  // a broadcast of an outer value is an address: it belongs inside, so that gradients add up before it stretches
  const inside = (node: Tensor): boolean => depends.get(node) || node.op === 'broadcastTo'
  const body = new Set<Tensor>()
  const closure = new Set<Tensor>()
  const pending = [...results]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (body.has(node) || closure.has(node)) continue
    if (!inside(node)) closure.add(node)
    else {
      if (!parameters.has(node)) body.add(node)
      pending.push(...node.inputs)
    }
  }
  const spec: LoopSpec = {
    count,
    reversed,
    carries: carries.map(({ parameter, result }) => ({ parameter, result })),
    parameters: inputs.map(({ parameter }) => parameter),
    stacked,
    closure: [...closure],
    body: [...body].sort((a, b) => a.id - b.id),
  }
  const outer = [...carries.map(({ first }) => first), ...inputs.map(({ source }) => source), ...spec.closure]
  return new Tensor('loop', outer, spec, [], 'f32')
}

/** All that the given nodes are made of, themselves included, oldest first. */
export function reachable(roots: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>(roots)
  const pending = [...seen]
  for (let node = pending.pop(); node; node = pending.pop()) {
    for (const input of node.inputs) {
      if (!seen.has(input)) {
        seen.add(input)
        pending.push(input)
      }
    }
  }
  return [...seen].sort((a, b) => a.id - b.id)
}

export function loopResult(loop: Tensor<LoopSpec>, kind: LoopResult['kind'], index: number): Tensor<LoopResult> {
  const { count, carries, stacked } = loop.attributes
  const value = kind === 'stack' ? stacked[index] : carries[index].parameter
  const shape = kind === 'carry' ? value.shape : [count, ...value.shape]
  return new Tensor('loopResult', [loop], { kind, index }, shape, value.dtype)
}

export interface LoopOptions {
  readonly count: number
  /** First values of what one iteration hands to the next. */
  readonly carry: readonly Tensor[]
  /** Tensors [count, ...]: iteration t sees the t-th part of each. */
  readonly inputs?: readonly Tensor[]
  /** Writes the iterations out one after another: the gradient then keeps every intermediate result. */
  readonly unroll?: boolean
}

/** `index` is the iteration as an i32 scalar. */
export type LoopBody = (
  carry: Tensor[],
  inputs: Tensor[],
  index: Tensor,
) => { readonly carry: readonly Tensor[]; readonly outputs?: readonly Tensor[] }

export interface LoopValues {
  /** The carry after the last iteration. */
  readonly carry: readonly Tensor[]
  /** Outputs stacked over the iterations, [count, ...]. */
  readonly outputs: readonly Tensor[]
  /** The carries at the begin of each iteration, [count, ...]. */
  readonly record: readonly Tensor[]
}

/**
 * Runs `body` `count` times, one iteration after another. Its gradient replays: it keeps the carries alone and computes
 * each iteration again, from the last to the first (memory replay, Wu et al. 2020).
 */
export function loop({ count, carry, inputs = [], unroll = false }: LoopOptions, body: LoopBody): LoopValues {
  if (!Number.isInteger(count) || count < 1)
    throw new RmaatError('shape', `loop: ${count} iterations; at least 1 is needed`)
  for (const source of inputs) {
    if (source.shape[0] !== count) {
      throw new RmaatError(
        'shape',
        `loop: an input ${formatShape(source.shape)} does not begin with the count, ${count}`,
      )
    }
  }
  const check = (results: readonly Tensor[]): void => {
    if (results.length !== carry.length) {
      throw new RmaatError('shape', `loop: the body returns ${results.length} carries, expected ${carry.length}`)
    }
    results.forEach((result, i) => {
      expectDType('loop', result, carry[i].dtype)
      if (!sameShape(result.shape, carry[i].shape)) {
        throw new RmaatError(
          'shape',
          `loop: carry ${i} begins as ${formatShape(carry[i].shape)} and comes back as ${formatShape(result.shape)}`,
        )
      }
    })
  }

  if (unroll) {
    const record: Tensor[][] = carry.map(() => [])
    const outputs: Tensor[][] = []
    let now = [...carry]
    const indices = iota([count], 0)
    for (let t = 0; t < count; t++) {
      now.forEach((value, i) => {
        record[i].push(value)
      })
      const result = body(
        now,
        inputs.map((source) => select(source, 0, t)),
        select(indices, 0, t),
      )
      check(result.carry)
      now = [...result.carry]
      result.outputs?.forEach((output, i) => {
        outputs[i] ??= []
        outputs[i].push(output)
      })
    }
    return { carry: now, outputs: outputs.map((parts) => stack(parts)), record: record.map((parts) => stack(parts)) }
  }

  const device = [...carry, ...inputs].find((tensor) => tensor.device)?.device
  const carries = carry.map((first) => ({ first, parameter: parameter(first.shape, first.dtype, device) }))
  const sources = [...inputs, iota([count], 0)]
  const perIteration = sources.map((source) => ({
    source,
    parameter: parameter(source.shape.slice(1), source.dtype, device),
  }))
  const index = perIteration.at(-1)!.parameter
  const result = body(
    carries.map(({ parameter }) => parameter),
    perIteration.slice(0, -1).map(({ parameter }) => parameter),
    index,
  )
  check(result.carry)
  const node = loopNode({
    count,
    reversed: false,
    carries: carries.map((part, i) => ({ ...part, result: result.carry[i] })),
    inputs: perIteration,
    stacked: result.outputs ?? [],
  })
  return {
    carry: carries.map((_, i) => loopResult(node, 'carry', i)),
    outputs: (result.outputs ?? []).map((_, i) => loopResult(node, 'stack', i)),
    record: carries.map((_, i) => loopResult(node, 'record', i)),
  }
}
