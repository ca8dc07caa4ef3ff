import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { tensor } from '../../src/ops/entry.ts'
import { randomBits, randomNormal, randomUniform } from '../../src/ops/random.ts'
import { read } from '../../src/program/program.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const source = { seed: 7, site: 11, step: 3 }

for (const [name, open] of Object.entries(held)) {
  test(`${name}: normal numbers are those of their uniform ones, also in a part of them`, async () => {
    const device = await open()
    const [uniform, found, part] = await read(
      device,
      randomUniform([300, 2], source),
      randomNormal([300], source),
      randomNormal([10, 7], { ...source, firstElement: 130 }),
    )
    const expected = Array.from({ length: 300 }, (_, i) => {
      const [radius, angle] = [uniform[2 * i] + 2 ** -26, uniform[2 * i + 1]]
      return Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle)
    })
    assert.ok(relativeError(found, expected) < 2e-6)
    assert.ok(relativeError(part, found.slice(130, 200)) < 1e-6)
    device.close()
  })
}

test('many of them have the moments and the tails of a normal distribution', async () => {
  const device = await devices['wasm relaxed']()
  const count = 200_000
  const values = Array.from((await read(device, randomNormal([count], source)))[0])
  const moment = (k: number): number => values.reduce((sum, x) => sum + x ** k, 0) / count
  for (const [k, expected, deviation] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ] as const)
    assert.ok(Math.abs(moment(k) - expected) < 4 * Math.sqrt(deviation / count), `moment ${k} is ${moment(k)}`)
  for (const [beyond, share] of [
    [1, 0.31731],
    [2, 0.0455],
    [3, 0.0027],
  ] as const) {
    const found = values.filter((x) => Math.abs(x) > beyond).length / count
    assert.ok(Math.abs(found - share) < 4 * Math.sqrt(share / count), `${found} beyond ${beyond}`)
  }
  device.close()
})

test('what is wrong with a source names the function that was called', async () => {
  for (const [name, make] of Object.entries({ randomBits, randomUniform, randomNormal })) {
    await fails('config', new RegExp(`^${name}: seed is undefined; expected`), () => make([2], {} as never))
    await fails('shape', new RegExp(`^${name}: sizes must be`), () => make(2 as never, source))
    await fails('dtype', new RegExp(`^${name}: step: expected i32, found f32`), () =>
      make([2], { ...source, step: tensor([1], []) }),
    )
    await fails('shape', new RegExp(`^${name}: segment, step and firstElement make`), () =>
      make([2], { ...source, step: tensor([1, 2, 3, 4], [2, 1, 2], 'i32') }),
    )
  }
})

test.run()
