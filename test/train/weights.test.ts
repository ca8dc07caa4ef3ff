import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { readSafetensors, writeSafetensors } from '../../src/train/safetensors.ts'
import { load, save } from '../../src/train/weights.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

const device = await openDevice('reference')
const model = new Rmaat(device, { ...tiny, alpha: 0.5 })
const beside = { task: { value: 'order', source: 'choice', meaning: 'what is learned' } } as const
const file = await save(model, beside, '1.2.3')
const before = device.backend.heldBytes

test('a file holds every parameter under its name, and the whole configuration', () => {
  const { tensors, metadata } = readSafetensors(file)
  assert.equal([...tensors.keys()].sort(), model.parameters.named.map(({ name }) => name).sort())
  assert.equal(tensors.get('blocks.0.norm1.gain')!.shape, [8])
  assert.ok([...tensors.values()].every(({ dtype }) => dtype === 'F32'))
  const configuration = JSON.parse(metadata.configuration)
  assert.is(metadata.rmaat, '1.2.3')
  assert.equal(configuration.task, beside.task)
  assert.is(configuration.alpha.value, 0.5)
  assert.is(configuration.alpha.source, 'choice')
  assert.is(configuration.attention.source, 'paper')
})

test('what is saved is loaded again, to the last bit of float32', async () => {
  const { model: loaded, configuration } = load(device, file)
  assert.equal(loaded.config, model.config)
  assert.is(configuration.task.value, 'order')
  const values = await device.readVariable(loaded.parameters.variable)
  assert.equal([...values], [...(await device.readVariable(model.parameters.variable))].map(Math.fround))
  loaded.close()
})

/** The file with its configuration or its tensors changed. */
function changed(
  edit: (
    configuration: Record<string, { value: unknown }>,
    tensors: ReturnType<typeof readSafetensors>['tensors'],
  ) => void,
): Uint8Array {
  const { tensors, metadata } = readSafetensors(file)
  const configuration = JSON.parse(metadata.configuration)
  edit(configuration, tensors)
  return writeSafetensors(tensors, { ...metadata, configuration: JSON.stringify(configuration) })
}

const { tensors } = readSafetensors(file)
const bad: Record<string, [Uint8Array, RegExp]> = {
  'a truncated file': [file.subarray(0, -8), /^mine: safetensors: .* expected data for the whole tensor$/],
  'another kind of file': [new TextEncoder().encode('just some text'), /^mine: safetensors: .*not a safetensors file$/],
  'no configuration': [writeSafetensors(tensors), /^mine: the metadata holds no 'configuration'/],
  'a foreign configuration': [
    writeSafetensors(tensors, { configuration: '{"hidden_size": 64}' }),
    /^mine: the metadata's 'configuration' is not one that/,
  ],
  'a setting missing': [
    changed((configuration) => {
      delete configuration.width
    }),
    /^mine: the configuration has no width$/,
  ],
  'a setting out of its range': [
    changed((configuration) => {
      configuration.alpha.value = 2
    }),
    /^mine: alpha is 2: /,
  ],
  'another size': [
    changed((configuration) => {
      configuration.features.value = 6
    }),
    /^mine: "blocks\.0\.wq" is \[8, 8\] in the file, \[8, 12\] in the model$/,
  ],
  'a tensor missing': [
    changed((_, tensors) => void tensors.delete('head1.w')),
    /^mine: the file has no tensor "head1\.w"$/,
  ],
  'a tensor too many': [
    changed((_, tensors) => void tensors.set('extra', tensors.get('head1.w')!)),
    /^mine: the model has no place for "extra"$/,
  ],
}

for (const [what, [bytes, message]] of Object.entries(bad)) {
  test(`${what} is one error, and nothing stays on the device`, async () => {
    await fails('data', message, () => load(device, bytes, 'mine'))
    assert.is(device.backend.heldBytes, before)
  })
}

test.run()
