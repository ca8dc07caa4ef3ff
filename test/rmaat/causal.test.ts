import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { planningDevice } from '../../src/backends/planning.ts'
import { models } from '../../src/models/index.ts'
import type { Config } from '../../src/nn/kind.ts'
import { layoutOf } from '../../src/nn/model.ts'
import { AdamW } from '../../src/optim/adamw.ts'
import { compile } from '../../src/program/program.ts'
import { batchInputs } from '../../src/rmaat/batch.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { Stream } from '../../src/rmaat/stream.ts'
import { tasks } from '../../src/tasks/index.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { memoryOn, plannedMemory, planStep } from '../../src/train/planner.ts'
import { stepInputs, trainingStep } from '../../src/train/step.ts'
import { train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

const [T, S, CLASSES] = [3, tiny.segmentLength!, tiny.classes!]
const sizes = { ...tiny, segments: T, layers: 2, causal: true } as const
const someTokens = Array.from({ length: T * S }, (_, i) => 1 + ((i * i + 2 * i) % (tiny.vocabulary! - 1)))
const exampleOf = (tokens: readonly number[]) => {
  const labels = tokens.map((token) => token % CLASSES)
  return { tokens, labels, label: labels[labels.length - 1] }
}

const kinds: Readonly<Record<string, readonly [name: string, own: Config]>> = {
  'rmaat, post': ['rmaat', { update: 'mix' }],
  'rmaat, pre': ['rmaat', { norm: 'pre', update: 'additive' }],
  ...Object.fromEntries(Object.keys(models).map((name) => [name, [name, {}]])),
}
for (const [title, [name, own]] of Object.entries(kinds)) {
  if (name === 'bag-of-tokens') continue
  test(`${title}: a token has no say in the logits before it, and has one in all others`, async () => {
    const device = await devices.reference()
    const kind = models[name]
    const config = Object.fromEntries(Object.entries({ ...sizes, ...own }).filter(([key]) => key in kind.settings))
    const model = kind.make(device, kind.configure(config))
    const layout = layoutOf(model, 1)
    const program = compile(device, layout.inputs, (inputs) => model.forward(inputs, { method: 'amrb' }).predicted)
    const logits = async (tokens: readonly number[]): Promise<number[]> =>
      Array.from(await program.arrays(layout.values([exampleOf(tokens)])))
    const found = await logits(someTokens)
    assert.is(found.length, T * S * CLASSES)
    for (let place = 0; place < T * S; place++) {
      const other = await logits(someTokens.with(place, 1 + (someTokens[place] % 6)))
      for (let i = 0; i < T * S; i++) {
        const same = [0, 1, 2].every((c) => Object.is(other[CLASSES * i + c], found[CLASSES * i + c]))
        assert.is(same, i < place, `token ${place} and the logits of ${i}`)
      }
    }
    device.close()
  })
}

test('a stream says at every token what the model says at once', async () => {
  const device = await devices['wasm simd']()
  for (const attention of ['astro', 'linear', 'softmax'] as const) {
    const model = new Rmaat(device, { ...sizes, attention, retention: 'running', update: 'additive' })
    const layout = model.layout(1)
    const program = compile(device, layout.inputs, (inputs) => {
      return model.forward(inputs as Parameters<typeof model.forward>[0], { method: 'amrb' }).predicted
    })
    for (const length of [undefined, T * S, T * S - 1]) {
      const tokens = someTokens.slice(0, length)
      // the first segment is the short one where the length is known, and is not full here
      const logits = Array.from(await program.arrays(layout.values([exampleOf(tokens)]))).slice(
        -CLASSES * tokens.length,
      )
      const stream = new Stream(model, { length })
      for (const [i, token] of tokens.entries()) {
        await stream.push([token])
        const expected = logits.slice(CLASSES * i, CLASSES * (i + 1))
        // after a short first segment they are as many as before it
        assert.equal(Array.from(await stream.predict()), expected, `${attention}, ${length}, token ${i}`)
      }
      stream.close()
    }
    program.close()
    model.close()
  }
  device.close()
})

test('an evaluation weighs every answer alike', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...sizes, retention: 'none' })
  // a short one, and one that asks twice
  const examples = [exampleOf(someTokens), exampleOf(someTokens.slice(0, 5)), exampleOf(someTokens.slice(3))]
  examples[2].labels.fill(-1, 0, -2)
  const alone = await Promise.all(examples.map((example) => evaluate(model, [example])))
  const counts = [T * S, 5, 2]
  for (const batch of [1, 2, 3]) {
    const { loss, accuracy, majority } = await evaluate(model, examples, { batch })
    const mean = alone.reduce((sum, { loss }, i) => sum + loss * counts[i], 0) / (T * S + 7)
    assert.ok(Math.abs(loss - mean) < 1e-12, `${loss}, expected ${mean}`)
    assert.ok(Math.abs(accuracy - alone.reduce((sum, { accuracy }) => sum + accuracy, 0) / 3) < 1e-12)
    const asked = examples.flatMap(({ labels }) => labels.filter((label) => label >= 0))
    assert.is(majority, Math.max(...[0, 1, 2].map((c) => asked.filter((label) => label === c).length)) / asked.length)
  }
  device.close()
})

test('a task with one class a sequence asks a causal model at the last token', async () => {
  const device = await devices['wasm simd']()
  const task = tasks.cue({ segments: 2, segmentLength: 4 })
  const { vocabulary, classes } = task
  const small = { width: 32, features: 8, feedForward: 64, causal: true }
  const model = new Rmaat(device, { segments: 2, segmentLength: 4, vocabulary, classes, ...small })
  for await (const event of train(model, task, { steps: 100, rate: 2e-3 })) assert.ok(event)
  const { accuracy } = await evaluate(model, task.test.slice(0, 200))
  assert.ok(accuracy > 0.9, `${accuracy}`)
  device.close()
})

test('a task that asks at every token is none for a model that answers once', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...tiny, segments: 2 })
  const task = { ...tasks.cue({ segments: 2, segmentLength: 4 }), vocabulary: 7, classes: 3, everywhere: true }
  await fails('config', /^train: the task cue asks for a class at every token, .* expected the setting causal/, () =>
    model.checkTask(task),
  )
  new Rmaat(device, sizes).checkTask(task)
  assert.equal(batchInputs(2, { segments: 2, segmentLength: 4, causal: true }).labels.shape, [2, 2, 4])
  device.close()
})

test('chunks of tokens in segments in slices: a step takes the memory that is planned for it', async () => {
  const options = { method: 'amrb', batch: 4, clip: 1, slices: 2 } as const
  const longer = { ...sizes, segmentLength: 70 }
  const planned = planStep(new Rmaat(planningDevice('wasm', 1), longer), options)
  const device = await devices['wasm simd']()
  const model = new Rmaat(device, longer)
  const step = trainingStep(model, new AdamW(model.parameters), options)
  const program = compile(device, stepInputs(model, 4), step)
  const { peak } = memoryOn(device.name, program.memory)
  assert.is(plannedMemory(planningDevice('wasm', 1), planned).peak, peak)
  device.close()
})

test.run()
