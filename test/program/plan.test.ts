import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loop } from '../../src/autograd/loop.ts'
import { accessesOf } from '../../src/program/kernels.ts'
import { lower } from '../../src/program/lower.ts'
import type { Plan } from '../../src/program/plan.ts'
import { compile, f32, Program, plan } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices } from '../support/devices.ts'
import { build, type Graph, type Recipe, recipes, type Step } from '../support/random-graphs.ts'
import { check } from './checker.ts'

test('no two live results overlap: plans of 1,000 random programs compute what their graphs mean', () => {
  const seen = { loops: 0, gradients: 0, updates: 0, reused: 0 }
  fc.assert(
    fc.property(recipes({ steps: 18 }), (recipe) => {
      const graph = build(recipe)
      const made = lower(graph)
      const wrong = check(made, graph)
      if (wrong) throw new Error(wrong)
      const written = made.instructions
        .flatMap((call) => (call.kind === 'loop' || call.kind === 'end' ? [] : accessesOf(call).writes))
        .filter(({ view }) => view.buffer === 0)
      const results = written.reduce((sum, { view }) => sum + sizeOf(view.axes.map(({ size }) => size)), 0)
      if (made.instructions.some(({ kind }) => kind === 'loop')) seen.loops++
      if (recipe.gradient) seen.gradients++
      if (graph.updates.length) seen.updates++
      if (made.memory.arena < results) seen.reused++
    }),
    { seed: 1, numRuns: 1000, includeErrorInReport: true },
  )
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 120, `${what}: only ${count}`)
})

const step = (op: Step['op'], a = 0, b = 0, c = 0, body?: readonly Step[]): Step => ({ op, a, b, c, body })
/** What random programs have found, kept as they shrank. */
const once: Record<string, Recipe> = {
  'a carry that is stacked while carries change places': {
    steps: [step('log'), step('loop', 0, 19, 7, []), step('input')],
    gradient: false,
    updates: [],
  },
  'a result that dies at once and one that lives, both in the place of one operand': {
    steps: [step('mul', 0, 29), step('loop', 0, 0, 0, []), step('input')],
    gradient: true,
    updates: [],
  },
  'a variable that a loop reads as the next value of its carry, and that changes': {
    steps: [step('abs'), step('loop', 0, 0, 0, [step('variable', 0, 0, 57)]), step('input')],
    gradient: false,
    updates: [[0, 3]],
  },
  'a part of a concatenation read beside the whole': {
    steps: [step('sum', 0, 5, 21), step('concat', 0, 0, 92), step('equal', 0, 21), step('input')],
    gradient: false,
    updates: [],
  },
  'a variable that becomes a sum of products of itself': {
    steps: [step('loop', 0, 22, 0, [step('variable', 0, 0, 17), step('matmul')]), step('input')],
    gradient: true,
    updates: [[0, 0]],
  },
  'a gradient scattered into a sum of another shape': {
    steps: [
      step('input', 0, 0, 3),
      step('reshape'),
      step('input', 0, 0, 15),
      step('matmul', 22, 0, 10),
      step('gather', 12),
    ],
    gradient: true,
    updates: [],
  },
}

for (const [name, recipe] of Object.entries(once)) {
  test(`a plan computes what its graph means: ${name}`, () => {
    const graph = build(recipe)
    assert.is(check(lower(graph), graph), undefined)
  })
}

test('a sum that two carries become adds to the right one', async () => {
  const device = await devices.reference()
  const values = [1, 2, 3, 4]
  const program = compile(device, { a: f32(2, 2), b: f32(2, 2), x: f32(3, 2, 2) }, ({ a, b, x }) => {
    const run = (unroll: boolean): Tensor =>
      loop({ count: 3, carry: [b, a], inputs: [x], unroll }, ([, sum], [x]) => {
        const next = sum.add(x.matmul(x))
        return { carry: [next, next] }
      }).carry[0]
    return { looped: run(false), written: run(true) }
  })
  const { looped, written } = await program.run({ a: values, b: [9, 9, 9, 9], x: [...values, ...values, ...values] })
  assert.equal(looped, written)
  device.close()
})

/** Two results that live at the same time, x y and its logarithm's row sums, and what comes of both. */
function twoResults(): Graph {
  const graph = build({
    steps: [
      { op: 'matmul', a: 0, b: 0, c: 1 },
      { op: 'matmul', a: 1, b: 0, c: 9 },
      { op: 'sum', a: 0, b: 1, c: 0 },
      { op: 'sum', a: 2, b: 1, c: 0 },
    ],
    gradient: true,
    updates: [],
  })
  assert.is(check(lower(graph), graph), undefined)
  return graph
}

const kindsOf = ({ instructions }: Plan): string[] => instructions.map(({ kind }) => kind)

test('the first value of a carry is computed in its place', async () => {
  const device = await devices.reference()
  const made = plan(device, { x: f32(3, 4), y: f32(4, 5), by: f32(6, 5) }, ({ x, y, by }) => {
    const { carry } = loop({ count: 6, carry: [x.matmul(y)], inputs: [by] }, ([sum], [row]) => ({
      carry: [sum.add(row)],
    }))
    const again = loop({ count: 6, carry, inputs: [by] }, ([sum], [row]) => ({ carry: [sum.mul(row)] }))
    return { result: again.carry[0] }
  })
  assert.equal(kindsOf(made), ['matmul', 'loop', 'fused', 'end', 'loop', 'fused', 'end'])
  assert.is(made.memory.arena, 16)
  device.close()
})

test('a loop of one iteration is its body', async () => {
  const device = await devices.reference()
  const made = plan(device, { x: f32(2), by: f32(1, 2) }, ({ x, by }) => {
    const { carry, outputs, record } = loop({ count: 1, carry: [x], inputs: [by] }, ([x], [row], index) => ({
      carry: [x.add(row)],
      outputs: [x.mul(index.cast('f32').add(2))],
    }))
    return { carry: carry[0], output: outputs[0], record: record[0] }
  })
  assert.equal(kindsOf(made), ['fused'])
  const program = new Program(device, made)
  const found = await program.run({ x: [1, 2], by: [10, 20] })
  assert.equal(found, {
    carry: Float64Array.of(11, 22),
    output: Float64Array.of(2, 4),
    record: Float64Array.of(1, 2),
  })
  device.close()
})

test('the check of plans finds results that overlap', () => {
  const graph = twoResults()
  const whole = lower(graph)
  const places = (made: Plan): number[] => [
    ...new Set(made.instructions.flatMap((call) => ('out' in call && call.out.buffer === 0 ? [call.out.offset] : []))),
  ]
  let found = 0
  let mutants = 0
  for (const from of places(whole)) {
    for (const to of places(whole)) {
      if (from === to) continue
      // whatever is at the one place is put at the other
      const moved = JSON.parse(
        JSON.stringify(whole, (_, value) =>
          ArrayBuffer.isView(value)
            ? [...(value as Float64Array)]
            : value?.buffer === 0 && value.offset === from
              ? { ...value, offset: to }
              : value,
        ),
      ) as Plan
      mutants++
      if (check(moved, graph)) found++
    }
  }
  assert.ok(mutants > 5)
  // some results do not live at the same time: to move them is right
  assert.ok(found > mutants / 2, `${found} of ${mutants} found`)
})

test('a plan is plain data: its clone is the same program', async () => {
  const device = await devices['wasm simd']()
  const graph = twoResults()
  const made = lower(graph)
  const values = made.inputs.map(({ name }) => graph.values[name])
  const [first, second] = await Promise.all(
    [made, structuredClone(made)].map((one) => device.backend.load(one).run(values)),
  )
  assert.equal(first, second)
  device.close()
})

test.run()
