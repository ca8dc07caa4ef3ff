import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { init } from '../../src/nn/init.ts'
import { Parameters, parameter } from '../../src/nn/parameters.ts'
import { constant, zeros } from '../../src/ops/entry.ts'
import { AdamW } from '../../src/optim/adamw.ts'
import { clipByNorm } from '../../src/optim/clip.ts'
import { allOrNone } from '../../src/optim/guard.ts'
import { learningRate } from '../../src/optim/schedule.ts'
import { SGD } from '../../src/optim/sgd.ts'
import { compile, f32, i32 } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const start = Float64Array.of(0.5, -1, 2, 0.25, -3)
const gradientAt = (step: number): Float64Array => start.map((_, i) => Math.sin(3 * step + i))

for (const [name, open] of Object.entries(held)) {
  const tolerance = name === 'reference' ? 1e-14 : 1e-6

  test(`AdamW on ${name} takes the steps of its formula`, async () => {
    const device = await open()
    const variable = device.variable([5], 'f32', start)
    const optimizer = new AdamW([variable], { decay: 0.1 })
    const program = compile(device, { g: f32(5), rate: f32() }, ({ g, rate }) => ({
      updates: optimizer.update([g], rate),
    }))
    // two for the corrections, one for the variable and both means, one for the count
    assert.is(program.plan.instructions.length, 3)
    const [w, m, v] = [start.slice(), new Float64Array(5), new Float64Array(5)]
    for (let step = 1; step <= 6; step++) {
      const rate = 0.05 / step
      const g = gradientAt(step)
      await program.run({ g, rate })
      for (let i = 0; i < 5; i++) {
        m[i] = 0.9 * m[i] + 0.1 * g[i]
        v[i] = 0.98 * v[i] + 0.02 * g[i] ** 2
        const [mean, square] = [m[i] / (1 - 0.9 ** step), v[i] / (1 - 0.98 ** step)]
        w[i] -= rate * (mean / (Math.sqrt(square) + 1e-8) + 0.1 * w[i])
      }
    }
    assert.ok(relativeError(await device.readVariable(variable), w) < tolerance)
    assert.equal([...(await device.readVariable(optimizer.steps))], [6])
    device.close()
  })

  test(`AdamW on ${name} corrects its means as in double precision, in any step`, async () => {
    const device = await open()
    for (const beta2 of [0.98, 0.9999]) {
      const variable = device.variable([1])
      const optimizer = new AdamW([variable], { beta1: 0, beta2, decay: 0, rate: 1 })
      const program = compile(device, { g: f32(1) }, ({ g }) => ({ updates: optimizer.update([g]) }))
      for (const step of [1, 2, 7, 1000, 4321, 2 ** 30]) {
        device.write(variable, [0])
        device.write(optimizer.steps, [step - 1])
        device.write(optimizer.state[1], [0])
        await program.run({ g: [2] })
        // the root of what one gradient makes of an empty mean
        const expected = -Math.sqrt((1 - beta2 ** step) / (1 - beta2))
        const [found] = await device.readVariable(variable)
        assert.ok(Math.abs(found / expected - 1) < 2e-6, `${beta2}, step ${step}: ${found} for ${expected}`)
      }
    }
    device.close()
  })

  for (const type of [AdamW, SGD])
    test(`${type.name} on ${name} moves parameters as it moves variables, and its decay by their names`, async () => {
      const device = await open()
      const shapes = { a: [2, 2], b: [3], c: [2], d: [1] }
      const begun = (size: number) => Array.from({ length: size }, (_, i) => 1 + i / 4)
      const specs = Object.entries(shapes).map(([key, shape]) => {
        const size = shape.reduce((a, b) => a * b)
        return [key, { w: parameter(shape, init.values(begun(size)), key === 'c') }] as const
      })
      const parameters = new Parameters(device, Object.fromEntries(specs), 0)
      const variables = Object.values(shapes).map((shape) =>
        device.variable(shape, 'f32', begun(shape.reduce((a, b) => a * b))),
      )
      const inputs = { rate: f32() }
      const gradientOf = (x: Tensor) => x.mul(0.5).sub(0.25)
      for (const [ofParameters, ofVariables] of [
        [undefined, ['2']],
        [['w'], undefined],
        [
          ['a.w', 'd.w'],
          ['0', '3'],
        ],
        [[], []],
        [(one: string) => one.startsWith('b'), (one: string) => one === '1'],
      ] as const) {
        const options = { decay: 0.5 }
        const [one, other] = [
          new type(parameters, ofParameters ? { ...options, decays: ofParameters } : options),
          new type(variables, ofVariables ? { ...options, decays: ofVariables } : options),
        ]
        const both = compile(device, inputs, ({ rate }) => ({
          updates: [
            ...one.update(parameters.list.map(gradientOf), rate),
            ...other.update(variables.map(gradientOf), rate),
          ],
        }))
        for (let step = 0; step < 2; step++) await both.run({ rate: 0.25 })
        const all = await device.readVariable(parameters.variable)
        for (const [i, { offset }] of parameters.named.entries()) {
          const own = await device.readVariable(variables[i])
          assert.equal([...all.subarray(offset, offset + own.length)], [...own], `${ofParameters}, variable ${i}`)
        }
      }
      // decay alone
      const pulled = new type(variables, { decay: 0.5, decays: ['1'], rate: 1 })
      const before = await Promise.all(variables.map((one) => device.readVariable(one)))
      const program = compile(device, {}, () => ({
        updates: pulled.update(variables.map(({ shape }) => zeros(shape))),
      }))
      await program.run({})
      for (const [i, one] of variables.entries()) {
        const expected = [...before[i]].map((x) => (i === 1 ? x / 2 : x))
        assert.ok(relativeError(await device.readVariable(one), expected) < tolerance, `variable ${i}`)
      }
      device.close()
    })

  test(`SGD on ${name} with momentum takes the steps of its formula`, async () => {
    const device = await open()
    const variable = device.variable([5], 'f32', start)
    const optimizer = new SGD([variable], { momentum: 0.9, decay: 0.1 })
    const program = compile(device, { g: f32(5), rate: f32() }, ({ g, rate }) => ({
      updates: optimizer.update([g], rate),
    }))
    const [w, v] = [start.slice(), new Float64Array(5)]
    for (let step = 1; step <= 6; step++) {
      const rate = 0.05 / step
      const g = gradientAt(step)
      await program.run({ g, rate })
      for (let i = 0; i < 5; i++) {
        v[i] = 0.9 * v[i] + g[i] + 0.1 * w[i]
        w[i] -= rate * v[i]
      }
    }
    assert.ok(relativeError(await device.readVariable(variable), w) < tolerance)
    assert.ok(relativeError(await device.readVariable(optimizer.state[0]), v) < tolerance)
    assert.is(new SGD([variable]).state.length, 1) // without it there is none to keep
    device.close()
  })

  test(`a step on ${name} that is left out does not count`, async () => {
    const device = await open()
    const [a, b] = [device.variable([5], 'f32', start), device.variable([2], 'f32', [1, 2])]
    const optimizer = new AdamW([a, b])
    const program = compile(device, { g: f32(5), h: f32(2) }, ({ g, h }) =>
      allOrNone(optimizer.update([g, h]), constant(1, 'i32')),
    )
    const state = async () => Promise.all([a, b, ...optimizer.state].map((one) => device.readVariable(one)))
    const before = await state()
    for (const [g, h] of [
      [start.with(1, Number.NaN), [1, 1]],
      [start, [1, Number.NEGATIVE_INFINITY]],
    ] as const) {
      assert.is((await program.run({ g, h })).made, 0)
      assert.equal(
        (await state()).map((one) => [...one]),
        before.map((one) => [...one]),
      )
    }
    assert.is((await program.run({ g: start, h: [1, 1] })).made, 1)
    assert.equal([...(await device.readVariable(optimizer.steps))], [1])
    device.close()
  })

  test(`updates on ${name} are made all together or not at all`, async () => {
    const device = await open()
    const [a, b] = [start, gradientAt(1)].map((values) => device.variable([5], 'f32', values))
    const program = compile(device, { x: f32(5), y: f32(5), active: i32() }, ({ x, y, active }) => {
      const { updates, made } = allOrNone(
        [
          [a, a.mul(x)],
          [b, y],
        ],
        active,
      )
      return { made, updates }
    })
    const state = async () => [await device.readVariable(a), await device.readVariable(b)]
    const before = await state()
    const ones = new Float64Array(5).fill(1)
    const largest = name === 'reference' ? Number.MAX_VALUE : 3e38
    for (const [x, y, active] of [
      [ones, ones, 0],
      [ones.with(2, largest), ones, 1],
      [ones.with(4, -largest), ones, 1],
      [ones, ones.with(0, Number.NaN), 1],
      [ones, ones.with(3, Number.NEGATIVE_INFINITY), 1],
    ] as const) {
      assert.is((await program.run({ x, y, active })).made, 0)
      assert.equal(await state(), before)
    }
    assert.is((await program.run({ x: ones.map(() => 2), y: ones, active: 1 })).made, 1)
    const after = await state()
    assert.equal(
      [...after[0]],
      [...before[0]].map((value) => 2 * value),
    )
    assert.equal([...after[1]], [...ones])
    device.close()
  })

  test(`SGD on ${name} walks down the gradient`, async () => {
    const device = await open()
    const variable = device.variable([5], 'f32', start)
    const optimizer = new SGD([variable], { rate: 0.5 })
    const program = compile(device, { g: f32(5) }, ({ g }) => ({ updates: optimizer.update([g]) }))
    const g = gradientAt(1)
    await program.run({ g })
    assert.ok(
      relativeError(
        await device.readVariable(variable),
        start.map((x, i) => x - 0.5 * g[i]),
      ) < tolerance,
    )
    device.close()
  })

  test(`clipping on ${name} leaves short gradients alone, shortens long ones, and sees what is not finite`, async () => {
    const device = await open()
    const program = compile(device, { g: f32(5) }, ({ g }) => ({ ...clipByNorm(g, 2) }))
    const long = Float64Array.of(3, 0, 4, 0, 0)
    const clipped = await program.arrays({ g: long })
    assert.ok(Math.abs(clipped.norm[0] - 5) < 1e-6)
    assert.is(clipped.finite[0], 1)
    assert.ok(
      relativeError(
        clipped.gradient,
        long.map((x) => (x * 2) / (5 + 1e-6)),
      ) < tolerance,
    )
    assert.equal(Array.from((await program.arrays({ g: long.map((x) => x / 8) })).gradient), [0.375, 0, 0.5, 0, 0])
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.is((await program.run({ g: Float64Array.of(1, bad, 0, 0, 0) })).finite, 0)
    }
    device.close()
  })

  test(`clipping on ${name} holds where squares overflow`, async () => {
    const device = await open()
    const program = compile(device, { g: f32(3) }, ({ g }) => ({ ...clipByNorm(g, 1) }))
    for (const [g, norm] of [
      [[1e20, 1e20, 1e20], 1e20 * Math.sqrt(3)],
      [[1e19, -1e19, 1e-3], 1e19 * Math.sqrt(2)],
      [[3e38, 0, -1e38], 1e38 * Math.sqrt(10)],
    ] as const) {
      const clipped = await program.arrays({ g })
      assert.is(clipped.finite[0], 1)
      assert.ok(Math.abs(clipped.norm[0] / norm - 1) < 1e-6, `${clipped.norm} of ${g}`)
      const expected = g.map((x) => x / norm)
      assert.ok(relativeError(clipped.gradient, expected) < 1e-6, `${Array.from(clipped.gradient)} of ${g}`)
    }
    device.close()
  })

  test(`AdamW on ${name} takes a huge gradient for one step, and goes on`, async () => {
    const device = await open()
    const variable = device.variable([2], 'f32', [1, 1])
    const optimizer = new AdamW([variable], { beta1: 0.25, beta2: 0.25, decay: 0, rate: 0.125 })
    const program = compile(device, { g: f32(2) }, ({ g }) => ({ updates: optimizer.update([g]) }))
    const after = async (g: readonly number[]): Promise<ArrayLike<number>> => {
      await program.run({ g })
      return device.readVariable(variable)
    }
    assert.ok(relativeError(await after([1e20, -1e30]), [0.875, 1.125]) < 1e-6)
    // the mean of squares, 2^126, is 1 again after 63 steps that quarter it
    for (let step = 2; step < 80; step++) await after([1, 1])
    const before = Array.from(await after([1, 1]))
    const next = Array.from(await after([1, 1]))
    assert.ok(relativeError(next, [before[0] - 0.125, before[1] - 0.125]) < 1e-5, `${before} to ${next}`)
    // what is not finite is not taken for a large number
    assert.not(Number.isFinite((await after([Infinity, 1]))[0]))
    device.close()
  })
}

test('learning rates rise, fall by their schedule, and end at the floor', async () => {
  const options = { rate: 2, steps: 100, warmUp: 0.1, floor: 0.05 }
  const at = (schedule: 'cosine' | 'linear' | 'constant', step: number) => learningRate(step, { ...options, schedule })
  for (const schedule of ['cosine', 'linear', 'constant'] as const) {
    assert.is(at(schedule, 1), 0.2)
    assert.is(at(schedule, 10), 2)
  }
  assert.ok(Math.abs(at('cosine', 55) - 2 * (0.05 + 0.95 / 2)) < 1e-12)
  assert.ok(Math.abs(at('linear', 55) - 2 * (0.05 + 0.95 / 2)) < 1e-12)
  assert.is(at('constant', 100), 2)
  for (const schedule of ['cosine', 'linear'] as const) assert.ok(Math.abs(at(schedule, 100) - 0.1) < 1e-12)
  await fails('config', /step is 0; expected a whole number of at least 1/, () => at('cosine', 0))
})

test.run()
