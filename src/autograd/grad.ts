import { takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { equal, less } from '../ops/binary.ts'
import { where } from '../ops/elementwise.ts'
import { dependents, type LoopResult, type LoopSpec, reachable, type Walk } from '../ops/loop.ts'
import '../ops/methods.ts'
import { constant, constantValue, type OpEntry, zeros } from '../ops/entry.ts'
import type { Recurrence } from '../ops/scan.ts'
import { entryOf } from '../ops/table.ts'
import { type Sliced, unslice } from '../ops/unslice.ts'
import { aTensor, tensors } from '../tensor/kinds.ts'
import { formatShape, sameShape } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'

/** The same value, through which no derivative flows. */
export function stopGradient(x: Tensor): Tensor {
  takes('stopGradient', { x }, { x: aTensor })
  return new Tensor('stopGradient', [x], {}, x.shape, x.dtype)
}

/** A tensor for each: of a list that is written out, as many. */
export type Gradients<Wrt extends readonly Tensor[]> = { -readonly [At in keyof Wrt]: Tensor }

/** The derivative of a scalar with respect to each of `wrt`, in their shapes; zeros where it does not depend on one. */
export function grad<const Wrt extends readonly Tensor[]>(loss: Tensor, wrt: Wrt): Gradients<Wrt> {
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
 * stays 0 through every elementwise function and function over an axis, also where its slope is infinite or NaN; that 0 has no
 * derivative then. It does not stay 0 through contractions (`einsum`, `matmul`), which sum over what was chosen and what was
 * not. Any other cotangent times NaN is NaN.
 */
export function vjp<const Wrt extends readonly Tensor[]>(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: Wrt,
): Gradients<Wrt> {
  takes('vjp', { outputs, cotangents, wrt }, { outputs: tensors, cotangents: tensors, wrt: tensors })
  if (cotangents.length > outputs.length)
    throw new RmaatError('gradient', `vjp: ${cotangents.length} cotangents for ${outputs.length} outputs`)
  for (const tensor of [...outputs, ...cotangents])
    if (tensor.dtype !== 'f32') throw new RmaatError('gradient', `no derivative of integers: ${tensor}`)
  const sparse = new Set(cotangents.filter((g) => constantValue(g) === undefined))
  const found = products(outputs, cotangents, wrt, new Set(), sparse)
  return found.map((gradient, i) => beside(gradient, wrt[i])) as Gradients<Wrt>
}

/** A derivative made of constants alone lives where `x` does, too: it can be read, as any other. */
const beside = (gradient: Tensor, { device }: Tensor): Tensor =>
  gradient.device || !device ? gradient : new Tensor('reshape', [gradient], {}, gradient.shape, gradient.dtype, device)

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
      throw new RmaatError(
        'gradient',
        `no derivative with respect to a constant: ${x}; expected an input or a variable`,
      )
  }

  // the derivative at a record is a by-product of its loop's replay
  const records = wrt.filter(({ op }) => op === 'loopResult')
  const nodes = reachable([...outputs, ...records])
  const needed = dependents(nodes, [...wrt, ...records.map(({ inputs: [loop] }) => loop)])
  const sums = new Map<Tensor, Tensor>()
  const inherit: Walk['inherit'] = (result, ...from) => {
    if (from.every((one) => !one || sparse.has(one))) sparse.add(result)
    return result
  }
  const add: Walk['add'] = (node, cotangent) => {
    if (!cotangent || !needed.has(node) || node.dtype !== 'f32') return
    const before = sums.get(node)
    sums.set(node, before ? inherit(before.add(cotangent), before, cotangent) : cotangent)
  }
  /** Of what is sliced, its slices: their cotangents are joined when all are there. */
  const slices = new Map<Tensor, Sliced[]>()
  const walk = { wrt, needed, sums, sparse, inherit, add, products }
  outputs.forEach((output, i) => {
    add(output, cotangents[i])
  })

  for (const node of [...nodes].reverse()) {
    if (!needed.has(node)) continue
    for (const term of unslice(node.shape, slices.get(node) ?? [])) {
      sparse.add(term)
      add(node, term)
    }
    if (border.has(node)) continue
    if (node.op === 'loop') {
      const results = nodes.filter((one) => one.inputs[0] === node && !border.has(one)) as Tensor<LoopResult>[]
      const reached = results.filter((one) => sums.has(one) || wrt.includes(one))
      const { replay } = node.attributes as LoopSpec
      if (reached.some((one) => sums.has(one))) replay(node as Tensor<LoopSpec>, reached, walk)
      continue
    }
    const cotangent = sums.get(node)
    if (!cotangent) continue
    const { inputs, attributes } = node
    if (node.op === 'slice') {
      const { start, steps } = attributes as Omit<Sliced, 'cotangent'>
      const known = slices.get(inputs[0]) ?? []
      known.push({ start, steps, cotangent })
      slices.set(inputs[0], known)
      continue
    }
    const entry = entryOf(node.op)
    const inPlaces = sparse.has(cotangent)
    const terms = entry.gradient({ inputs, output: node, attributes, cotangent })
    inputs.forEach((input, i) => {
      if (!terms[i] || !needed.has(input)) return
      const term = inPlaces || entry.steep ? silenced(terms[i], cotangent, entry, attributes) : terms[i]
      if (entry.chooses || (inPlaces && node.op !== 'einsum')) sparse.add(term)
      add(input, term)
    })
  }
  return wrt.map((x) => sums.get(x) ?? zeros(x.shape))
}

/**
 * The gradient of an operation, made 0 where its cotangent is and it is not finite. Where both are finite it is 0 of itself, and
 * stays what it was made of: its own derivative need not be 0.
 */
function silenced(gradient: Tensor, cotangent: Tensor, { scales }: OpEntry, attributes: unknown): Tensor {
  if (!scales || constantValue(cotangent)) return gradient
  let none = equal(cotangent, 0)
  if (scales === 'recurrence') {
    const { axis, complex = axis } = attributes as Recurrence
    none = none.min(axis, true).min(complex, true)
  }
  if (scales === 'lastAxis') none = none.rank < gradient.rank ? none.reshape([...none.shape, 1]) : none.min(-1, true)
  return where(less(gradient.isFinite(), none), 0, gradient)
}
