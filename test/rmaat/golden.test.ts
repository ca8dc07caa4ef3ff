import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../src/nn/safetensors.ts'
import { tolerances, verify } from '../../src/rmaat/golden.ts'
import { deviceNames, devices, testOn } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { golden, goldenFiles } from '../support/golden.ts'
import { isNode } from '../support/runtime.ts'

/** Two attentions, two memory updates, both norms and both losses: enough where Node has computed all with the same code. */
const few = ['astro', 'loss-all', 'pre-split-stretched', 'softmax'].map((name) => `${name}.safetensors`)

for (const name of deviceNames) {
  for (const file of isNode ? goldenFiles.filter((file) => file.endsWith('.safetensors')) : few) {
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

test('what the metadata claims is held against the tensors before it is computed', async () => {
  const device = await devices.reference()
  const { tensors, metadata } = readSafetensors(await golden('astro.safetensors'))
  const claims: [Record<string, string>, RegExp][] = [
    [{ segments: '60000' }, /^'tokens' is \[5, 3, 12\] in the file: expected \[5, 60000, 12\]$/],
    [{ layers: '1000' }, /^the file has no tensor "weight\.blocks\.\d+\..* and \d+ more$/],
    [{ classes: '65536' }, /in the file, \[16, 65536\] in the model$/],
  ]
  for (const [claim, message] of claims) {
    await fails('data', message, () => verify(device, writeSafetensors(tensors, { ...metadata, ...claim })))
  }
  assert.is(device.backend.heldBytes, 0)
  device.close()
})

test.run()
