import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BagOfTokens } from '../../src/baselines/bag-of-tokens.ts'
import { abouts, tasks } from '../../src/tasks/index.ts'
import { majority } from '../../src/tasks/task.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'

test('a bag of tokens knows something of ListOps, and nothing stays on the device', async () => {
  const device = await devices['wasm relaxed']()
  const task = await tasks.listops({ segments: 4, segmentLength: 12 })
  const learned = async (): Promise<number> => {
    const model = new BagOfTokens(device, { vocabulary: task.vocabulary, classes: task.classes })
    for await (const event of train(model, task, { steps: 300, batch: 128, rate: 3e-3 })) assert.ok(event)
    const { accuracy } = await evaluate(model, task.test)
    model.close()
    return accuracy
  }
  const accuracy = await learned()
  assert.ok(accuracy > majority(task.test, task.classes).share + 0.08, `${accuracy}`)
  const held = device.backend.heldBytes
  assert.is(await learned(), accuracy)
  assert.is(device.backend.heldBytes, held)
  device.close()
})

for (const name of ['cue', 'order', 'add', 'mqar', 'copy', 'selective-copy', 'parity', 's3', 'listops'] as const)
  test(`a bag of tokens gets of ${name} what the task tells`, async () => {
    const device = await devices['wasm relaxed']()
    const task = await tasks[name]()
    const model = new BagOfTokens(device, { vocabulary: task.vocabulary, classes: task.classes })
    for await (const event of train(model, task, { steps: 500, rate: 0.01 })) assert.ok(event)
    const { accuracy } = await evaluate(model, task.test)
    assert.ok(Math.abs(accuracy - abouts[name].bag!) < 0.04, `${accuracy}, told ${abouts[name].bag}`)
    device.close()
  })

test.run()
