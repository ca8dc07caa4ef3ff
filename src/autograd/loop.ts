import { aBoolean, aFunction, aNumber, anObject, kind, maybe, takes, takesOptions, wholeFrom } from '../checks.ts'
import { constant, expectDType, iota } from '../ops/entry.ts'
import { type LoopResult, loopNode, loopResult, parameter } from '../ops/loop.ts'
import { select, stack } from '../ops/views.ts'
import { aTensor, tensors } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { replay } from './replay.ts'

type List = readonly Tensor[]
/** A tensor for each: of a list that is written out, as many. */
type Each<Of extends List> = { -readonly [At in keyof Of]: Tensor }

/** How often a `loop` runs, and what it begins with. */
export interface LoopOptions<Carry extends List = List, Inputs extends List = List> {
  /** How many iterations. */
  readonly count: number
  /** First values of what one iteration hands to the next. */
  readonly carry: Carry
  /** Tensors [count, ...]: iteration t sees the t-th part of each. */
  readonly inputs?: Inputs
  /**
   * Writes the iterations out one after another: the gradient then keeps every intermediate result. Of the loop's own results
   * `record` and `outputs` are copies then, see there.
   */
  readonly unroll?: boolean
  /**
   * How many intermediate results of each iteration the gradient holds instead of computing them again: those first that save
   * the most work for their size. None where it is left out.
   */
  readonly hold?: number | undefined
}

/** `index` is the iteration as an i32 scalar. */
export type LoopBody<Carry extends List = List, Inputs extends List = List, Outputs extends List = List> = (
  carry: Each<Carry>,
  inputs: Each<Inputs>,
  index: Tensor,
) => { readonly carry: readonly Tensor[]; readonly outputs?: Outputs }

/** What a `loop` gives. */
export interface LoopValues<Carry extends List = List, Outputs extends List = List> {
  /** The carry after the last iteration. */
  readonly carry: Readonly<Each<Carry>>
  /** Outputs stacked over the iterations, [count, ...]. A gradient with respect to them is that of what reads them. */
  readonly outputs: Readonly<Each<Outputs>>
  /**
   * The carries at the begin of each iteration, [count, ...]. A gradient with respect to them goes through all iterations that
   * follow; of an unrolled loop it is that of what reads this copy alone: there ask for the carries that the body gets.
   */
  readonly record: Readonly<Each<Carry>>
}

const loopKinds = {
  count: aNumber,
  carry: tensors,
  inputs: maybe(tensors),
  unroll: maybe(aBoolean),
  hold: maybe(wholeFrom(0)),
}

const aResult = kind('{ carry: [...] }', (value) => anObject.fits(value) && !aTensor.fits(value))

/**
 * Runs `body` `count` times, one iteration after another. Its gradient replays: it keeps the carries alone and computes
 * each iteration again, from the last to the first (memory replay, Wu et al. 2020). It is a loop itself, which has a
 * gradient of the same kind. Loops nest to any depth; on `wasm` and
 * `webgpu` those within two others are written out when a program is compiled, to at most 65,536 kernel calls in all
 * (RmaatError 'program' beyond).
 */
export function loop<const Carry extends List, const Inputs extends List = [], const Outputs extends List = []>(
  options: LoopOptions<Carry, Inputs>,
  body: LoopBody<Carry, Inputs, Outputs>,
): LoopValues<Carry, Outputs>
export function loop(options: LoopOptions, body: LoopBody): LoopValues {
  takesOptions('loop', options, loopKinds, 'argument')
  takes('loop', { body }, { body: aFunction })
  const { count, carry, inputs = [], unroll = false, hold } = options
  if (!Number.isSafeInteger(count) || count < 1)
    throw shapeError`loop: count is ${count}; expected a whole number of at least 1`
  for (const { shape } of inputs) {
    if (shape[0] !== count) throw shapeError`loop: an input ${shape} does not begin with the count, ${count}`
  }
  const iteration = (now: readonly Tensor[], parts: Tensor[], index: Tensor) => {
    const result = body([...now], parts, index)
    takes('loop', { 'what the body returns': result }, { 'what the body returns': aResult })
    takesOptions("loop: the body's result", result, { carry: tensors, outputs: maybe(tensors) }, 'argument')
    const { carry: next, outputs = [] } = result
    checkCarry(carry, next)
    return { carry: next, outputs }
  }

  if (unroll) {
    let now = carry
    const iterations = Array.from({ length: count }, (_, t) => {
      const record = now
      const parts = inputs.map((source) => select(source, 0, t))
      const { carry: next, outputs } = iteration(now, parts, constant(t, 'i32'))
      now = next
      return { record, outputs }
    })
    const stacks = (of: 'record' | 'outputs'): Tensor[] =>
      iterations[0][of].map((_, i) => stack(iterations.map((one) => one[of][i])))
    return { carry: now, outputs: stacks('outputs'), record: stacks('record') }
  }

  const device = [...carry, ...inputs].find((tensor) => tensor.device)?.device
  const now = carry.map(({ shape, dtype }) => parameter(shape, dtype, device))
  const parts = [...inputs, iota([count], 0)].map((source) => ({
    source,
    parameter: parameter(source.shape.slice(1), source.dtype, device),
  }))
  const [index, ...rest] = parts.map(({ parameter }) => parameter).reverse()
  const result = iteration(now, rest.reverse(), index)
  const node = loopNode({
    count,
    reversed: false,
    replay,
    carries: now.map((parameter, i) => ({ parameter, first: carry[i], result: result.carry[i] })),
    inputs: parts,
    stacked: result.outputs,
    hold,
  })
  const results = (kind: LoopResult['kind'], of: readonly Tensor[]): Tensor[] =>
    of.map((one) => loopResult(node, kind, one))
  return {
    carry: results('carry', now),
    outputs: results('stack', result.outputs),
    record: results('record', now),
  }
}

/**
 * What `compute` makes of `inputs`: a loop of one iteration, so that the gradient computes it again instead of keeping what
 * it needs of it (rematerialisation, Chen et al. 2016).
 */
export function rematerialise(inputs: readonly Tensor[], compute: (inputs: Tensor[]) => Tensor, hold?: number): Tensor {
  const sources = inputs.map((input) => stack([input]))
  const { outputs } = loop({ count: 1, carry: [], inputs: sources, hold }, (_, parts) => ({
    carry: [],
    outputs: [compute(parts)],
  }))
  return select(outputs[0], 0, 0)
}

function checkCarry(before: readonly Tensor[], after: readonly Tensor[]): void {
  if (after.length !== before.length)
    throw shapeError`loop: the body returns ${after.length} carries, expected ${before.length}`
  after.forEach((result, i) => {
    const { shape, dtype } = before[i]
    expectDType('loop', result, dtype)
    if (!sameShape(result.shape, shape))
      throw shapeError`loop: carry ${i} begins as ${shape} and comes back as ${result.shape}`
  })
}
