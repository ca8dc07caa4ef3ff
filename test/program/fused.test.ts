import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { inputsOf } from '../../src/compare/kernels.ts'
import { where } from '../../src/ops/elementwise.ts'
import { reachable } from '../../src/ops/loop.ts'
import { methods } from '../../src/ops/methods.ts'
import { dropout, randomBits, randomUniform } from '../../src/ops/random.ts'
import type { ScalarName } from '../../src/ops/rounded.ts'
import { scalars } from '../../src/ops/scalar.ts'
import type { Device, HostArray } from '../../src/program/device.ts'
import { lower } from '../../src/program/lower.ts'
import { compile, f32, i32, read } from '../../src/program/program.ts'
import { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held } from '../support/devices.ts'
import { build, type Graph, recipes } from '../support/random-graphs.ts'

const chains = recipes({
  names: [
    'input',
    'add',
    'sub',
    'mul',
    'div',
    'minimum',
    'maximum',
    'less',
    'lessEqual',
    'equal',
    'where',
    'literal',
    'neg',
    'abs',
    'sign',
    'exp',
    'log',
    'log1p',
    'sqrt',
    'rsqrt',
    'pow',
    'power',
    'divideWhole',
    'sin',
    'cos',
    'tanh',
    'erf',
    'elu',
    'eluPlusOne',
    'sigmoid',
    'softplus',
    'gelu',
    'negI',
    'cast',
    'isFinite',
    'broadcast',
    'bits',
    'uniform',
    'dropout',
  ],
  loops: false,
  steps: 16,
}).map((recipe) => ({ ...recipe, gradient: false, updates: [] }))

/** The results of a graph whose every operation is a program of its own. */
async function oneByOne(device: Device, { outputs, values }: Graph): Promise<HostArray[]> {
  const known = new Map<Tensor, ArrayLike<number>>()
  for (const node of reachable(Object.values(outputs))) {
    if (node.op === 'constant') continue
    if (node.op === 'input') {
      known.set(node, values[(node.attributes as { name: string }).name])
      continue
    }
    const inputs: Record<string, Tensor> = {}
    // a literal stays one
    const operands = node.inputs.map((input, i) => {
      if (!known.has(input)) return input
      inputs[`x${i}`] = new Tensor('input', [], { name: `x${i}` }, input.shape, input.dtype)
      return inputs[`x${i}`]
    })
    const y = new Tensor(node.op, operands, node.attributes, node.shape, node.dtype)
    const loaded = device.backend.load(lower({ inputs, outputs: { y }, updates: [] }))
    const given = node.inputs.map((input) => known.get(input)).filter((input) => input !== undefined)
    known.set(node, (await loaded.run(given))[0])
    loaded.close()
  }
  return Object.values(outputs).map((x) => known.get(x) as HostArray)
}

for (const name of ['wasm relaxed', 'wasm simd']) {
  test(`${name}: fused is unfused, bit for bit`, async () => {
    const device = await devices[name]()
    let fused = 0
    await fc.assert(
      fc.asyncProperty(chains, async (recipe) => {
        const graph = build(recipe)
        const plan = lower(graph)
        const loaded = device.backend.load(plan)
        const found = await loaded.run(inputsOf(plan, graph.values))
        loaded.close()
        const expected = await oneByOne(device, graph)
        Object.keys(graph.outputs).forEach((key, i) => {
          found[i].forEach((value, at) => {
            if (!Object.is(value, expected[i][at]))
              throw new Error(`${key}: ${value}, alone ${expected[i][at]} at ${at}`)
          })
        })
        if (plan.instructions.some((call) => call.kind === 'fused' && call.steps.length > 8)) fused++
      }),
      { seed: 3, numRuns: 150, includeErrorInReport: true },
    )
    assert.ok(fused > 50, `only ${fused} programs with long chains`)
    device.close()
  })
}

const special = [
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  1e-30,
  88,
  -88,
  89,
  -104,
]
const unary: readonly ScalarName[] = [
  'sin',
  'cos',
  'floor',
  'ceil',
  'round',
  'abs',
  'neg',
  'sign',
  'exp',
  'log',
  'log1p',
  'sqrt',
  'rsqrt',
  'tanh',
  'erf',
  'gelu',
  'elu',
  'eluPlusOne',
  'isFinite',
  'toInt',
]
const binary: readonly ScalarName[] = [
  'add',
  'sub',
  'mul',
  'div',
  'mod',
  'floorDivide',
  'minimum',
  'maximum',
  'less',
  'lessEqual',
  'equal',
]

/** The double-precision result as a float, or NaN, or an infinity; within the budget. */
function agrees(op: ScalarName, found: number, args: number[]): boolean {
  const exact = scalars[op].evaluate(args[0], args[1] ?? 0, 0)
  if (Number.isNaN(exact)) return Number.isNaN(found)
  const rounded = Math.fround(exact)
  if (!Number.isFinite(rounded)) return found === rounded
  // near the largest float the budget may reach infinity
  if (Math.abs(rounded) > 3.4e38 && Math.abs(found) === Infinity) return Math.sign(found) === Math.sign(rounded)
  return Math.abs(found - exact) <= scalars[op].budget(exact, args) + Math.abs(rounded - exact)
}

test('NaN, infinities and limits are those of the reference', async () => {
  for (const name of ['wasm relaxed', 'wasm simd']) {
    const device = await devices[name]()
    const n = special.length
    const program = compile(device, { x: f32(n), a: f32(n, 1), b: f32(1, n) }, ({ x, a, b }) => ({
      ...Object.fromEntries(unary.map((op) => [op, op === 'toInt' ? x.cast('i32') : methods[op as 'abs'](x)])),
      ...Object.fromEntries(binary.map((op) => [op, methods[op as 'add'](a, b as never)])),
    }))
    const found: Record<string, HostArray> = await program.arrays({ x: special, a: special, b: special })
    const wrong: string[] = []
    for (const op of unary)
      special.forEach((x, i) => {
        if (!agrees(op, found[op][i], [Math.fround(x)])) wrong.push(`${op}(${x}) is ${found[op][i]}`)
      })
    for (const op of binary)
      special.forEach((x, i) => {
        special.forEach((y, j) => {
          const value = found[op][i * n + j]
          if (!agrees(op, value, [Math.fround(x), Math.fround(y)])) wrong.push(`${op}(${x}, ${y}) is ${value}`)
        })
      })
    assert.equal(wrong, [], name)
    device.close()
  }
})

test('what is not chosen has no influence, and guards see what is not finite', async () => {
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const program = compile(device, { x: f32(5) }, ({ x }) => {
      const good = x.isFinite()
      const safe = where(good, x, 0)
      return {
        good,
        safe,
        total: safe.sum(),
        spoiled: x.sum(),
        finite: x.sum().isFinite(),
        largest: x.max(),
        // the derivative of log where it is not chosen is infinite, and must not be seen
        slope: grad(where(x.greater(0), x.log(), 0).sum(), [x])[0],
        integers: x.cast('i32'),
      }
    })
    const found = await program.arrays({ x: [1, Number.NaN, -Infinity, 0, 2] })
    assert.equal([...found.good], [1, 0, 0, 1, 1])
    assert.equal([...found.safe], [1, 0, 0, 0, 2])
    assert.is(found.total[0], 3)
    assert.is(found.finite[0], 0)
    // a GPU promises nothing of NaN where only numbers are looked at
    if (!name.startsWith('webgpu')) {
      assert.ok(Number.isNaN(found.spoiled[0]))
      assert.ok(Number.isNaN(found.largest[0]))
    }
    assert.equal([...found.integers], [1, 0, -2147483648, 0, 2])
    assert.is(found.slope[0], 1)
    assert.is(found.slope[4], 0.5)
    const large = await program.arrays({ x: [3e9, -3e9, 1.9, -1.9, 0] })
    assert.equal([...large.integers], [2147483647, -2147483648, 1, -1, 0])
    assert.is(large.finite[0], 1)
    device.close()
  }
})

test('an index out of range gives NaN in gather, is dropped in scatterAdd, and is no class', async () => {
  const results = await Promise.all(
    Object.values(devices).map(async (make) => {
      const device = await make()
      const program = compile(
        device,
        { x: f32(3, 2), k: i32(3, 2), ids: i32(5), y: f32(5, 2) },
        ({ x, k, ids, y }) => ({
          floats: x.gather(ids),
          integers: k.gather(ids),
          sums: y.scatterAdd(ids, 3),
          loss: y.crossEntropy(ids),
          slope: grad(y.crossEntropy(ids).sum(), [y])[0],
        }),
      )
      const found: Record<string, HostArray> = await program.arrays({
        x: [1, 2, 3, 4, 5, 6],
        k: [1, 2, 3, 4, 5, 6],
        ids: [2, -1, 0, 3, 2147483647],
        y: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      })
      device.close()
      return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, [...value].map(Math.fround)]))
    }),
  )
  const _ = Number.NaN
  for (const { floats, sums, loss, slope } of results) {
    assert.equal(floats.map(String), [5, 6, _, _, 1, 2, _, _, _, _].map(String))
    assert.equal(sums, [5, 6, 0, 0, 1, 2])
    // no class: the logarithm of the sum of exponentials alone
    assert.ok(Math.abs(loss[1] - Math.log(Math.exp(3) + Math.exp(4))) < 1e-5)
    assert.ok(Math.abs(slope[2] + slope[3] - 1) < 1e-6)
  }
  for (const { integers } of results) assert.equal(integers, results[0].integers)
})

test('the same seed gives the same bits, whenever and in whatever pieces they are asked for', async () => {
  for (const make of Object.values(devices)) {
    const device = await make()
    const source = { seed: 11, site: 4, segment: 2, step: 9 }
    const first = await read(device, randomBits([40, 33], source))
    const program = compile(device, { at: i32(), segment: i32(), x: f32(40, 33) }, ({ at, segment, x }) => ({
      slice: randomBits([10, 33], { ...source, firstElement: at }),
      odd: randomBits([7], { ...source, firstElement: at }),
      whole: randomBits([1320], source).reshape([33, 40]).transpose().sum(),
      other: randomBits([40, 33], { ...source, segment }),
      mask: dropout(x, 0.5, source).equal(0),
      uniform: randomUniform([40, 33], source),
    }))
    const x = new Float32Array(40 * 33).fill(3)
    for (const from of [0, 10 * 33, 30 * 33]) {
      const { slice, odd, other, mask, uniform } = await program.arrays({ at: from, segment: 2, x })
      assert.equal([...slice], [...first[0].slice(from, from + 330)])
      assert.equal([...odd], [...first[0].slice(from, from + 7)])
      assert.equal([...other], [...first[0]])
      assert.equal(
        [...uniform],
        [...first[0]].map((bits) => (bits >>> 8) * 2 ** -24),
      )
      assert.equal(
        [...mask],
        [...uniform].map((u) => Number(u < 0.5)),
      )
    }
    const { other } = await program.arrays({ at: 0, segment: 3, x })
    const same = [...other].filter((bits, i) => bits === first[0][i]).length
    assert.ok(same < 3, 'another segment, other bits')
    for (const changed of [{ seed: 12 }, { site: 5 }, { step: 10 }]) {
      const [bits] = await read(device, randomBits([40, 33], { ...source, ...changed }))
      assert.ok([...bits].filter((n, i) => n === first[0][i]).length < 3, JSON.stringify(changed))
    }
    device.close()
  }
})

test.run()
