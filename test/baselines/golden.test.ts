import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { models } from '../../src/models/index.ts'
import { layoutOf } from '../../src/nn/model.ts'
import { readSafetensors } from '../../src/nn/safetensors.ts'
import { madeWith } from '../../src/nn/weights.ts'
import { compile } from '../../src/program/program.ts'
import { devices, relativeError } from '../support/devices.ts'
import { golden, relatives } from '../support/golden.ts'

/** Values of scripts/relatives.py. */
for (const name of relatives) {
  test(`${name} computes what an independent formula does, by either method`, async () => {
    const { tensors, metadata } = readSafetensors(await golden(`${name}.safetensors`))
    const valuesOf = (tensor: string) => tensors.get(tensor)!.data
    const kind = models[name.replace('-causal', '')]
    const config = kind.configure(JSON.parse(metadata.config))
    const lengths = Array.from(valuesOf('lengths'))
    const size = valuesOf('tokens').length / lengths.length
    const examples = lengths.map((length, row) => {
      const of = (tensor: string) => Array.from(valuesOf(tensor)).slice((row + 1) * size - length, (row + 1) * size)
      const label = valuesOf('labels')[config.causal ? (row + 1) * size - 1 : row]
      return { tokens: of('tokens'), label, ...(config.causal ? { labels: of('labels') } : {}) }
    })
    // padding has logits, which say nothing
    const told = (tensor: string, values: ArrayLike<number>): ArrayLike<number> => {
      if (!config.causal || tensor !== 'logits') return values
      const perToken = values.length / (size * lengths.length)
      return Array.from(values).filter((_, i) => {
        const token = Math.floor(i / perToken)
        return token % size >= size - lengths[Math.floor(token / size)]
      })
    }
    for (const [open, tolerance] of [
      [devices.reference, 1e-11],
      [devices['wasm simd'], 2e-5],
    ] as const) {
      const device = await open()
      const model = madeWith(kind.parameters(config), tensors, 'weight.', () => kind.make(device, config))
      const layout = layoutOf(model, lengths.length)
      for (const method of ['bptt', 'amrb'] as const) {
        const program = compile(device, layout.inputs, (inputs) => {
          const { loss, predicted } = model.forward(inputs, { method })
          const gradients = grad(loss, model.parameters.list)
          const named = model.parameters.named.map(({ name }, i) => [`grad.${name}`, gradients[i]] as const)
          return { loss, logits: predicted, ...Object.fromEntries(named) }
        })
        const results: Readonly<Record<string, ArrayLike<number>>> = await program.arrays(layout.values(examples))
        assert.is(Object.keys(results).length, model.parameters.named.length + 2)
        for (const [key, found] of Object.entries(results)) {
          const expected = told(key, valuesOf(key))
          if (Array.from(expected).every((x) => Math.abs(x) < 1e-15)) continue
          const error = relativeError(told(key, found), expected)
          assert.ok(error < tolerance, `${device.name}, ${method}: ${key} is off by ${error}`)
        }
        program.close()
      }
      device.close()
    }
  })
}

test.run()
