import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BagOfTokens } from '../../src/baselines/bag-of-tokens.ts'
import { tasks } from '../../src/tasks/index.ts'
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

test.run()
