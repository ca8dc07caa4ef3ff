import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { models } from '../../src/models/index.ts'
import { constant } from '../../src/ops/entry.ts'
import { compile } from '../../src/program/program.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

const { segmentLength, vocabulary, classes, seed } = tiny
const sizes = { segments: 2, segmentLength, vocabulary, classes, seed, width: 64, layers: 1 }

for (const name of ['rmaat', 'transformer', 'lru'] as const) {
  test(`${name}: dropout takes parts of what the head reads, while training`, async () => {
    const device = await devices.reference()
    const kind = models[name]
    const model = kind.make(device, kind.configure({ ...sizes, dropout: 0.5 }))
    const { inputs, values } = model.layout(1)
    const { tensor } = model.parameters.named.find(({ name }) => name === 'head1.w')!
    const [training, testing] = [constant(3, 'i32'), undefined].map((step) =>
      compile(device, inputs, (batch) => grad(model.forward(batch, { method: 'bptt', step }).loss, [tensor])[0]),
    )
    const batch = values([{ tokens: [1, 2, 3, 4, 5, 6, 5, 4], label: 1 }])
    // a row of this gradient is an element that the head reads, times what comes back
    const unread = async (program: typeof training): Promise<number> => {
      const gradient = await program.arrays(batch)
      const rows = Array.from({ length: 64 }, (_, row) => gradient.slice(row * 64, (row + 1) * 64))
      return rows.filter((row) => row.every((x) => x === 0)).length
    }
    const found = await unread(training)
    assert.ok(found >= 16 && found <= 48, `${found} of 64 are dropped`)
    assert.is(await unread(testing), 0)
    device.close()
  })
}

test('a model is made of settings or of what was made of them, and is what its name says', async () => {
  const device = await devices.reference()
  for (const [name, kind] of Object.entries(models)) {
    for (const causal of 'causal' in kind.settings ? [false, true] : [undefined]) {
      const given = Object.fromEntries(Object.entries({ ...sizes, causal }).filter(([key]) => key in kind.settings))
      const config = kind.configure(given)
      for (const made of [given, config]) assert.equal(kind.make(device, made).config, config, name)
    }
  }
  assert.is(models.rmt.make(device, sizes).config.attention, 'softmax')
  await fails('config', /^attention is no setting of the model rmt$/, () =>
    models.rmt.make(device, { ...sizes, attention: 'astro' }),
  )
  device.close()
})

test.run()
