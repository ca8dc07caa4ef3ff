import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { devices } from '../support/devices.ts'
import { learnCharacters } from './characters.ts'
import { returning } from './recurrent.ts'
import { learnSpirals } from './spirals.ts'

// whose bits are the same on every machine
const open = devices['wasm simd']

test('a network learns which spiral a point lies on', async () => {
  const device = await open()
  const seen = await learnSpirals(device, 300)
  assert.ok(seen[0].right < 0.7, `${seen[0].right} are right before`)
  assert.ok(seen[299].right > 0.98, `${seen[299].right} are right`)
  device.close()
})

test('a causal transformer learns a text, and goes on with it', async () => {
  const device = await open()
  const { losses, text } = await learnCharacters(device, 250, 30)
  assert.ok(losses[0] > 2.5, `${losses[0]} at first`)
  assert.ok(losses[249] < 0.25, `${losses[249]} at the end`)
  assert.match(text, /^the sun is up, the sea is calm, the wind is low\. the sun goes/)
  device.close()
})

test('a recurrent cell learns to remember, and its replayed gradient is the unrolled one, bit for bit', async () => {
  for (const name of ['reference', 'wasm simd']) {
    const device = await devices[name]()
    const [replayed, unrolled] = [returning(device, false), returning(device, true)]
    for (let i = 0; i < 3; i++) {
      const [one, other] = [await replayed(), await unrolled()]
      assert.is(one.loss, other.loss)
      const [bits, expected] = [one.gradient, other.gradient].map(({ buffer }) => [...new Uint8Array(buffer)])
      assert.equal(bits, expected, `step ${i} on ${name}`)
      assert.ok(one.gradient.some((x: number) => x !== 0))
    }
    if (name !== 'reference') {
      let loss = 1
      for (let i = 0; i < 100; i++) ({ loss } = await replayed())
      assert.ok(loss < 0.01, `${loss}`)
    }
    device.close()
  }
})

test.run()
