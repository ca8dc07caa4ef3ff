import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ModelConfig } from '../../src/rmaat/config.ts'
import { devices } from '../support/devices.ts'
import { gradients, tiny } from '../support/model.ts'
import { runs } from '../support/runs.ts'

const updates = ['scaled', 'additive', 'mix', 'split', 'reset'] as const
const schedules = ['fixed', 'stretched', 'none', 'infinite', 'running'] as const
const attentions = ['astro', 'linear', 'softmax'] as const

const cases: Partial<ModelConfig>[] = []
for (const segments of [1, 2, 5, 16]) {
  for (const loss of ['last', 'all'] as const) {
    updates.forEach((update, i) => {
      const turn = cases.length
      cases.push({
        segments,
        loss,
        update,
        retention: schedules[(i + turn) % schedules.length],
        attention: attentions[turn % attentions.length],
        norm: turn % 2 ? 'pre' : 'post',
        dropout: 0.2,
      })
    })
  }
}

/** Each update, and both losses. */
const some = cases.filter(({ segments }, i) => segments! <= 5 && i % 7 === 0)

/** Largest difference of each tensor over its largest element; 0 where both are zero. */
function worst(
  found: Record<string, ArrayLike<number>>,
  expected: Record<string, ArrayLike<number>>,
): [string, number] {
  let result: [string, number] = ['', 0]
  assert.equal(Object.keys(found).sort(), Object.keys(expected).sort())
  // dL/dm_t fades with the segments: all of them together are one tensor [T, B, M, d]
  const largestMemory = Math.max(
    ...Object.entries(expected).flatMap(([name, x]) => (/^memory \d/.test(name) ? Array.from(x, Math.abs) : [0])),
  )
  for (const [name, values] of Object.entries(expected)) {
    const largest = /^memory \d/.test(name)
      ? largestMemory
      : Array.from(values).reduce((m, x) => Math.max(m, Math.abs(x)), 0)
    let difference = 0
    for (let i = 0; i < values.length; i++) difference = Math.max(difference, Math.abs(found[name][i] - values[i]))
    const error = difference === 0 ? 0 : difference / largest
    if (!(error <= result[1])) result = [name, error]
  }
  return result
}

for (const [name, open] of Object.entries(devices)) {
  test(`replay's gradients are those of the unrolled model on ${name}`, async () => {
    const device = await open()
    for (const config of runs(cases.length, name) < cases.length ? some : cases) {
      const replayed = await gradients(device, { ...tiny, ...config }, 'amrb')
      const unrolled = await gradients(device, { ...tiny, ...config }, 'bptt')
      const [tensor, error] = worst(replayed, unrolled)
      const allowed = { reference: 1e-12, wasm: 5e-6, webgpu: 5e-5 }[device.name]!
      assert.ok(error <= allowed, `${tensor} differs by ${error} with ${JSON.stringify(config)}`)
      assert.ok(Array.from(unrolled.embed).some((x) => x !== 0))
    }
    device.close()
  })
}

test.run()
