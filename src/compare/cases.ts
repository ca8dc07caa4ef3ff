import { vjp } from '../autograd/grad.ts'
import { loop } from '../autograd/loop.ts'
import { elementwise, elementwiseEntries } from '../ops/elementwise.ts'
import { tensor } from '../ops/entry.ts'
import { irfft, rfft } from '../ops/fourier.ts'
import { methods } from '../ops/methods.ts'
import type { ScalarName } from '../ops/rounded.ts'
import { type Range, scalars } from '../ops/scalar.ts'
import { concat } from '../ops/views.ts'
import type { Plan } from '../program/plan.ts'
import { plan } from '../program/program.ts'
import type { DType } from '../tensor/dtype.ts'
import { sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { domains, larger } from './domains.ts'
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
  for (const [op, entry] of elementwiseEntries) {
    for (const [dtype, scalar] of Object.entries(entry.scalar) as [DType, ScalarName][]) {
      if (op === 'where' && dtype === 'i32') continue // the same operation on the same bits
      const { ranges } = scalars[scalar]
      const dtypes = ranges.map((_, i): DType => (op === 'where' && i === 0 ? 'i32' : dtype))
      const specs = Object.fromEntries(dtypes.map((type, i) => [`x${i}`, { dtype: type, shape: [LANES] }]))
      const inputs = ranges.map((range, i) =>
        Float64Array.from({ length: LANES }, (_, at) => number(range, uniform(at, i, SEED))),
      )
      const attributes = scalar === 'philox' ? { seed: SEED, site: 9 } : {}
      const build = (x: Record<string, Tensor>) => ({
        y: elementwise(op, Object.values(x), attributes),
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

/** Every method of tensors, and what takes a tensor as these do. */
export const operations = { ...methods, irfft, rfft }

/** Each of them with its gradient, on the domains of its tests and on larger ones. */
export function* operationCases(): Generator<Case, void> {
  for (const name of Object.keys(domains) as (keyof typeof operations)[]) {
    for (const domain of [...domains[name], ...(larger[name] ?? [])]) {
      const { specs, values } = sample(domain, SEED)
      const build = (inputs: Readonly<Record<string, Tensor>>) => {
        const y = applyOperation(name, Object.values(inputs), domain.arguments)
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

/** The operation on tensors, as its function takes them; several results of one type in one list. */
export function applyOperation(
  name: keyof typeof operations,
  inputs: readonly Tensor[],
  rest: readonly unknown[] = [],
) {
  const operation = operations[name] as (
    ...args: never[]
  ) => Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>
  const result = operation(...([...inputs, ...rest] as never[]))
  if (result instanceof Tensor) return result
  return concat(Object.values(result).map((part) => part.cast('f32').reshape([-1])))
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
