import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { tolerances, verify } from '../../src/train/verify.ts'
import { deviceNames, devices, testOn } from '../support/devices.ts'
import { golden, goldenFiles } from '../support/golden.ts'
import { isNode, isSlow } from '../support/runs.ts'

/** Two attentions, two memory updates, both norms and both losses. */
const few = ['astro', 'loss-all', 'pre-split-stretched', 'softmax'].map((name) => `${name}.safetensors`)

for (const name of deviceNames) {
  for (const file of isNode || !isSlow(name) ? goldenFiles : few) {
    testOn(name)(`${file} on ${name}: logits, loss and every gradient, by replay and unrolled`, async () => {
      const device = await devices[name]()
      const checks = await verify(device, await golden(file))
      device.close()
      assert.ok(checks.length > 40 || file === 'macro.safetensors')
      const worst = checks.reduce((a, b) => (b.error > a.error || Number.isNaN(b.error) ? b : a))
      assert.ok(worst.error <= tolerances[device.name], `${worst.tensor} by ${worst.method} is off by ${worst.error}`)
    })
  }
}

test.run()
