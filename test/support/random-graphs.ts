import fc from 'fast-check'
import { grad } from '../../src/autograd/grad.ts'
import { tensor } from '../../src/ops/entry.ts'
import type { Goal } from '../../src/program/lower.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import type { Variable } from '../../src/tensor/variable.ts'
import { type Apply, Builder, shapes } from './random-builder.ts'
import { elementwise } from './random-elementwise.ts'
import { structures } from './random-structures.ts'

/**
 * Random programs as plain data. A step names an operation; its numbers choose operands, axes and sizes modulo what there
 * is, so that every recipe is a valid graph and fast-check can leave steps out. Operand 0 is the youngest that fits.
 */
export interface Step {
  readonly op: OpName
  readonly a: number
  readonly b: number
  readonly c: number
  /** Of a loop. */
  readonly body?: readonly Step[]
}

export interface Recipe {
  readonly steps: readonly Step[]
  /** Adds the gradient of a sum over all results, with respect to every f32 input and variable. */
  readonly gradient: boolean
  /** Pairs (which variable, which value). */
  readonly updates: readonly (readonly [number, number])[]
}

/** A graph with the values of its inputs (by name) and variables (by id). */
export interface Graph extends Goal {
  readonly values: Readonly<Record<string, Float64Array>>
  readonly variables: readonly { readonly variable: Variable; readonly values: Float64Array }[]
}

const operations = { ...elementwise, ...structures } as const

export type OpName = keyof typeof operations
export const opNames = Object.keys(operations) as OpName[]

function run(b: Builder, steps: readonly Step[]): void {
  for (const step of steps) (operations[step.op] as Apply)(b, step)
}

/**
 * The graph of a recipe. Its results are what no other step uses, at most six. `unroll` says how
 * loops are written; then they are the last six tensors, whoever uses them.
 */
export function build({ steps, gradient, updates }: Recipe, unroll?: boolean): Graph {
  const b = new Builder(run, unroll)
  b.pool.push(b.fresh(shapes[3]))
  run(b, steps)
  const used = new Set(b.pool.flatMap(({ x }) => x.inputs))
  // a carry that comes back as it is, is the very tensor that went in where the loop is written out
  const ends = b.pool.map(({ x }) => x).filter((x) => unroll !== undefined || !used.has(x))
  const outputs: Record<string, Tensor> = Object.fromEntries(ends.slice(-6).map((x, i) => [`y${i}`, x]))
  if (b.records.length) outputs.record = b.records[0]
  if (gradient) {
    const terms = Object.values(outputs).flatMap((y) => {
      if (y.dtype !== 'f32') return []
      const weights = Float64Array.from({ length: sizeOf(y.shape) }, (_, i) => Math.fround(Math.cos(i) / (1 + (i % 7))))
      return [y.mul(tensor(weights, y.shape)).sum()]
    })
    const wrt = [...Object.values(b.inputs), ...b.variables.map(({ variable }) => variable)].filter(
      ({ dtype }) => dtype === 'f32',
    )
    if (terms.length) {
      grad(
        terms.reduce((x, y) => x.add(y)),
        wrt,
      ).forEach((g, i) => {
        outputs[`g${i}`] = g
      })
    }
  }
  const sets = new Map<Variable, Tensor>()
  const candidates = [...b.pool.map(({ x }) => x), ...Object.values(outputs)].reverse()
  for (const [which, value] of updates) {
    const variable = b.variables[which % (b.variables.length || 1)]?.variable
    if (!variable) continue
    const fitting = candidates.filter((x) => x.dtype === variable.dtype && String(x.shape) === String(variable.shape))
    sets.set(variable, fitting[value % fitting.length] ?? variable)
  }
  return { inputs: b.inputs, values: b.values, outputs, updates: [...sets], variables: b.variables }
}

const small = fc.nat({ max: 127 })
const numbersOfStep = { a: fc.nat({ max: 30 }), b: fc.nat({ max: 30 }), c: small }

/** Recipes of programs, with loops of at most two levels. `names` are the operations to choose from. */
export function recipes(
  options: { readonly names?: readonly OpName[]; readonly loops?: boolean; readonly steps?: number } = {},
): fc.Arbitrary<Recipe> {
  const { names = opNames, loops = true, steps = 12 } = options
  const plain: fc.Arbitrary<Step> = fc.record({
    op: fc.constantFrom(...names.filter((name) => name !== 'loop')),
    ...numbersOfStep,
  })
  const leaf = (['input', 'variable'] as const).filter((name) => names.includes(name))
  const first: fc.Arbitrary<Step> = fc.record({ op: fc.constantFrom('input' as const, ...leaf), ...numbersOfStep })
  const nested = (body: fc.Arbitrary<Step>): fc.Arbitrary<Step> =>
    fc.record({ op: fc.constant('loop' as const), ...numbersOfStep, body: fc.array(body, { maxLength: 5 }) })
  const inner = nested(plain)
  const outer = nested(fc.oneof({ weight: 6, arbitrary: plain }, { weight: 1, arbitrary: inner }))
  const step = loops ? fc.oneof({ weight: 12, arbitrary: plain }, { weight: 1, arbitrary: outer }) : plain
  return fc.record({
    steps: fc
      .tuple(
        fc.array(first, { maxLength: leaf.length && 3 }),
        fc.array(step, { minLength: 1, maxLength: steps, size: 'max' }),
      )
      .map(([leaves, rest]) => [...leaves, ...rest]),
    gradient: fc.boolean(),
    updates: fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 9 })), { maxLength: 3 }),
  })
}
