import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { slicesOf } from '../../src/autograd/slices.ts'
import type { Method } from '../../src/nn/model.ts'
import { AdamW } from '../../src/optim/adamw.ts'
import { compile } from '../../src/program/program.ts'
import { batchValues } from '../../src/rmaat/batch.ts'
import type { ModelConfig } from '../../src/rmaat/config.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { stepInputs, trainingStep } from '../../src/train/step.ts'
import { devices, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { someBatch, tiny } from '../support/model.ts'

const ROWS = 6

/** The first moments after a step are a tenth of the gradient. */
async function stepOf(config: Partial<ModelConfig>, method: Method, slices: number) {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...tiny, segments: 3, ...config })
  const optimizer = new AdamW(model.parameters)
  const options = { method, batch: ROWS, clip: 1e9, trace: true, slices }
  const program = compile(device, stepInputs(model, ROWS), trainingStep(model, optimizer, options))
  const batch = batchValues(someBatch(ROWS, model.config), model.config, model.config.retention)
  const results = await program.run({ ...batch, step: 3, rate: 1e-3 })
  const moments = await device.readVariable(optimizer.state[0])
  device.close()
  return { ...results, moments }
}

const listOf = (value: number | ArrayLike<number>): ArrayLike<number> => (typeof value === 'number' ? [value] : value)

for (const [name, config] of Object.entries<Partial<ModelConfig>>({
  'dropout and a learned scale': { dropout: 0.2, learnScale: true },
  'a loss at every segment': { loss: 'all' },
  'attention that prepares nothing': { attention: 'linear' },
  'a loss at every token': { causal: true, layers: 2, dropout: 0.2 },
})) {
  test(`slices of a batch add up to the batch, with ${name}`, async () => {
    for (const method of ['amrb', 'bptt'] as const) {
      const whole = await stepOf(config, method, 1)
      for (const slices of [2, ROWS]) {
        const found = await stepOf(config, method, slices)
        assert.equal(Object.keys(found).sort(), Object.keys(whole).sort())
        for (const [key, value] of Object.entries(whole)) {
          const error = relativeError(listOf(found[key as keyof typeof found]), listOf(value))
          assert.ok(error < 1e-12, `${method}, ${slices} slices: ${key} is off by ${error}`)
        }
      }
    }
  })
}

test('of what is not trained no gradient is found, and that of the rest is the same', async () => {
  const device = await devices.reference()
  for (const slices of [1, 2]) {
    const model = new Rmaat(device, { ...tiny, segments: 3, learnScale: true })
    const batch = batchValues(someBatch(ROWS, model.config), model.config, model.config.retention)
    const options = { method: 'amrb', batch: ROWS, clip: 1e9, slices } as const
    const run = async (trains?: readonly string[]) => {
      const optimizer = new AdamW(model.parameters, { trains })
      const before = await device.readVariable(model.parameters.variable)
      const program = compile(device, stepInputs(model, ROWS), trainingStep(model, optimizer, options))
      const { norm } = await program.run({ ...batch, step: 0, rate: 1e-3 })
      const after = await device.readVariable(model.parameters.variable)
      device.write(model.parameters.variable, before)
      const moments = await device.readVariable(optimizer.state[0])
      return { norm: Number(norm), before, after, moments, kernels: program.plan.instructions.length }
    }
    const [all, head] = [await run(), await run(['head2', 'blocks.0.wq'])]
    assert.ok(head.kernels < all.kernels, `${head.kernels} of ${all.kernels} kernels`)
    let squares = 0
    for (const { name, offset, spec } of model.parameters.named) {
      const isTrained = /^(head2|blocks\.0\.wq)/.test(name)
      for (let i = offset; i < offset + spec.shape.reduce((a, b) => a * b, 1); i++) {
        const expected = isTrained ? all.moments[i] : 0
        assert.ok(
          Math.abs(head.moments[i] - expected) <= 1e-12 * (1 + Math.abs(expected)),
          `${name}: ${head.moments[i]}`,
        )
        if (!isTrained) assert.is(head.after[i], head.before[i], name)
        squares += (10 * head.moments[i]) ** 2
      }
    }
    // it is the norm of what is trained that is clipped
    assert.ok(Math.abs(head.norm - Math.sqrt(squares)) < 1e-9 * head.norm, `${head.norm}`)
  }
  device.close()
})

test('slices divide the batch, and are no larger than asked where a row is not', () => {
  const row = 528 * 64 * 4
  const slices = (batch: number, bytes?: number, gradients = 1e5): number => slicesOf(batch, row, gradients, bytes)
  assert.is(slices(32), 1)
  assert.is(slices(32, 32 * row), 1)
  assert.is(slices(32, 31 * row), 4)
  assert.is(slices(32, 5 * row), 8)
  assert.is(slices(30, 4 * row), 10)
  assert.is(slices(32, 1), 32)
  assert.is(slices(7, 2 * row), 7)
  // of large models there are fewer: the gradients of all of them are held at once
  assert.is(slices(32, 1, 2 ** 20), 16)
  assert.is(slices(32, 1, 2 ** 25), 1)
  // and of few rows there is one: kernels are split among the threads instead
  assert.is(slices(32, 1, 2 ** 23), 1)
  assert.is(slices(3, 1), 1)
  assert.is(slices(4, 1), 4)
  // a batch past all memory is refused with its plan: its slices take no memory to find
  assert.is(slices(1e15, 1), 160)
})

test('slices that do not divide the batch are refused', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...tiny, segments: 2 })
  const optimizer = new AdamW(model.parameters)
  await fails('config', /batch of 6 sequences cannot be cut into 4 slices/, () =>
    trainingStep(model, optimizer, { method: 'amrb', batch: 6, clip: 1, slices: 4 }),
  )
  device.close()
})

test.run()
