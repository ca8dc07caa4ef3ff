import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { models } from '../../src/models/index.ts'
import { tasks } from '../../src/tasks/index.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'

const path = fileURLToPath(new URL('../../README.md', import.meta.url))

for (const [name, own] of [
  ['rmaat', { norm: 'pre' }],
  ['gla', {}],
] as const)
  test(`${name} learns more of a text than how frequent its bytes are`, async () => {
    const device = await devices['wasm relaxed']()
    const task = await tasks.bytes({ path, segments: 2, segmentLength: 64 })
    const { segments, segmentLength, vocabulary, classes } = task
    const sizes = {
      segments,
      segmentLength,
      vocabulary,
      classes,
      width: 32,
      features: 8,
      layers: 1,
      causal: true,
      ...own,
    }
    const model = models[name].make(device, models[name].configure(sizes))
    for await (const event of train(model, task, { steps: 150, batch: 8, rate: 1e-2 })) assert.ok(event)
    const { loss } = await evaluate(model, task.test)
    const unigram = Number(/([\d.]+) by how frequent/.exec(task.notes![1])![1])
    assert.ok(loss / Math.LN2 < unigram - 0.3, `${loss / Math.LN2} bits per byte, ${unigram} by frequency`)
    device.close()
  })

test.run()
