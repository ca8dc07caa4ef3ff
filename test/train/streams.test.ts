import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { dropout } from '../../src/nn/dropout.ts'
import { linear, linearParameters } from '../../src/nn/linear.ts'
import type { Model } from '../../src/nn/model.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import type { Device } from '../../src/program/device.ts'
import { f32, type InputSpec } from '../../src/program/program.ts'
import { loadCheckpoint, saveCheckpoint, type TrainState } from '../../src/train/checkpoint.ts'
import { type Training, type TrainOptions, train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { stepsOf } from '../support/training.ts'

interface Pair {
  readonly x: readonly number[]
  readonly y: number
}
interface Made {
  readonly seed?: number
  readonly config?: object
  readonly more?: (rows: number) => Readonly<Record<string, InputSpec>>
}

/** A linear model of four numbers behind dropout. */
function modelOf(device: Device, { seed = 1, config, more = () => ({}) }: Made = {}): Model<Pair> {
  const parameters = new Parameters(device, linearParameters(4, 1), seed)
  return {
    device,
    parameters,
    config,
    layout: (rows) => ({
      inputs: { x: f32(rows, 4), y: f32(rows), ...more(rows) },
      values: (pairs) => ({ x: pairs.flatMap(({ x }) => x), y: pairs.map(({ y }) => y) }),
    }),
    forward({ x, y }, { step }) {
      const of = parameters.tensors
      const predicted = linear(dropout(x, 0.5, { of, step }), of).reshape([-1])
      return { loss: predicted.sub(y).square().sum().div(8), predicted }
    },
  }
}

const pair = (i: number): Pair => ({ x: [1, i % 3, (i * i) % 5, 2 - (i % 2)], y: i % 7 })
const task = {
  name: 'pairs',
  *train(): Generator<Pair, never> {
    for (let i = 0; ; i++) yield pair(i)
  },
}

const steps = (model: Model<Pair>, from: Training<Pair>, options: Partial<TrainOptions>) =>
  stepsOf(model, from, { batch: 8, ...options })

test('examples that are awaited train as those at hand, without tokens; either stream is closed in the end', async () => {
  const device = await devices['wasm relaxed']()
  const expected = await steps(modelOf(device), task, { steps: 4 })
  assert.equal(
    expected.map(({ validTokens }) => validTokens),
    [0, 0, 0, 0],
  )
  let closed = 0
  const slowly: Training<Pair> = {
    name: 'slow pairs',
    async *train() {
      try {
        for (let i = 0; ; i++) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          yield pair(i)
        }
      } finally {
        closed++
      }
    },
  }
  const atHand: Training<Pair> = {
    name: 'pairs',
    *train() {
      try {
        for (let i = 0; ; i++) yield pair(i)
      } finally {
        closed++
      }
    },
  }
  for (const [i, from] of [slowly, atHand].entries()) {
    const found = await steps(modelOf(device), from, { steps: 4 })
    assert.equal(
      found.map(({ loss }) => loss),
      expected.map(({ loss }) => loss),
    )
    assert.is(closed, 2 * i + 1, from.name)
    for await (const event of train(modelOf(device), from, { steps: 4, batch: 8 })) if (event.kind === 'step') break
    assert.is(closed, 2 * i + 2, `${from.name}, left early`)
  }
  await fails('data', /^train: examples is \[3, 3\]; expected a list of objects$/, () =>
    steps(
      modelOf(device),
      {
        name: 'numbers',
        *train() {
          for (;;) yield 3 as unknown as Pair
        },
      },
      { steps: 1, batch: 2 },
    ),
  )
  device.close()
})

test('a step whose loss is no finite number is not made, though its gradient is one', async () => {
  for (const name of ['reference', 'wasm relaxed']) {
    const device = await devices[name]()
    const model = modelOf(device)
    const forward: typeof model.forward = (inputs, options) => {
      const { loss, predicted } = model.forward(inputs, options)
      return { loss: loss.add(inputs.y.min().sub(1).log()), predicted }
    }
    const { variable } = model.parameters
    const before = await device.readVariable(variable)
    const found: boolean[] = []
    await fails(
      'diverged',
      /^3 of 3 steps changed nothing, 3 of them at the end, as their losses, gradients or/,
      async () => {
        for await (const event of train({ ...model, forward }, task, { batch: 8, steps: 3 }))
          if (event.kind === 'step') found.push(event.skipped && Number.isNaN(event.loss) && event.gradientNorm > 0)
      },
    )
    assert.equal(found, [true, true, true])
    assert.equal(await device.readVariable(variable), before)
    device.close()
  }
})

test('dropout is the same however a batch is cut', async () => {
  const device = await devices['wasm relaxed']()
  const losses = await Promise.all(
    [1, 2, 4, 8].map(async (slices) =>
      (await steps(modelOf(device), task, { steps: 3, slices })).map(({ loss }) => loss),
    ),
  )
  for (const found of losses)
    for (const [i, loss] of found.entries()) assert.ok(Math.abs(loss - losses[0][i]) < 1e-5 * loss, `${losses}`)
  device.close()
})

test('an input that is not by rows, or called as one of the step, is refused', async () => {
  const device = await devices.reference()
  for (const [more, message] of [
    [
      () => ({ weights: f32(4) }),
      /^the model's layout of 8 rows: the input weights is \[4\]; expected its first axis to count/,
    ],
    [
      () => ({ weight: f32() }),
      /^the model's layout of 8 rows: the input weight is \[\]; expected its first axis to count/,
    ],
    [(rows: number) => ({ rate: f32(rows) }), /^the model's layout has an input rate, which a training step has, too;/],
  ] as const)
    await fails('config', message, () => steps(modelOf(device, { more }), task, { steps: 1 }))
  device.close()
})

test('a training goes on with settings that are lists, and not with others or another seed of dropout', async () => {
  const device = await devices.reference()
  const begun = modelOf(device, { config: { widths: [8, 8] } })
  let state: TrainState | undefined
  for await (const event of train(begun, task, { steps: 4, batch: 8, checkpoint: (step) => step === 2 })) {
    if (event.kind === 'checkpoint') state = event.state
    if (state) break
  }
  const file = saveCheckpoint(begun, state!)
  const { state: from } = loadCheckpoint(begun, file)
  assert.equal(saveCheckpoint(begun, from), file) // doubles of the reference here, as float32 elsewhere
  const goOn = (made: Made) => steps(modelOf(device, made), task, { steps: 4, from })
  assert.is((await goOn({ config: { widths: [8, 8] } })).length, 2)
  await fails('config', /: model\.widths is \[8, 9\], there \[8, 8\]$/, () => goOn({ config: { widths: [8, 9] } }))
  await fails('config', /: seed of the parameters is 99, there 1$/, () =>
    goOn({ config: { widths: [8, 8] }, seed: 99 }),
  )
  device.close()
})

test('a configuration that no checkpoint could hold is refused before anything is made', async () => {
  const device = await devices.reference()
  const cyclic: Record<string, unknown> = {}
  cyclic.itself = cyclic
  for (const [config, found] of [
    [{ activation: (x: string) => x }, 'activation is a function'],
    [{ widths: [8, Number.NaN] }, 'widths is \\[8, NaN\\]'],
    [{ scale: 3n }, 'scale is 3n'],
    [{ cyclic }, 'cyclic is an object'],
  ] as const) {
    const model = modelOf(device, { config })
    const { heldBytes } = device.backend
    await fails(
      'config',
      new RegExp(`^train: model\\.${found}; expected a value of JSON: a finite number, .*, or nothing$`),
      () => steps(model, task, { steps: 1 }),
    )
    assert.is(device.backend.heldBytes, heldBytes)
  }
  device.close()
})

test.run()
