import { zeros } from '../ops/entry.ts'
import {
  closureOf,
  dependents,
  type LoopResult,
  type LoopSpec,
  loopNode,
  loopResult,
  parameter,
  reachable,
  type Walk,
} from '../ops/loop.ts'
import '../ops/methods.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { worthHolding } from './hold.ts'

/**
 * The gradient of a loop is memory replay (AMRB): from the record of the carries, walk the iterations backwards, compute
 * each body again together with its vector-Jacobian product, hand dL/dcarry to the iteration before, and add the
 * gradients of what the body closes over to what they are so far. What the loop is to hold is stacked as it is first
 * computed, and is a parameter here. `results` are those of the loop that a cotangent has reached, or whose derivative is
 * asked for: that of a record is dL/dcarry at the begin of each iteration. The gradient is a loop as any other: the gradient
 * of that one walks forward again.
 */
export function replay(
  loop: Tensor<LoopSpec>,
  results: readonly Tensor<LoopResult>[],
  { wrt, needed, sums, sparse, inherit, add, products }: Walk,
): void {
  const { count, reversed, inputs, stacked, hold = 0 } = loop.attributes
  const find = (kind: LoopResult['kind'], of: Tensor): Tensor | undefined =>
    results.find(({ attributes }) => attributes.kind === kind && attributes.of === of)
  const closure = closureOf(loop, wrt)
  // what a gradient held is an input of its loop, and made of nothing there
  const border = new Set([...closure, ...inputs.map(({ parameter }) => parameter)])
  const carries = loop.attributes.carries.filter(({ total }) => !total)
  // a total is what is added to it, and what it began with: both have the cotangent of its end
  const added = loop.attributes.carries.flatMap(({ parameter, first, result, total }) => {
    const cotangent = total && sums.get(find('carry', parameter)!)
    return cotangent ? [{ first, result, cotangent }] : []
  })
  const fresh = ({ shape, dtype }: Tensor): Tensor => parameter(shape, dtype, loop.device)

  const closed = closure.filter((node) => node.dtype === 'f32' && needed.has(node))
  const parts = inputs.filter(({ parameter, source }) => parameter.dtype === 'f32' && needed.has(source))
  // which carries the derivative flows through: one may feed another
  const floats = carries.filter(({ parameter }) => parameter.dtype === 'f32')
  const asked = floats.filter(({ parameter, first }) => needed.has(first) || find('record', parameter))
  const body = reachable([...carries.map(({ result }) => result), ...stacked], (node) => border.has(node))
  let inside = new Set([...closed, ...[...parts, ...asked].map(({ parameter }) => parameter)])
  for (let before = -1; before < inside.size; ) {
    before = inside.size
    inside = dependents(body, inside)
    for (const { parameter, result } of floats) if (inside.has(result)) inside.add(parameter)
  }
  const flowing = floats
    .filter(({ parameter }) => inside.has(parameter))
    .map((carry) => ({ ...carry, cotangent: inherit(fresh(carry.parameter)) }))
  const given = results
    .filter((result) => result.attributes.kind !== 'carry' && sums.has(result))
    .map((result) => ({
      of: result.attributes.of,
      parameter: inherit(fresh(result.attributes.of), sums.get(result)),
      source: sums.get(result)!,
    }))

  const by = [...[...flowing, ...parts].map(({ parameter }) => parameter), ...closed]
  const ends = [...flowing, ...added]
  const derivatives = products(
    [...ends.map(({ result }) => result), ...given.map(({ of }) => of)],
    [...ends.map(({ cotangent }) => cotangent), ...given.map(({ parameter }) => parameter)],
    by,
    border,
    sparse,
  )
  const derivative = (node: Tensor): Tensor => derivatives[by.indexOf(node)]
  const totals = closed.map((node) => ({ node, total: fresh(node) }))
  // what is computed again is what the way back reads and depends on no cotangent
  const computed = reachable(derivatives, (node) => border.has(node))
  const backward = dependents(computed, [
    ...flowing.map(({ cotangent }) => cotangent),
    ...given.map(({ parameter }) => parameter),
  ])
  const forward = dependents(
    computed,
    [...carries, ...inputs].map(({ parameter }) => parameter),
  )
  for (const node of backward) forward.delete(node)
  const wanted = [...derivatives, ...computed.filter((node) => backward.has(node)).flatMap(({ inputs }) => inputs)]
  const held = worthHolding(forward, wanted, hold)
  const backwards = loopNode({
    count,
    reversed: !reversed,
    replay,
    carries: [
      ...flowing.map(({ parameter, cotangent }) => ({
        parameter: cotangent,
        first: sums.get(find('carry', parameter)!) ?? zeros(parameter.shape),
        result: derivative(parameter),
      })),
      ...totals.map(({ node, total }) => ({
        parameter: total,
        first: sums.get(node) ?? zeros(node.shape),
        result: total.add(derivative(node)),
        total: true as const,
      })),
    ],
    inputs: [
      ...carries.map(({ parameter }) => ({ parameter, source: loopResult(loop, 'record', parameter) })),
      ...inputs,
      ...given,
      ...[...held].map((node) => ({ parameter: node, source: loopResult(loop, 'stack', node) })),
    ],
    stacked: [...parts, ...flowing].map(({ parameter }) => derivative(parameter)),
  })

  for (const { first, cotangent } of added) add(first, cotangent)
  // not added: a total begins with what was there
  for (const { node, total } of totals)
    sums.set(node, inherit(loopResult(backwards, 'carry', total), derivative(node), sums.get(node)))
  for (const { parameter, first, cotangent } of flowing) {
    add(first, inherit(loopResult(backwards, 'carry', cotangent), derivative(parameter)))
    const record = find('record', parameter)
    if (record) sums.set(record, loopResult(backwards, 'stack', derivative(parameter)))
  }
  for (const { parameter, source } of parts)
    add(source, inherit(loopResult(backwards, 'stack', derivative(parameter)), derivative(parameter)))
}
