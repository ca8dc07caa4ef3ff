import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BagOfTokens } from '../../src/baselines/bag-of-tokens.ts'
import { abouts, tasks } from '../../src/tasks/index.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'

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
