import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { load, save } from '../../src/models/weights.ts'
import { readSafetensors, writeSafetensors } from '../../src/nn/safetensors.ts'
import { writeSigned } from '../../src/nn/signature.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
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
  return writeSigned(tensors, { ...metadata, configuration: JSON.stringify(configuration) })
}

test('a file of an earlier version has fewer settings, and the others their defaults', async () => {
  const earlier = changed((configuration) => {
    for (const key of ['norm', 'dropout', 'seed']) delete configuration[key]
    configuration.patience = { value: 3, source: 'choice', meaning: 'of a trainer' } as { value: unknown }
  })
  const { model: loaded, configuration } = load(device, earlier)
  assert.is(loaded.config.norm, 'post')
  assert.is(loaded.config.seed, 0)
  assert.is(loaded.config.alpha, 0.5)
  assert.not('norm' in configuration)
  assert.is(configuration.patience.value, 3)
  loaded.close()
})

test('weights that are not finite are not saved', async () => {
  const diverged = new Rmaat(device, tiny)
  const { variable, named } = diverged.parameters
  const { name, offset } = named[3]
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY, 1e39]) {
    const values = Float64Array.from(await device.readVariable(variable))
    values[offset + 2] = bad
    device.write(variable, values)
    await fails('diverged', new RegExp(`^save: the parameter ${name} is .* at element 2: expected finite`), () =>
      save(diverged),
    )
  }
  diverged.close()
})

test('settings that no JSON can hold are not saved', async () => {
  let deep: unknown = 1
  for (let i = 0; i < 1e5; i++) deep = [deep]
  for (const value of [deep, () => 1, Number.NaN, 1n]) {
    await fails('argument', /^saveWeights: beside is an object; expected settings by name, each .* of JSON$/, () =>
      save(model, { patience: { value, source: 'choice', meaning: 'how long to wait' } }),
    )
  }
})

const { tensors } = readSafetensors(file)
const bad: Record<string, [Uint8Array, RegExp]> = {
  'a truncated file': [file.subarray(0, -8), /^mine: safetensors: .* expected data for the whole tensor$/],
  'another kind of file': [new TextEncoder().encode('just some text'), /^mine: safetensors: .*not a safetensors file$/],
  'no configuration': [
    writeSafetensors(tensors),
    /^mine: the metadata holds no 'configuration'; expected a file of saveWeights or .*: loadParameters\)$/,
  ],
  'a foreign configuration': [
    writeSafetensors(tensors, { configuration: '{"hidden_size": 64}' }),
    /^mine: the metadata's 'configuration' is not one that/,
  ],
  'a setting that is null': [
    changed((configuration) => {
      configuration.alpha.value = null
    }),
    /^mine: model: alpha is null; /,
  ],
  'a setting nested without end': [
    writeSafetensors(tensors, {
      configuration: `{"alpha":{"value":${'['.repeat(1e5)}${']'.repeat(1e5)},"source":"choice","meaning":""}}`,
    }),
    /^mine: model: alpha is \[\[\[…\]\]\]; /,
  ],
  'more classes than the file has weights for': [
    changed((configuration) => {
      configuration.classes.value = 65536
    }),
    /^mine: "head2\.w" is \[8, 3\] in the file, \[8, 65536\] in the model$/,
  ],
  'more blocks than the file has weights for': [
    changed((configuration) => {
      configuration.layers.value = 1000
    }),
    /^mine: the file has no tensor "blocks\.1\.\w+", .* and \d+ more$/,
  ],
  'sizes that nothing could hold': [
    changed((configuration) => {
      configuration.layers.value = 1e6
    }),
    /^mine: model: layers is 1000000; .*to 1000$/,
  ],
  'whole numbers for weights': [
    changed((_, tensors) => void tensors.set('head2.b', { dtype: 'I32', shape: [3], data: Int32Array.of(1, 2, 3) })),
    /^mine: "head2\.b" is of whole numbers in the file: expected F64, F32, F16 or BF16$/,
  ],
  'a weight that is no number': [
    changed(
      (_, tensors) => void tensors.set('head2.b', { dtype: 'F32', shape: [3], data: Float32Array.of(1, NaN, 3) }),
    ),
    /^mine: "head2\.b" is NaN at element 1: expected finite numbers of float32$/,
  ],
  'a weight beyond float32': [
    changed(
      (_, tensors) => void tensors.set('head2.b', { dtype: 'F64', shape: [3], data: Float64Array.of(1, 2, 1e39) }),
    ),
    /^mine: "head2\.b" is 1e\+39 at element 2: expected finite/,
  ],
  'a tensor under another name': [
    changed((_, tensors) => {
      tensors.set('head\u001b[1m', tensors.get('head1.w')!)
      tensors.delete('head1.w')
    }),
    /^mine: the file has no tensor "head1\.w"; the model has no place for "head\\u001b\[1m"$/,
  ],
  'a setting out of its range': [
    changed((configuration) => {
      configuration.alpha.value = 2
    }),
    /^mine: model: alpha is 2; /,
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
