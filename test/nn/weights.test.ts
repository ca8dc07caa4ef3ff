import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { init } from '../../src/nn/init.ts'
import { linearParameters } from '../../src/nn/linear.ts'
import { Parameters, parameter } from '../../src/nn/parameters.ts'
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/nn/safetensors.ts'
import { loadParameters, saveParameters } from '../../src/nn/weights.ts'
import type { Device } from '../../src/program/device.ts'
import { devices, held } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const tree = { layers: [linearParameters(2, 3), linearParameters(3, 1)], scale: parameter([], init.ones()) }
const names = ['layers.0.w', 'layers.0.b', 'layers.1.w', 'layers.1.b', 'scale']
const make = (device: Device, seed: number) => new Parameters(device, tree, seed)
const valuesOf = async ({ device, variable }: { device: Device; variable: Parameters<typeof tree>['variable'] }) => [
  ...(await device.readVariable(variable)),
]
const F32 = (shape: readonly number[], ...values: number[]): StoredTensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(values),
})

for (const [name, open] of Object.entries(held)) {
  test(`parameters on ${name} are saved under their paths, and loaded into others`, async () => {
    const device = await open()
    const [one, other] = [make(device, 1), make(device, 2)]
    const bytes = await saveParameters(one, { of: 'a test' })
    const { tensors, metadata } = readSafetensors(bytes)
    assert.equal([...tensors.keys()].sort(), [...names].sort())
    assert.equal(tensors.get('layers.0.w')!.shape, [2, 3])
    assert.match(metadata.checksum, /^[0-9a-f]{8}$/)
    assert.equal(metadata, { of: 'a test', checksum: metadata.checksum })
    const [before, expected] = [await valuesOf(other), (await valuesOf(one)).map(Math.fround)]
    assert.not.equal(before, expected)
    assert.equal(await loadParameters(other, bytes), { loaded: names, missing: [], surplus: [] })
    assert.equal(await valuesOf(other), expected)
    const flipped = bytes.slice()
    flipped[flipped.length - 3] ^= 1
    await fails(
      'data',
      /^the file is damaged: its checksum is "\w{8}", that of what it holds "\w{8}"; without one/,
      () => loadParameters(other, flipped),
    )
    // of another kind, it is not ours to check
    const foreign = writeSafetensors(tensors, { checksum: 'sha256:00' })
    assert.equal((await loadParameters(other, foreign)).loaded, names)
    device.close()
  })
}

test('parameters are loaded partly where that is asked for, under a prefix, and from any floating type', async () => {
  const device = await devices.reference()
  const parameters = make(device, 1)
  const before = await valuesOf(parameters)
  const file = new Map<string, StoredTensor>([
    ['old.layers.1.w', { dtype: 'F64', shape: [3, 1], data: Float64Array.of(0.1, 0.2, 0.3) }],
    ['old.scale', F32([], 7)],
    ['old.head', F32([1], 8)],
    ['layers.0.w', F32([2, 3], 1, 2, 3, 4, 5, 6)],
  ])
  const found = await loadParameters(parameters, file, { prefix: 'old.', partly: true })
  assert.equal(found, {
    loaded: ['layers.1.w', 'scale'],
    missing: ['layers.0.w', 'layers.0.b', 'layers.1.b'],
    surplus: ['old.head'],
  })
  const after = await valuesOf(parameters)
  const places = Object.fromEntries(parameters.named.map(({ name, offset }) => [name, offset]))
  const expected = [...before]
  expected.splice(places['layers.1.w'], 3, 0.1, 0.2, 0.3)
  expected[places.scale] = 7
  assert.equal(after, expected)
  device.close()
})

test('what does not fit is one error, and no parameter changes', async () => {
  const device = await devices.reference()
  const parameters = make(device, 1)
  const before = await valuesOf(parameters)
  const right = readSafetensors(await saveParameters(make(device, 2))).tensors
  const scale = (tensor: StoredTensor) => new Map([...right, ['scale', tensor]])
  const without = new Map([...right].filter(([name]) => name !== 'layers.0.b'))
  for (const [tensors, message, options] of [
    [without, /the file has no tensor "layers\.0\.b"/],
    [new Map([...right, ['extra', F32([], 1)]]), /the model has no place for "extra"/],
    [scale(F32([1], 1)), /"scale" is \[1\] in the file, \[\] in the model/, { partly: true }],
    [
      scale({ dtype: 'I32', shape: [], data: Int32Array.of(1) }),
      /"scale" is of whole numbers in the file/,
      { partly: true },
    ],
  ] as const) {
    for (const file of [tensors, writeSafetensors(tensors)])
      await fails('data', message, () => loadParameters(parameters, file, options))
  }
  const huge = scale({ dtype: 'F64', shape: [], data: Float64Array.of(1e300) })
  await fails('diverged', /"scale" is 1e\+300 at element 0/, () => loadParameters(parameters, huge, { partly: true }))
  assert.equal(await valuesOf(parameters), before)
  device.write(parameters.variable, new Float64Array(parameters.count).fill(Number.NaN))
  await fails('diverged', /the parameter layers\.0\.w is NaN at element 0/, () => saveParameters(parameters))
  device.close()
})

test.run()
