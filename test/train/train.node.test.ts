import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Rmaat } from '../../src/rmaat/model.ts'
import { tasks } from '../../src/tasks/index.ts'
import { train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { tiny } from '../support/model.ts'

test('ten thousand steps hold no more memory than a hundred', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const task = tasks.cue({ segments: 2, segmentLength: 4 })
  const device = await devices['wasm relaxed']()
  const model = new Rmaat(device, { ...tiny, segments: 2, vocabulary: task.vocabulary, classes: task.classes })
  const heap: number[] = []
  let held = 0
  for await (const event of train(model, task, { steps: 10_000, batch: 2 })) {
    if (event.kind !== 'step' || ![200, 5000, 10_000].includes(event.step)) continue
    if (event.step === 200) held = device.backend.heldBytes
    assert.is(device.backend.heldBytes, held)
    collect()
    heap.push(process.memoryUsage().heapUsed)
  }
  // the trainer keeps one number a step, for the median
  assert.ok(heap[2] - heap[0] < 2 ** 20, `the heap went from ${heap[0]} to ${heap[2]} bytes`)
  device.close()
})

test.run()
