import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { tasks } from '../../src/tasks/index.ts'
import { majority } from '../../src/tasks/task.ts'
import { bagOfTokens } from '../../src/train/bag-of-tokens.ts'
import { devices } from '../support/devices.ts'

test('a bag of tokens knows something of ListOps, and nothing stays on the device', async () => {
  const device = await devices['wasm relaxed']()
  const task = await tasks.listops({ segments: 4, segmentLength: 12 })
  const accuracy = await bagOfTokens(device, task, 300)
  assert.ok(accuracy > majority(task.test, task.classes).share + 0.08, `${accuracy}`)
  const held = device.backend.heldBytes
  assert.is(await bagOfTokens(device, task, 300), accuracy)
  assert.is(device.backend.heldBytes, held)
  device.close()
})

test.run()
