import { takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { equal, notEqual } from '../ops/binary.ts'
import { where } from '../ops/elementwise.ts'
import { closureOf, type LoopResult, type LoopSpec, loopNode, loopResult, parameter, reachable } from '../ops/loop.ts'
import '../ops/methods.ts'
import { constant, constantValue, type OpEntry, zeros } from '../ops/entry.ts'
import { entryOf } from '../ops/table.ts'
import { aTensor, tensors } from '../tensor/kinds.ts'
import { formatShape, sameShape } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { worthHolding } from './hold.ts'

/** The same value, through which no derivative flows. */
export function stopGradient(x: Tensor): Tensor {
  takes('stopGradient', { x }, { x: aTensor })
  return new Tensor('stopGradient', [x], {}, x.shape, x.dtype)
}

/** The derivative of a scalar with respect to each of `wrt`, in their shapes; zeros where it does not depend on one. */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  takes('grad', { loss, wrt }, { loss: aTensor, wrt: tensors })
  if (loss.rank !== 0) {
    throw new RmaatError('gradient', `grad: expected a scalar, found ${formatShape(loss.shape)}; sum it or use vjp`)
  }
  return vjp([loss], [constant(1)], wrt)
}

/**
 * Vector-Jacobian products: sum over the outputs of cotangent x d(output)/d(wrt), for each of `wrt`.
 *
 * Where a cotangent is 0 because an element was not chosen (`where`, `maximum`, `max`, `slice`, ...), or was given as 0, it
 * stays 0 through every elementwise function and function over an axis, also where its slope is infinite or NaN. It does not
 * through contractions (`einsum`, `matmul`), which sum over what was chosen and what was not. Any other cotangent times NaN
 * is NaN.
 */
export function vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  takes('vjp', { outputs, cotangents, wrt }, { outputs: tensors, cotangents: tensors, wrt: tensors })
  if (cotangents.length > outputs.length)
    throw new RmaatError('gradient', `vjp: ${cotangents.length} cotangents for ${outputs.length} outputs`)
  for (const tensor of [...outputs, ...cotangents])
    if (tensor.dtype !== 'f32') throw new RmaatError('gradient', `no derivative of integers: ${tensor}`)
  return products(
    outputs,
    cotangents,
    wrt,
    new Set(),
    new Set(cotangents.filter((g) => constantValue(g) === undefined)),
  )
}

/**
 * Derivatives end at the nodes of `border`: what those are made of stands still. `sparse` are the cotangents that are 0 in
 * places; the others are spared the comparison.
 */
function products(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
  border: ReadonlySet<Tensor>,
  sparse: Set<Tensor>,
): Tensor[] {
  outputs.forEach((output, i) => {
    if (!sameShape(output.shape, cotangents[i]?.shape ?? [NaN])) {
      const found = cotangents[i] ? formatShape(cotangents[i].shape) : 'none'
      throw new RmaatError('gradient', `vjp: cotangent ${i} is ${found}, its output ${formatShape(output.shape)}`)
    }
  })
  for (const x of wrt) {
    if (x.dtype !== 'f32') throw new RmaatError('gradient', `no derivative with respect to integers: ${x}`)
    // what is made of constants alone is computed at once, and does not show what it was made of
    if (constantValue(x) !== undefined)
      throw new RmaatError('gradient', `no derivative with respect to a constant: ${x}`)
  }

  // the derivative at a record is a by-product of its loop's replay
  const records = wrt.filter(({ op }) => op === 'loopResult')
  const nodes = reachable([...outputs, ...records])
  const needed = dependents(nodes, [...wrt, ...records.map(({ inputs: [loop] }) => loop)])
  const sums = new Map<Tensor, Tensor>()
  /** Of cotangents that are 0 in places, all of them where they are there, a result is, too. */
  const inherit = (result: Tensor, ...from: readonly (Tensor | undefined)[]): Tensor => {
    if (from.every((one) => !one || sparse.has(one))) sparse.add(result)
    return result
  }
  const add = (node: Tensor, cotangent: Tensor | undefined): void => {
    if (!cotangent || !needed.has(node) || node.dtype !== 'f32') return
    const before = sums.get(node)
    sums.set(node, before ? inherit(before.add(cotangent), before, cotangent) : cotangent)
  }
  outputs.forEach((output, i) => {
    add(output, cotangents[i])
  })

  for (const node of [...nodes].reverse()) {
    if (!needed.has(node) || border.has(node)) continue
    if (node.op === 'loop') {
      const results = nodes.filter((one) => one.inputs[0] === node && !border.has(one)) as Tensor<LoopResult>[]
      const reached = results.filter((one) => sums.has(one) || wrt.includes(one))
      if (reached.some((one) => sums.has(one))) replay(node as Tensor<LoopSpec>, reached)
      continue
    }
    const cotangent = sums.get(node)
    if (!cotangent) continue
    const { inputs, attributes } = node
    const entry = entryOf(node.op)
    const inPlaces = sparse.has(cotangent)
    const terms = entry.gradient({ inputs, output: node, attributes, cotangent })
    inputs.forEach((input, i) => {
      if (!terms[i] || !needed.has(input)) return
      const term = inPlaces || entry.steep ? silenced(terms[i], cotangent, entry) : terms[i]
      if (entry.chooses || (inPlaces && node.op !== 'einsum')) sparse.add(term)
      add(input, term)
    })
  }
  return wrt.map((x) => sums.get(x) ?? zeros(x.shape))

  /**
   * The gradient of a loop is memory replay (AMRB): from the record of the carries, walk the iterations backwards, compute
   * each body again together with its vector-Jacobian product, hand dL/dcarry to the iteration before, and add the
   * gradients of what the body closes over to what they are so far. What the loop is to hold is stacked as it is first
   * computed, and is a parameter here. `results` are those of the loop that a cotangent has reached, or whose derivative is
   * asked for: that of a record is dL/dcarry at the begin of each iteration.
   */
  function replay(loop: Tensor<LoopSpec>, results: readonly Tensor<LoopResult>[]): void {
    const { count, reversed, carries, inputs, stacked, hold = 0 } = loop.attributes
    const find = (kind: LoopResult['kind'], of: Tensor): Tensor | undefined =>
      results.find(({ attributes }) => attributes.kind === kind && attributes.of === of)
    const closure = closureOf(loop)
    if (reversed) {
      const others = carries.filter(({ total }) => !total).map(({ first }) => first)
      if ([...others, ...inputs.map(({ source }) => source), ...closure].some((input) => needed.has(input)))
        throw new RmaatError('gradient', "the gradient of a loop's gradient is not offered: unroll the loop instead")
      // what a total began with is in it as it was
      for (const { parameter, first } of carries) add(first, sums.get(find('carry', parameter)!))
      return
    }
    const fresh = ({ shape, dtype }: Tensor): Tensor => parameter(shape, dtype, loop.device)

    const closed = closure.filter((node) => node.dtype === 'f32' && needed.has(node))
    const parts = inputs.filter(({ parameter, source }) => parameter.dtype === 'f32' && needed.has(source))
    // which carries the derivative flows through: one may feed another
    const floats = carries.filter(({ parameter }) => parameter.dtype === 'f32')
    const asked = floats.filter(({ parameter, first }) => needed.has(first) || find('record', parameter))
    const body = reachable([...carries.map(({ result }) => result), ...stacked], (node) => closure.includes(node))
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
    const derivatives = products(
      [...flowing.map(({ result }) => result), ...given.map(({ of }) => of)],
      [...flowing.map(({ cotangent }) => cotangent), ...given.map(({ parameter }) => parameter)],
      by,
      new Set(closure),
      sparse,
    )
    const derivative = (node: Tensor): Tensor => derivatives[by.indexOf(node)]
    const totals = closed.map((node) => ({ node, total: fresh(node) }))
    // what is computed again is what the way back reads and depends on no cotangent
    const computed = reachable(derivatives, (node) => closure.includes(node))
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
      reversed: true,
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
}

/** The gradient of an operation, made 0 where its cotangent is. */
function silenced(gradient: Tensor, cotangent: Tensor, { scales }: OpEntry): Tensor {
  if (!scales || constantValue(cotangent)) return gradient
  if (scales === 'elements') return where(equal(cotangent, 0), 0, gradient)
  const some = notEqual(cotangent, 0)
  return where(some.rank < gradient.rank ? some.reshape([...some.shape, 1]) : some.max(-1, true), gradient, 0)
}

/** Of nodes in order of their making, those that depend on one of `roots`, and these. */
function dependents(nodes: readonly Tensor[], roots: Iterable<Tensor>): Set<Tensor> {
  const found = new Set<Tensor>(roots)
  for (const node of nodes) if (node.inputs.some((input) => found.has(input))) found.add(node)
  return found
}
