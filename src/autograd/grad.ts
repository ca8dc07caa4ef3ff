import { RmaatError } from '../errors.ts'
import { type LoopResult, type LoopSpec, loopNode, loopResult, parameter, reachable } from '../ops/loop.ts'
import '../ops/methods.ts'
import { constant, zeros } from '../ops/row.ts'
import { rowOf } from '../ops/table.ts'
import { formatShape, sameShape } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'

/** The same value, through which no derivative flows. */
export const stopGradient = (x: Tensor): Tensor => new Tensor('stopGradient', [x], {}, x.shape, x.dtype)

/** The derivative of a scalar with respect to each of `wrt`, in their shapes; zeros where it does not depend on one. */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.rank !== 0) {
    throw new RmaatError('gradient', `grad: expected a scalar, found ${formatShape(loss.shape)}; sum it or use vjp`)
  }
  return vjp([loss], [constant(1)], wrt)
}

/** Vector-Jacobian products: sum over the outputs of cotangent x d(output)/d(wrt), for each of `wrt`. */
export function vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  return products(outputs, cotangents, wrt, new Set())
}

/** Derivatives end at the nodes of `border`: what those are made of stands still. */
function products(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
  border: ReadonlySet<Tensor>,
): Tensor[] {
  outputs.forEach((output, i) => {
    if (!sameShape(output.shape, cotangents[i]?.shape ?? [NaN])) {
      const found = cotangents[i] ? formatShape(cotangents[i].shape) : 'none'
      throw new RmaatError('gradient', `vjp: cotangent ${i} is ${found}, its output ${formatShape(output.shape)}`)
    }
  })
  for (const x of wrt) {
    if (x.dtype !== 'f32') throw new RmaatError('gradient', `no derivative with respect to integers: ${x}`)
  }

  // the derivative at a record is a by-product of its loop's replay
  const records = wrt.filter(({ op }) => op === 'loopResult')
  const nodes = reachable([...outputs, ...records])
  const needed = dependents(nodes, [...wrt, ...records.map(({ inputs: [loop] }) => loop)])
  const sums = new Map<Tensor, Tensor>()
  const add = (node: Tensor, cotangent: Tensor | undefined): void => {
    if (!cotangent || !needed.has(node) || node.dtype !== 'f32') return
    const before = sums.get(node)
    sums.set(node, before ? before.add(cotangent) : cotangent)
  }
  outputs.forEach((output, i) => {
    add(output, cotangents[i])
  })

  const ofLoops = new Map<Tensor, Tensor<LoopResult>[]>()
  for (const node of nodes.reverse()) {
    if (!needed.has(node) || border.has(node)) continue
    if (node.op === 'loopResult') {
      const result = node as Tensor<LoopResult>
      const known = ofLoops.get(node.inputs[0]) ?? []
      if (sums.has(node) || wrt.includes(node)) ofLoops.set(node.inputs[0], [...known, result])
    } else if (node.op === 'loop') {
      const results = ofLoops.get(node) ?? []
      if (!results.some((result) => sums.has(result))) continue
      replay(node as Tensor<LoopSpec>, results, sums, needed, wrt).forEach((cotangent, i) => {
        add(node.inputs[i], cotangent)
      })
    } else {
      const cotangent = sums.get(node)
      if (!cotangent || node.op === 'stopGradient') continue
      const { inputs, attributes } = node
      const terms = rowOf(node.op).gradient({ inputs, output: node, attributes, cotangent })
      inputs.forEach((input, i) => {
        add(input, terms[i])
      })
    }
  }
  return wrt.map((x) => sums.get(x) ?? zeros(x.shape))
}

/** Of nodes in order of their making, those that depend on one of `roots`. */
function dependents(nodes: readonly Tensor[], roots: Iterable<Tensor>): Set<Tensor> {
  const found = new Set<Tensor>(roots)
  for (const node of nodes) if (node.inputs.some((input) => found.has(input))) found.add(node)
  return found
}

/**
 * The gradient of a loop is memory replay (AMRB): from the record of the carries, walk the iterations backwards, compute
 * each body again together with its vector-Jacobian product, hand dL/dcarry to the iteration before, and add up the
 * gradients of what the body closes over.
 *
 * `results` are the loop's results that a cotangent (in `sums`) has reached, or whose derivative is asked for: that of
 * a record is dL/dcarry at the begin of each iteration. Returns a cotangent for each input of the loop.
 */
function replay(
  loop: Tensor<LoopSpec>,
  results: readonly Tensor<LoopResult>[],
  sums: Map<Tensor, Tensor>,
  needed: ReadonlySet<Tensor>,
  wrt: readonly Tensor[],
): (Tensor | undefined)[] {
  const { count, reversed, carries, parameters, stacked, closure, body } = loop.attributes
  if (reversed)
    throw new RmaatError('gradient', "the gradient of a loop's gradient is not offered: unroll the loop instead")
  const firsts = loop.inputs.slice(0, carries.length)
  const sources = loop.inputs.slice(carries.length, carries.length + parameters.length)
  const reached = (kind: LoopResult['kind'], index: number): Tensor | undefined =>
    results.find(({ attributes }) => attributes.kind === kind && attributes.index === index)

  // which carries the derivative flows through: a fixed point, for one carry may feed another
  const outer = [...closure.filter((node) => needed.has(node)), ...parameters.filter((_, i) => needed.has(sources[i]))]
  let active = carries.filter(
    ({ parameter }, i) => parameter.dtype === 'f32' && (needed.has(firsts[i]) || reached('record', i)),
  )
  for (let before = -1; before !== active.length; ) {
    before = active.length
    const inside = dependents(body, [...outer, ...active.map(({ parameter }) => parameter)])
    active = carries.filter(
      (carry) => active.includes(carry) || (carry.parameter.dtype === 'f32' && inside.has(carry.result)),
    )
  }
  const closed = closure.filter((node) => needed.has(node) && node.dtype === 'f32')
  const differentiated = parameters.filter((parameter, i) => parameter.dtype === 'f32' && needed.has(sources[i]))

  const fresh = ({ shape, dtype }: Tensor): Tensor => parameter(shape, dtype, loop.device)
  const flowing = active.map((carry) => {
    const result = reached('carry', carries.indexOf(carry))
    const record = reached('record', carries.indexOf(carry))
    if (record && sums.has(record) && !wrt.includes(record)) {
      throw new RmaatError('gradient', 'a loss may not depend on the record of a loop: make it an output of the body')
    }
    return {
      carry,
      cotangent: fresh(carry.parameter),
      first: (result && sums.get(result)) ?? zeros(carry.parameter.shape),
    }
  })
  const given = stacked.flatMap((output, i) => {
    const result = reached('stack', i)
    return result && sums.has(result) ? [{ output, cotangent: fresh(output), source: sums.get(result)! }] : []
  })
  const totals = closed.map((node) => ({ node, total: fresh(node) }))

  const derivatives = products(
    [...flowing.map(({ carry }) => carry.result), ...given.map(({ output }) => output)],
    [...flowing, ...given].map(({ cotangent }) => cotangent),
    [...active.map(({ parameter }) => parameter), ...closed, ...differentiated],
    new Set(closure),
  )
  const ofCarries = derivatives.slice(0, active.length)
  const ofClosure = derivatives.slice(active.length, active.length + closed.length)
  const ofInputs = derivatives.slice(active.length + closed.length)
  const recorded = active.filter((carry) => reached('record', carries.indexOf(carry)))

  const backwards = loopNode({
    count,
    reversed: true,
    carries: [
      ...flowing.map(({ cotangent, first }, i) => ({ parameter: cotangent, first, result: ofCarries[i] })),
      ...totals.map(({ node, total }, i) => ({
        parameter: total,
        first: zeros(node.shape),
        result: total.add(ofClosure[i]),
      })),
    ],
    inputs: [
      ...carries.map(({ parameter }, i) => ({ parameter, source: loopResult(loop, 'record', i) })),
      ...parameters.map((parameter, i) => ({ parameter, source: sources[i] })),
      ...given.map(({ cotangent, source }) => ({ parameter: cotangent, source })),
    ],
    stacked: [...ofInputs, ...recorded.map((carry) => ofCarries[active.indexOf(carry)])],
  })

  recorded.forEach((carry, i) => {
    sums.set(reached('record', carries.indexOf(carry))!, loopResult(backwards, 'stack', ofInputs.length + i))
  })
  const carryAt = (
    list: readonly unknown[],
    item: unknown,
    kind: 'carry' | 'stack',
    offset = 0,
  ): Tensor | undefined => {
    const index = list.indexOf(item)
    return index < 0 ? undefined : loopResult(backwards, kind, offset + index)
  }
  return [
    ...carries.map((carry) => carryAt(active, carry, 'carry')),
    ...parameters.map((parameter) => carryAt(differentiated, parameter, 'stack')),
    ...closure.map((node) => carryAt(closed, node, 'carry', active.length)),
  ]
}
