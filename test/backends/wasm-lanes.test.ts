import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile, f32 } from '../../src/engine.ts'
import { devices } from '../support/devices.ts'

test('a kernel goes over more lanes than 31 bits count', async () => {
  const [rows, width] = [728, 4096]
  assert.ok(rows * rows * width > 2 ** 31)
  const device = await devices['wasm relaxed']()
  const program = compile(device, { x: f32(rows, 1, width), y: f32(1, rows, width) }, ({ x, y }) => ({
    distances: x.sub(y).square().sum(-1),
  }))
  const numbers = (from: number): Float32Array =>
    Float32Array.from({ length: rows * width }, (_, i) => ((from + 7 * i + Math.floor(i / width)) % 23) - 11)
  const [x, y] = [numbers(1), numbers(5)]
  const { distances } = await program.arrays({ x, y })
  device.close()
  const distance = (i: number, j: number): number => {
    let sum = 0
    for (let k = 0; k < width; k++) sum += (x[i * width + k] - y[j * width + k]) ** 2
    return sum
  }
  // whole numbers, so that sums are exact: at the begin, in the middle, and behind lane 2^31
  for (const i of [0, 1, 363, 364, 719, 720, 721, 726, 727])
    for (const j of [0, 1, 500, 726, 727]) assert.is(distances[i * rows + j], distance(i, j), `row ${i}, column ${j}`)
})

test.run()
