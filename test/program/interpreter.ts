import type { Contraction } from '../../src/ops/contraction.ts'
import { type LoopResult, type LoopSpec, reachable } from '../../src/ops/loop.ts'
import { randomWord } from '../../src/ops/rounded.ts'
import { scalars } from '../../src/ops/scalar.ts'
import type { Recurrence } from '../../src/ops/scan.ts'
import { entryOf } from '../../src/ops/table.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'

type Values = Map<Tensor, Float64Array>
/** Results of a loop, by kind. */
interface LoopState {
  readonly carry: Float64Array[]
  readonly stack: Float64Array[]
  readonly record: Float64Array[]
}

/**
 * What a graph means, one node after another, each with memory of its own: no fusion, no views, no plan. Compiled
 * programs are held against it.
 */
export function interpret(
  roots: readonly Tensor[],
  inputs: Readonly<Record<string, Float64Array>>,
  variables: ReadonlyMap<number, Float64Array>,
): Float64Array[] {
  const loops = new Map<Tensor, LoopState>()
  const values: Values = new Map()
  evaluateAll(reachable(roots), values)
  return roots.map((root) => values.get(root)!)

  function evaluateAll(nodes: readonly Tensor[], known: Values): void {
    for (const node of nodes) if (!known.has(node)) known.set(node, evaluate(node, known))
  }

  function evaluate(node: Tensor, known: Values): Float64Array {
    const { shape, op } = node
    // biome-ignore lint/suspicious/noExplicitAny: each operation has attributes of its own
    const attributes = node.attributes as any
    const args = node.inputs.map((input) => known.get(input)!)
    const { formula, scalar } = entryOf(op)
    const size = sizeOf(shape)
    if (formula) {
      const expanded = formula(node.inputs, attributes)
      evaluateAll(reachable([expanded]), known)
      return known.get(expanded)!
    }
    if (scalar) {
      const [a, b, c] = args
      if (op === 'philox') {
        const { seed, site } = attributes
        return Float64Array.from({ length: size }, (_, i) => randomWord(a[i], b[i], c[i], seed, site))
      }
      const { evaluate: f } = scalars[scalar[node.inputs[node.inputs.length - 1].dtype]!]
      return Float64Array.from({ length: size }, (_, i) => f(a[i], b?.[i], c?.[i]))
    }
    const [x] = args
    const from = node.inputs[0]
    switch (op) {
      case 'constant':
        return Float64Array.of(attributes.value)
      case 'data':
        return attributes.values
      case 'variable':
        return variables.get(node.id)!
      case 'input':
        return inputs[attributes.name]
      case 'iota':
        return map(shape, (index) => index[attributes.axis])
      case 'stopGradient':
      case 'reshape':
        return x
      case 'transpose': {
        const strides = contiguousStrides(from.shape)
        const axes = attributes.axes as number[]
        return map(shape, (index) => x[index.reduce((sum, at, i) => sum + at * strides[axes[i]], 0)])
      }
      case 'broadcastTo': {
        const strides = contiguousStrides(from.shape)
        const lead = shape.length - from.rank
        return map(
          shape,
          (index) =>
            x[strides.reduce((sum, stride, i) => sum + (from.shape[i] === 1 ? 0 : index[i + lead] * stride), 0)],
        )
      }
      case 'slice': {
        const strides = contiguousStrides(from.shape)
        const { start, steps } = attributes
        return map(shape, (index) => x[index.reduce((sum, at, i) => sum + (start[i] + at * steps[i]) * strides[i], 0)])
      }
      case 'concat': {
        const all = node.inputs.map((input) => contiguousStrides(input.shape))
        return map(shape, (index) => {
          let part = 0
          let at = index[attributes.axis]
          while (at >= node.inputs[part].shape[attributes.axis]) at -= node.inputs[part++].shape[attributes.axis]
          return args[part][index.reduce((sum, n, i) => sum + (i === attributes.axis ? at : n) * all[part][i], 0)]
        })
      }
      case 'sum':
      case 'max': {
        const axes: number[] = op === 'sum' ? attributes.axes : [from.rank - 1]
        const result = new Float64Array(size).fill(op === 'sum' ? 0 : -Infinity)
        const kept = from.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
        const strides = contiguousStrides(shape)
        let i = 0
        map(from.shape, (index) => {
          const to = kept.reduce((sum, axis, at) => sum + index[axis] * strides[at], 0)
          result[to] = op === 'sum' ? result[to] + x[i++] : Math.max(result[to], x[i++])
          return 0
        })
        return node.dtype === 'i32' ? result.map((value) => value | 0) : result
      }
      case 'einsum': {
        const { a, b, out } = attributes as Contraction
        const letters = [...new Set([...out, ...a, ...b])]
        const sizeIn = (letter: string): number =>
          a.includes(letter) ? from.shape[a.indexOf(letter)] : node.inputs[1].shape[b.indexOf(letter)]
        const strideIn = (names: string, strides: number[]) =>
          letters.map((letter) => (names.includes(letter) ? strides[names.indexOf(letter)] : 0))
        const [inA, inB, inOut] = [
          strideIn(a, contiguousStrides(from.shape)),
          strideIn(b, contiguousStrides(node.inputs[1].shape)),
          strideIn(out, contiguousStrides(shape)),
        ]
        const result = new Float64Array(size)
        const dot = (index: readonly number[], strides: readonly number[]): number =>
          index.reduce((sum, n, i) => sum + n * strides[i], 0)
        map(letters.map(sizeIn), (index) => {
          result[dot(index, inOut)] += x[dot(index, inA)] * args[1][dot(index, inB)]
          return 0
        })
        return result
      }
      case 'scan': {
        const { axis, reverse, complex, conjugate } = attributes as Recurrence
        const [inA, strides] = [contiguousStrides(from.shape), contiguousStrides(shape)]
        const result = new Float64Array(size)
        const parts = complex === undefined ? 1 : 2
        const dot = (index: readonly number[], by: readonly number[]) => index.reduce((sum, n, i) => sum + n * by[i], 0)
        const starts: (readonly number[])[] = []
        map(shape, (index) => {
          if (index[axis] === 0 && (complex === undefined || index[complex] === 0)) starts.push([...index])
          return 0
        })
        for (const start of starts) {
          for (let step = 0; step < shape[axis]; step++) {
            const t = reverse ? shape[axis] - 1 - step : step
            const here = dot(start, strides) + t * strides[axis]
            const before = here + (reverse ? strides[axis] : -strides[axis])
            const factor = dot(start, inA) + (reverse ? t : t - 1) * inA[axis]
            const value = (list: ArrayLike<number>, at: number, by: readonly number[]) =>
              parts === 2 ? [list[at], list[at + by[complex!]]] : [list[at], 0]
            const [u, v] = value(args[1], here, strides)
            const [c, d] = step ? value(x, factor, inA) : [0, 0]
            const [p, q] = step ? value(result, before, strides) : [0, 0]
            const turn = conjugate ? -d : d
            result[here] = u + c * p - turn * q
            if (parts === 2) result[here + strides[complex!]] = v + c * q + turn * p
          }
        }
        return result
      }
      case 'gather': {
        const width = sizeOf(from.shape.slice(1))
        return Float64Array.from({ length: size }, (_, i) => {
          const row = args[1][Math.floor(i / width)]
          return row >= 0 && row < from.shape[0] ? x[row * width + (i % width)] : Number.NaN
        })
      }
      case 'scatterAdd': {
        const result = new Float64Array(size)
        const width = x.length / args[1].length
        x.forEach((value, i) => {
          const row = args[1][Math.floor(i / width)]
          if (row >= 0 && row < shape[0]) result[row * width + (i % width)] += value
        })
        return result
      }
      case 'loop':
        loops.set(node, runLoop(node as Tensor<LoopSpec>, known))
        return new Float64Array(1)
      case 'loopResult': {
        const { kind, of } = attributes as LoopResult
        const { carries, stacked } = from.attributes as LoopSpec
        const index = kind === 'stack' ? stacked.indexOf(of) : carries.findIndex(({ parameter }) => parameter === of)
        return loops.get(from)![kind][index]
      }
      default:
        throw new Error(`the interpreter does not know ${op}`)
    }
  }

  function runLoop({ attributes }: Tensor<LoopSpec>, known: Values): LoopState {
    const { count, reversed, carries, inputs, stacked } = attributes
    let carry = carries.map(({ first }) => known.get(first)!)
    const record = carries.map(({ parameter }) => new Float64Array(count * sizeOf(parameter.shape)))
    const stack = stacked.map(({ shape }) => new Float64Array(count * sizeOf(shape)))
    const results = [...carries.map(({ result }) => result), ...stacked]
    const dependent = new Set([...carries, ...inputs].map(({ parameter }) => parameter))
    for (const node of reachable(results)) if (node.inputs.some((input) => dependent.has(input))) dependent.add(node)
    for (let step = 0; step < count; step++) {
      const t = reversed ? count - 1 - step : step
      // another loop may have left values of the same nodes
      const inside: Values = new Map([...known].filter(([node]) => !dependent.has(node)))
      carries.forEach(({ parameter }, i) => {
        record[i].set(carry[i], t * carry[i].length)
        inside.set(parameter, carry[i])
      })
      for (const { parameter, source } of inputs) {
        const length = sizeOf(parameter.shape)
        inside.set(parameter, known.get(source)!.slice(t * length, (t + 1) * length))
      }
      evaluateAll(
        reachable(results, (node) => inside.has(node)),
        inside,
      )
      carry = carries.map(({ result }) => inside.get(result)!)
      stacked.forEach((node, i) => {
        stack[i].set(inside.get(node)!, t * sizeOf(node.shape))
      })
    }
    return { carry, stack, record }
  }
}

/** Row-major strides, in elements. */
const contiguousStrides = (shape: readonly number[]): number[] => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))

/** Values for every index of a shape, in row-major order. */
function map(shape: readonly number[], value: (index: readonly number[]) => number): Float64Array {
  const result = new Float64Array(sizeOf(shape))
  const index = shape.map(() => 0)
  for (let i = 0; i < result.length; i++) {
    result[i] = value(index)
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0
  }
  return result
}
