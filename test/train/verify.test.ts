import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { tolerances, verify } from '../../src/train/verify.ts'
import { devices } from '../support/devices.ts'

const folder = new URL('../golden/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'))

test('there are golden files', () => {
  assert.is(files.length, 12)
})

for (const file of files) {
  for (const [name, open] of Object.entries(devices)) {
    test(`${file} on ${name}: logits, loss and every gradient, by replay and unrolled`, async () => {
      const device = await open()
      const checks = await verify(device, readFileSync(new URL(file, folder)))
      device.close()
      assert.ok(checks.length > 40 || file === 'macro.safetensors')
      const worst = checks.reduce((a, b) => (b.error > a.error || Number.isNaN(b.error) ? b : a))
      assert.ok(worst.error <= tolerances[device.name], `${worst.tensor} by ${worst.method} is off by ${worst.error}`)
    })
  }
}

test.run()
