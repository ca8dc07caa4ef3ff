import { vjp } from '../autograd/grad.ts'
import { type ElementwiseName, elementwise, elementwiseRows } from '../ops/elementwise.ts'
import { loop } from '../ops/loop.ts'
import { domains, methods } from '../ops/methods.ts'
import { type Domain, tensor } from '../ops/row.ts'
import { type Range, type ScalarName, scalars } from '../ops/scalar.ts'
import type { Plan } from '../program/plan.ts'
import { plan } from '../program/program.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Sample, sample, uniform } from './sample.ts'

/** A program with inputs on which a device is checked. */
export interface Case {
  /** What it is about: a scalar operation, or a method of tensors with its gradient. */
  readonly operation: string
  readonly plan: Plan
  readonly inputs: readonly Float64Array[]
}

/** No multiple of a vector's width. */
const LANES = 4099
const SEED = 7

/** Every scalar operation alone. */
export function* scalarCases(): Generator<Case, void> {
  for (const [op, row] of Object.entries(elementwiseRows)) {
    for (const [dtype, scalar] of Object.entries(row.scalar) as [DType, ScalarName][]) {
      if (op === 'where' && dtype === 'i32') continue // the same operation on the same bits
      const { ranges } = scalars[scalar]
      const dtypes = ranges.map((_, i): DType => (op === 'where' && i === 0 ? 'i32' : dtype))
      const specs = Object.fromEntries(dtypes.map((type, i) => [`x${i}`, { dtype: type, shape: [LANES] }]))
      const inputs = ranges.map((range, i) =>
        Float64Array.from({ length: LANES }, (_, at) => number(range, uniform(at, i, SEED))),
      )
      const attributes = scalar === 'philox' ? { seed: SEED, site: 9 } : {}
      const build = (x: Record<string, Tensor>) => ({
        y: elementwise(op as ElementwiseName, Object.values(x), attributes),
      })
      yield { operation: scalar, plan: plan(undefined, specs, build), inputs }
    }
  }
}

/** A number of the range, for one in [0, 1). */
export function number({ from, to, drawn }: Range, random: number): number {
  switch (drawn) {
    case 'even':
      return Math.fround(from + random * (to - from))
    case 'whole':
      return Math.floor(from + random * (to - from))
    case 'magnitudes':
      return Math.fround(from * (to / from) ** random)
    case 'either':
      return Math.fround((random < 0.5 ? -from : from) * (to / from) ** ((2 * random) % 1))
  }
}

const over = (shapes: readonly Shape[], ...rest: unknown[]): Domain => ({ shapes, from: -2, to: 2, arguments: rest })

/** Beside the table's own domains, which are small: rows longer than a block, matrices of more than a tile. */
const larger: { readonly [Name in keyof typeof methods]?: readonly Domain[] } = {
  add: [
    over([
      [30, 1, 70],
      [40, 1],
    ]),
  ],

  gather: [{ shapes: [[200, 64], [300]], dtypes: ['f32', 'i32'], from: 0, to: 199.99 }],
  gelu: [over([[100, 70]])],
  layerNorm: [over([[12, 600], [600], [600]])],
  matmul: [
    over([
      [130, 67],
      [67, 129],
    ]),
    over([
      [6, 33, 64],
      [64, 48],
    ]),
    over([
      [3, 3000],
      [3000, 2],
    ]),
  ],
  max: [over([[300, 70]], 0), over([[20, 600]], -1)],
  scatterAdd: [{ shapes: [[300, 64], [300]], dtypes: ['f32', 'i32'], from: 0, to: 99.99, arguments: [100] }],
  softmax: [over([[12, 1024]])],
  sum: [over([[600, 70]], 0), over([[70, 600]], -1), over([[20_000]])],
  transpose: [over([[64, 3, 70]], [2, 0, 1])],
}

/** Every method of tensors with its gradient, on the domains of its tests and on larger ones. */
export function* operationCases(): Generator<Case, void> {
  for (const name of Object.keys(domains) as (keyof typeof methods)[]) {
    for (const domain of [...domains[name], ...(larger[name] ?? [])]) {
      const { specs, values } = sample(domain, SEED)
      const build = (inputs: Readonly<Record<string, Tensor>>) => {
        const y = applyMethod(name, Object.values(inputs), domain.arguments)
        return domain.differentiable === false ? { y } : { y, ...gradients(y, Object.values(inputs)) }
      }
      yield caseOf(name, { specs, values }, build)
    }
  }
}

const caseOf = (
  operation: string,
  { specs, values }: Sample,
  build: (inputs: Readonly<Record<string, Tensor>>) => Record<string, Tensor>,
): Case => ({ operation, plan: plan(undefined, specs, build), inputs: Object.values(values) })

/** The operation on tensors, as its method takes them. */
export function applyMethod(name: keyof typeof methods, inputs: readonly Tensor[], rest: readonly unknown[] = []) {
  const method = methods[name] as (...args: never[]) => Tensor
  return method(...([...inputs, ...rest] as never[]))
}

/** The vector-Jacobian product with a fixed cotangent, for every f32 input. */
function gradients(y: Tensor, inputs: readonly Tensor[]): Record<string, Tensor> {
  const wrt = inputs.filter(({ dtype }) => dtype === 'f32')
  if (y.dtype !== 'f32') return {}
  const cotangent = tensor(
    Float64Array.from({ length: sizeOf(y.shape) }, (_, i) => Math.fround(Math.cos(i))),
    y.shape,
  )
  return Object.fromEntries(vjp([y], [cotangent], wrt).map((g, i) => [`gradient ${i}`, g]))
}

/** A recurrence with its replayed gradient: two loops that carry, read one input for each iteration, and stack results. */
export function loopCase(): Case {
  const [steps, rows, width] = [5, 6, 32]
  const shapes = [
    [steps, rows, width],
    [rows, width],
    [width, width],
  ]
  return caseOf('loop', sample({ shapes, from: -0.3, to: 0.3 }, SEED), ({ x0, x1, x2 }) => {
    const { carry, outputs } = loop({ count: steps, carry: [x1], inputs: [x0] }, ([state], [input]) => {
      const next = state.matmul(x2).add(input).tanh()
      return { carry: [next], outputs: [next.sum(-1)] }
    })
    return { y: carry[0], sums: outputs[0], ...gradients(carry[0].add(outputs[0].sum()), [x0, x1, x2]) }
  })
}
