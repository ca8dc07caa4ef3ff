import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AdamW } from '../../src/optim/adamw.ts'
import { clipByNorm } from '../../src/optim/clip.ts'
import { learningRate } from '../../src/optim/schedule.ts'
import { sgd } from '../../src/optim/sgd.ts'
import { compile, f32 } from '../../src/program/program.ts'
import { devices, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const start = Float64Array.of(0.5, -1, 2, 0.25, -3)
const gradientAt = (step: number): Float64Array => start.map((_, i) => Math.sin(3 * step + i))

for (const [name, open] of Object.entries(devices)) {
  const tolerance = name === 'reference' ? 1e-14 : 1e-6

  test(`AdamW on ${name} takes the steps of its formula`, async () => {
    const device = await open()
    const variable = device.variable([5], 'f32', start)
    const optimizer = new AdamW(device, variable, { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, decay: 0.1, decayed: 3 })
    const program = compile(device, { g: f32(5), hyper: f32(3) }, ({ g, hyper }) => ({
      updates: optimizer.update(g, hyper),
    }))
    // one kernel for parameters and both means
    assert.is(program.plan.instructions.length, 1)
    const [w, m, v] = [start.slice(), new Float64Array(5), new Float64Array(5)]
    for (let step = 1; step <= 6; step++) {
      const rate = 0.05 / step
      const g = gradientAt(step)
      await program.run({ g, hyper: optimizer.hyper(step, rate) })
      for (let i = 0; i < 5; i++) {
        m[i] = 0.9 * m[i] + 0.1 * g[i]
        v[i] = 0.98 * v[i] + 0.02 * g[i] ** 2
        const [mean, square] = [m[i] / (1 - 0.9 ** step), v[i] / (1 - 0.98 ** step)]
        w[i] -= rate * (mean / (Math.sqrt(square) + 1e-8) + (i < 3 ? 0.1 * w[i] : 0))
      }
    }
    assert.ok(relativeError(await device.readVariable(variable), w) < tolerance)
    device.close()
  })

  test(`SGD on ${name} walks down the gradient`, async () => {
    const device = await open()
    const variable = device.variable([5], 'f32', start)
    const program = compile(device, { g: f32(5) }, ({ g }) => ({ updates: sgd(0.5).update([variable], [g]) }))
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
    const clipped = await program.run({ g: long })
    assert.ok(Math.abs(clipped.norm - 5) < 1e-6)
    assert.is(clipped.finite, 1)
    assert.ok(
      relativeError(
        clipped.gradient,
        long.map((x) => (x * 2) / (5 + 1e-6)),
      ) < tolerance,
    )
    assert.equal(Array.from((await program.run({ g: long.map((x) => x / 8) })).gradient), [0.375, 0, 0.5, 0, 0])
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.is((await program.run({ g: Float64Array.of(1, bad, 0, 0, 0) })).finite, 0)
    }
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
