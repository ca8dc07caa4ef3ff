import fc from 'fast-check'
import { test } from 'uvu'
import { grad } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { inputsOf } from '../../src/compare/kernels.ts'
import { lower } from '../../src/program/lower.ts'
import { Tensor } from '../../src/tensor/tensor.ts'
import { Variable } from '../../src/tensor/variable.ts'
import { held } from '../support/devices.ts'
import type { Graph } from '../support/random-graphs.ts'
import { isSlow, runs } from '../support/runs.ts'
import { isNode } from '../support/runtime.ts'
import { check } from './checker.ts'
import { interpret } from './interpreter.ts'

const shape = [4, 4]
const values = (seed: number) => Float64Array.from({ length: 16 }, (_, i) => Math.cos(i * seed + seed) / 2)
const step = fc.record({
  op: fc.constantFrom('product' as const, 'product' as const, 'add' as const, 'add' as const, 'tanh' as const),
  a: fc.nat({ max: 30 }),
  b: fc.nat({ max: 30 }),
  turned: fc.nat({ max: 3 }),
})
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

/** Every tensor is 4 x 4: so all that can meet does, sums that stand in the place of a term before all. */
function follow(pool: Tensor[], steps: readonly Step[]): Tensor[] {
  for (const { op, a, b, turned } of steps) {
    const [x, y] = [a, b].map((choice) => pool[pool.length - 1 - (choice % pool.length)])
    if (op === 'tanh') pool.push(x.tanh())
    else if (op === 'add') pool.push(x.add(y))
    else pool.push((turned & 1 ? x.transpose() : x).matmul(turned & 2 ? y.transpose() : y))
  }
  return pool
}

const recipe = fc.record({
  before: fc.array(step, { maxLength: 6 }),
  body: fc.option(fc.array(step, { minLength: 1, maxLength: 6 })),
  after: fc.array(step, { minLength: 1, maxLength: 10 }),
  gradient: fc.boolean(),
  updated: fc.option(fc.nat({ max: 9 })),
})

function build({
  before,
  body,
  after,
  gradient,
  updated,
}: typeof recipe extends fc.Arbitrary<infer One> ? One : never) {
  const inputs = Object.fromEntries(['u', 'v'].map((name) => [name, new Tensor('input', [], { name }, shape, 'f32')]))
  const variable = new Variable({ name: 'any device' }, shape, 'f32')
  const given = [...Object.values(inputs), variable]
  const pool = follow([...given], before)
  if (body) {
    const [carry, other] = pool.slice(-2)
    const made = loop({ count: 3, carry: [carry, other] }, (carries) => {
      const all = follow([...carries], body)
      return { carry: [all[all.length - 1].tanh(), all[all.length - 2].mul(0.5)], outputs: [all[all.length - 1]] }
    })
    pool.push(...made.carry, made.outputs[0].sum(0))
  }
  follow(pool, after)
  const used = new Set(pool.flatMap(({ inputs }) => inputs))
  const ends = pool.filter((x) => !used.has(x)).slice(-4)
  const outputs = Object.fromEntries(ends.map((x, i) => [`y${i}`, x]))
  if (gradient) {
    const loss = ends.map((x) => x.tanh().sum()).reduce((a, b) => a.add(b))
    for (const [i, one] of grad(loss, given).entries()) outputs[`g${i}`] = one
  }
  const graph: Graph = {
    inputs,
    values: { u: values(1), v: values(2) },
    outputs,
    updates: updated === null ? [] : [[variable, pool[pool.length - 1 - (updated % pool.length)]]],
    variables: [{ variable, values: values(3) }],
  }
  return graph
}

test('sums and products of squares, whatever stands in the place of what, are what their graphs mean', () => {
  fc.assert(
    fc.property(recipe, (one) => {
      const graph = build(one)
      const wrong = check(lower(graph), graph)
      if (wrong) throw new Error(wrong)
    }),
    { seed: 1, numRuns: isNode ? 2000 : 200, includeErrorInReport: true },
  )
})

for (const [name, open] of Object.entries(held))
  test(`so they are on ${name}`, async () => {
    const device = await open()
    await fc.assert(
      fc.asyncProperty(recipe, async (one) => {
        const graph = build(one)
        const { variable } = graph.variables[0]
        const roots = [...Object.values(graph.outputs), ...graph.updates.map(([, value]) => value)]
        const expected = interpret(roots, graph.values, new Map([[variable.id, values(3)]]))
        if (expected.some((all) => all.some((x) => Math.abs(x) > 100))) return
        device.backend.createVariable(variable.id, 16, 'f32')
        const plan = lower(graph)
        const program = device.backend.load(plan)
        device.backend.writeVariable(variable.id, values(3))
        const found = await program.run(inputsOf(plan, graph.values))
        if (graph.updates.length) found.push(await device.backend.readVariable(variable.id))
        program.close()
        device.backend.deleteVariable(variable.id)
        const names = [...plan.outputs.map((port) => port.name), ...graph.updates.map(() => 'the variable')]
        for (const [i, values] of found.entries()) {
          const array = Float64Array.from(values)
          const at = i < plan.outputs.length ? Object.keys(graph.outputs).indexOf(names[i]) : roots.length - 1
          const scale = expected[at].reduce((largest, x) => Math.max(largest, Math.abs(x)), 0.01)
          const error = array.reduce((worst, x, i) => Math.max(worst, Math.abs(x - expected[at][i]) / scale), 0)
          if (!(error < 1e-3)) throw new Error(`${names[i]} is off by ${error}`)
        }
      }),
      { seed: 2, numRuns: isSlow(name) ? 40 : runs(60, name), includeErrorInReport: true },
    )
    device.close()
  })

test.run()
