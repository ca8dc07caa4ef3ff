import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { K_BLOCK } from '../../src/backends/sizes.ts'
import { type Unrolled, unroll } from '../../src/compare/instructions.ts'
import { chain, LINK, SUM } from '../../src/compare/intervals.ts'
import { type Accuracy, checkKernels, inputsOf, join, perfect, type Subject } from '../../src/compare/kernels.ts'
import type { LoopSpec } from '../../src/ops/loop.ts'
import { dropout, randomBits, randomUniform } from '../../src/ops/random.ts'
import type { Backend, Device, HostArray } from '../../src/program/device.ts'
import { accessesOf } from '../../src/program/kernels.ts'
import { lower } from '../../src/program/lower.ts'
import type { Plan } from '../../src/program/plan.ts'
import { compile, f32, i32 } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { builds, devices } from '../support/devices.ts'
import { build, type Graph, type Recipe, recipes } from '../support/random-graphs.ts'
import { runs } from '../support/runs.ts'
import { isNode } from '../support/runtime.ts'

const SEED = 2
const checked = Object.keys(builds).filter((name) => name !== 'reference')
/** One build for WebAssembly, and those for WebGPU. */
const single = checked.filter((name) => !name.includes('threads')).slice(isNode ? 1 : 0)

/** Loads a plan with the graph's variables, hands it out, and gives all back. */
async function loaded<Result>(
  { backend }: Device,
  plan: Plan,
  graph: Graph,
  use: (loaded: ReturnType<Backend['load']>, reset: () => void) => Promise<Result>,
): Promise<Result> {
  for (const { variable } of graph.variables)
    backend.createVariable(variable.id, sizeOf(variable.shape), variable.dtype)
  const program = backend.load(plan)
  try {
    return await use(program, () => {
      for (const { variable, values } of graph.variables) backend.writeVariable(variable.id, values)
    })
  } finally {
    program.close()
    for (const { variable } of graph.variables) backend.deleteVariable(variable.id)
  }
}

/** A property of random graphs; a failure is shrunk and shows the smallest recipe that fails. */
const holds = (count: number, arbitrary: fc.Arbitrary<Recipe>, property: (graph: Graph) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(arbitrary, (recipe) => property(build(recipe))),
    { seed: SEED, numRuns: count, includeErrorInReport: true },
  )

const reference = await devices.reference()

/** The first kernel that is past its budget, in words. */
async function firstWrong(subject: Subject, accuracy: Accuracy = perfect()): Promise<string | undefined> {
  for await (const result of checkKernels(subject, reference.backend)) {
    join(accuracy, result.accuracy)
    if (result.wrong) return result.wrong
  }
  return undefined
}

for (const name of checked) {
  test(`${name}: every kernel keeps to its budget on the operands that it was given`, async () => {
    const device = await builds[name]()
    const tally = perfect()
    await holds(runs(250, name), recipes(), async (graph) => {
      const plan = unroll(lower(graph))
      const wrong = await loaded(device, plan, graph, (program, reset) =>
        firstWrong({ loaded: program, plan, inputs: inputsOf(plan, graph.values), reset }, tally),
      )
      if (wrong) throw new Error(wrong)
    })
    // the bounds say something: they are infinite for next to no lane, and some error comes near to them
    assert.ok(tally.free < tally.lanes / 100, `${tally.free} of ${tally.lanes} lanes have no bound`)
    assert.ok(tally.budget > 0.5, `the bounds are ${1 / tally.budget} times too wide`)
    device.close()
  })

  test(`${name}: a loop does what its iterations do when written out, bit for bit`, async () => {
    const device = await builds[name]()
    const loops = recipes({ steps: 10 }).filter(({ steps }) => steps.some(({ op }) => op === 'loop'))
    await holds(runs(100, name), loops, async (graph) => {
      const plan = lower(graph)
      const run = (one: Plan): Promise<HostArray[]> =>
        loaded(device, one, graph, async (program, reset) => {
          reset()
          const outputs = await program.run(inputsOf(one, graph.values))
          for (const { variable } of graph.variables) outputs.push(await device.backend.readVariable(variable.id))
          return outputs
        })
      const [looped, written] = [await run(plan), await run(unroll(plan))]
      looped.forEach((values, i) => {
        assert.ok(sameBits(values, written[i]), `result ${i} differs`)
      })
    })
    device.close()
  })
}

const sameBits = (a: HostArray, b: HostArray): boolean =>
  a.length === b.length && a.every((value, i) => Object.is(value, b[i]))

test('integers are the same on every device', async () => {
  const names = [
    'input',
    'add',
    'sub',
    'mul',
    'minimum',
    'maximum',
    'less',
    'lessEqual',
    'equal',
    'where',
    'negI',
    'sum',
    'max',
    'reshape',
    'transpose',
    'slice',
    'concat',
    'pad',
    'broadcast',
    'bits',
    'loop',
  ] as const
  const open = await Promise.all(Object.values(devices).map((make) => make()))
  let compared = 0
  const count = runs(200, 'webgpu') // on all of them
  await holds(count, recipes({ names }), async (graph) => {
    // inputs are doubles on the one and floats on the other: only what is made of integers alone must agree
    const outputs = Object.fromEntries(Object.entries(graph.outputs).filter(([, x]) => ofIntegers(x)))
    if (Object.keys(outputs).length === 0) return
    const plan = lower({ ...graph, outputs, updates: [] })
    const [expected, ...others] = await Promise.all(
      open.map((device) =>
        loaded(device, plan, graph, (program, reset) => {
          reset()
          return program.run(inputsOf(plan, graph.values))
        }),
      ),
    )
    for (const found of others)
      expected.forEach((values, i) => {
        assert.equal([...found[i]], [...values].map(noMinus))
      })
    compared += expected.length
  })
  assert.ok(compared > count / 2, `${compared} of ${count}`)
  for (const device of open) device.close()
})

/** Doubles know a -0. */
const noMinus = (x: number): number => x + 0

/** Whether a tensor is made of integers alone. */
function ofIntegers(x: Tensor): boolean {
  if (x.dtype !== 'i32') return false
  if (x.op === 'loopResult') {
    const { attributes, inputs } = x.inputs[0] as Tensor<LoopSpec>
    const results = [...attributes.carries.map(({ result }) => result), ...attributes.stacked]
    return [...results, ...inputs].every((y) => y.dtype === 'i32')
  }
  return x.inputs.every((y) => y.dtype === 'i32' && ofIntegers(y))
}

test('random bits, uniforms and dropout decisions are the same on every device', async () => {
  const shapes = [[1], [3], [7, 33], [4, 129], [2500], [2, 3, 5]]
  const results = await Promise.all(
    Object.values(devices).map(async (make) => {
      const device = await make()
      const program = compile(device, { segment: i32(), step: i32(), x: f32(4, 129) }, ({ segment, step, x }) =>
        Object.fromEntries<Tensor>([
          ...shapes.flatMap((shape, site): [string, Tensor][] => [
            [`bits ${site}`, randomBits(shape, { seed: 0xffffffff, site, segment, step, firstElement: site })],
            [`uniform ${site}`, randomUniform(shape, { seed: 3, site: 0xfedcba98, segment, step })],
          ]),
          ['dropped', dropout(x, 0.3, { seed: 1, site: 2, segment, step })],
          ['kept', dropout(x, 0.3, { seed: 1, site: 2, segment, step }).equal(0)],
        ]),
      )
      const x = new Float64Array(4 * 129).fill(1)
      const values: Record<string, HostArray> = await program.arrays({ segment: 5, step: 2_000_000_000, x })
      device.close()
      return values
    }),
  )
  const [expected, ...others] = results
  for (const found of others) {
    for (const [key, values] of Object.entries(expected)) {
      if (key !== 'dropped') assert.equal([...found[key]], [...values], key)
      else assert.equal([...found[key]].map(Math.sign), [...values].map(Math.sign))
    }
  }
  const kept = [...expected.dropped].reduce((sum, x) => sum + Math.sign(x), 0) / expected.dropped.length
  assert.ok(Math.abs(kept - 0.7) < 0.05, `${kept} are kept`)
})

for (const name of single)
  test(`${name}: long sums and products keep to their budgets`, async () => {
    const device = await builds[name]()
    const { input, sum, matmul, normalize, scatterAdd } = {
      input: (c: number) => ({ op: 'input' as const, a: 0, b: 0, c }),
      sum: { op: 'sum' as const, a: 0, b: 1, c: 0 },
      matmul: { op: 'matmul' as const, a: 0, b: 0, c: 1 },
      normalize: { op: 'normalize' as const, a: 0, b: 0, c: 0 },
      scatterAdd: { op: 'scatterAdd' as const, a: 0, b: 0, c: 2 },
    }
    for (const steps of [[sum], [matmul], [normalize, sum], [scatterAdd]]) {
      const graph = build({ steps: [input(10), ...steps], gradient: true, updates: [] })
      const plan = unroll(lower(graph))
      const wrong = await loaded(device, plan, graph, (program, reset) =>
        firstWrong({ loaded: program, plan, inputs: inputsOf(plan, graph.values), reset }),
      )
      if (wrong) throw new Error(wrong)
    }
    const x = Float32Array.from({ length: 300_000 }, (_, i) => Math.fround(1 + Math.sin(i)))
    const program = compile(device, { x: f32(x.length) }, ({ x }) => ({
      sum: x.sum(),
      rows: x.reshape([75, 4000]).sum(-1),
      columns: x.reshape([4000, 75]).sum(0),
      product: x.reshape([10, 30_000]).matmul(x.reshape([30_000, 10])),
    }))
    const found: Record<string, number | HostArray> = await program.run({ x })
    const exact: Record<string, number | HostArray> = await compile(reference, { x: f32(x.length) }, ({ x }) => ({
      sum: x.sum(),
      rows: x.reshape([75, 4000]).sum(-1),
      columns: x.reshape([4000, 75]).sum(0),
      product: x.reshape([10, 30_000]).matmul(x.reshape([30_000, 10])),
    })).run({ x })
    // every term is positive, so that the result is the sum of magnitudes
    for (const [key, values] of Object.entries(exact)) {
      const list = typeof values === 'number' ? [values] : [...values]
      list.forEach((value, i) => {
        const other = found[key]
        const error = Math.abs((typeof other === 'number' ? other : other[i]) - value)
        // lanes of one `fused` call go into four sums, whatever the width
        const allowed = key === 'rows' ? 16 : SUM
        assert.ok(error <= allowed * 2 ** -24 * value, `${key} is off by ${error / value / 2 ** -24} x 2^-24`)
      })
    }
    device.close()
  })

for (const name of single)
  test(`${name}: sums of a million terms that are alike keep to their budgets`, async () => {
    const device = await builds[name]()
    const [terms, value] = [2 ** 18, Math.fround(0.7)] // in one chain they would be off by 40,000 x 2^-24
    const program = compile(device, { x: f32(terms, 4) }, ({ x }) => ({
      columns: x.sum(0),
      column: x.slice([0, 1], [terms, 1]).sum(),
      all: x.sum(),
      product: x.transpose().matmul(x),
    }))
    const found: Record<string, number | HostArray> = await program.run({ x: new Float32Array(4 * terms).fill(value) })
    const errorOf = (key: string, exact: number): number => {
      const values = found[key]
      const list = typeof values === 'number' ? [values] : [...values]
      return Math.max(...list.map((x) => Math.abs(x - exact))) / exact / 2 ** -24
    }
    for (const [key, exact] of Object.entries({
      columns: terms * value,
      column: terms * value,
      all: 4 * terms * value,
    })) {
      const error = errorOf(key, exact)
      assert.ok(error <= chain(K_BLOCK), `${key} is off by ${error} x 2^-24`)
    }
    const error = errorOf('product', terms * value ** 2)
    assert.ok(error <= chain(K_BLOCK + terms / LINK), `the product is off by ${error} x 2^-24`)
    device.close()
  })

/** A device that computes one kernel wrong: it adds a little to the first lane that the kernel writes. */
function mutated(program: ReturnType<Backend['load']>, plan: Unrolled, kernel: number, relative: number) {
  let at = 0
  return {
    ...program,
    runTo: (inputs: readonly ArrayLike<number>[], count: number) => {
      at = count
      return program.runTo(inputs, count)
    },
    peek: async (...[view, dtype]: Parameters<typeof program.peek>) => {
      const values = await program.peek(view, dtype)
      const [first] = accessesOf(plan.instructions[kernel]).writes
      if (at === kernel + 1 && JSON.stringify(first.view) === JSON.stringify(view))
        values[0] += Math.max(Math.abs(values[0]), 1e-3) * relative
      return values
    },
  } as ReturnType<Backend['load']>
}

test('a kernel that is wrong by 30 units in the last place is found and named', async () => {
  const device = await devices['wasm relaxed']()
  const names = ['add', 'mul', 'exp', 'softmax', 'matmul', 'sum', 'transpose', 'tanh', 'concat'] as const
  let mutants = 0
  let found = 0
  await holds(60, recipes({ names, loops: false }), async (graph) => {
    const plan = unroll(lower(graph))
    for (let kernel = 0; kernel < plan.instructions.length; kernel++) {
      const wrong = await loaded(device, plan, graph, (program, reset) =>
        firstWrong({
          loaded: mutated(program, plan, kernel, 30 * 2 ** -23),
          plan,
          inputs: inputsOf(plan, graph.values),
          reset,
        }),
      )
      mutants++
      if (wrong) {
        assert.ok(wrong.startsWith(`kernel ${kernel},`), wrong)
        found++
      }
    }
  })
  // sums of many terms and long chains may be off by so much
  assert.ok(found > 0.8 * mutants, `${found} of ${mutants} mutants found`)
  device.close()
})

test('a failure shrinks to a small graph', async () => {
  const device = await devices['wasm simd']()
  const broken = fc.asyncProperty(recipes({ loops: false }), async (recipe) => {
    const graph = build(recipe)
    const plan = unroll(lower(graph))
    const kernel = plan.instructions.findIndex((call) => call.kind === 'matmul')
    if (kernel < 0) return
    const wrong = await loaded(device, plan, graph, (program, reset) =>
      firstWrong({ loaded: mutated(program, plan, kernel, 1e-3), plan, inputs: inputsOf(plan, graph.values), reset }),
    )
    if (wrong) throw new Error(wrong)
  })
  const { failed, counterexample, errorInstance } = await fc.check(broken, {
    seed: SEED,
    numRuns: 200,
    includeErrorInReport: true,
  })
  assert.ok(failed)
  const steps = counterexample![0].steps
  assert.ok(steps.length <= 2, JSON.stringify(steps))
  assert.match(String(errorInstance), /kernel \d+, matmul/)
  device.close()
})

test.run()
