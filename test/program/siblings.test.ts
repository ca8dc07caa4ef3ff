import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../src/ops/methods.ts'
import { concat } from '../../src/ops/views.ts'
import { describe } from '../../src/program/listing.ts'
import type { Plan } from '../../src/program/plan.ts'
import { compile, f32, plan } from '../../src/program/program.ts'
import { overlap, rangeOf } from '../../src/program/ranges.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held, relativeError } from '../support/devices.ts'

const [ROWS, WIDTH] = [5, 8]
const inputs = { x: f32(ROWS, WIDTH), w: f32(3, WIDTH, WIDTH) }
type Given = { readonly x: Tensor; readonly w: Tensor }
const piece = ({ w }: Given, i: number): Tensor => w.slice([i, 0, 0], [1, WIDTH, WIDTH]).reshape([WIDTH, WIDTH])
const linesOf = ({ instructions }: Plan): string[] => instructions.map(describe)

/** Queries, keys and values, with something between them. */
const three = (given: Given) => {
  const [q, k, v] = [0, 1, 2].map((i) => given.x.matmul(piece(given, i)))
  return { q, scaled: q.exp().sum(-1), k, v }
}

test('products that share an operand are one, if what stands between has nothing to do with them', async () => {
  const device = await devices.reference()
  const products = (made: Plan): string[] => linesOf(made).filter((line) => line.startsWith('matmul'))
  assert.equal(products(plan(device, inputs, three)), ['matmul 5 x 8 x 24'])
  // other rows by the same columns
  const rows = (given: Given) => ({
    first: piece(given, 0).matmul(piece(given, 1)),
    second: piece(given, 2).matmul(piece(given, 1)),
  })
  assert.equal(products(plan(device, inputs, rows)), ['matmul 16 x 8 x 8'])
  // nothing shared: a batch
  const pairs = (given: Given) => ({
    first: piece(given, 0).matmul(piece(given, 1)),
    second: piece(given, 1).matmul(piece(given, 2)),
  })
  assert.equal(products(plan(device, inputs, pairs)), ['matmul 2 of 8 x 8 x 8'])
  device.close()
})

test('sums whose results are neighbours are one', async () => {
  const device = await devices.reference()
  const sums = ({ x, w }: Given) => {
    const [a, b] = [0, 1].map((i) => x.matmul(piece({ x, w }, i)))
    return { a, b, both: concat([a.sum(0), b.sum(0)], 0) }
  }
  assert.ok(linesOf(plan(device, inputs, sums)).includes('sum 16 over 5'))
  device.close()
})

test('a product of another one is not joined to it', async () => {
  const device = await devices.reference()
  const chain = (given: Given) => {
    let x = piece(given, 0)
    for (let i = 0; i < 4; i++) x = x.matmul(piece(given, 1))
    return { x }
  }
  assert.equal(linesOf(plan(device, inputs, chain)), Array(4).fill('matmul 8 x 8 x 8'))
  device.close()
})

/** Products that are added to what is in memory for another one, and to each other. */
const added = (given: Given) => {
  const [x, y] = [given.x.exp(), given.x.sin()]
  const read = x.matmul(piece(given, 0))
  return { read, sum: x.add(y.matmul(piece(given, 1))), both: read.add(y.matmul(piece(given, 2))) }
}

for (const [name, open] of Object.entries(held))
  test(`what is added up is what it was, on ${name}`, async () => {
    const device = await open()
    const reference = await devices.reference()
    const values = {
      x: Float32Array.from({ length: ROWS * WIDTH }, (_, i) => Math.sin(i)),
      w: Float32Array.from({ length: 3 * WIDTH * WIDTH }, (_, i) => Math.cos(3 * i)),
    }
    const found = await compile(device, inputs, added).arrays(values)
    const expected = await compile(reference, inputs, (given) => ({
      read: added(given).read,
      sum: added(given).sum.mul(1),
      both: given.x.sin().matmul(piece(given, 2)).mul(1).add(added(given).read.mul(1)),
    })).arrays(values)
    for (const key of ['read', 'sum', 'both'] as const)
      assert.ok(relativeError(found[key], expected[key] as ArrayLike<number>) < 1e-6, key)
    reference.close()
    device.close()
  })

for (const [name, open] of Object.entries(held))
  test(`what is joined is what it was, on ${name}`, async () => {
    const device = await open()
    const values = {
      x: Float32Array.from({ length: ROWS * WIDTH }, (_, i) => Math.sin(i)),
      w: Float32Array.from({ length: 3 * WIDTH * WIDTH }, (_, i) => Math.cos(3 * i)),
    }
    const program = compile(device, inputs, three)
    const found = await program.arrays(values)
    const expected = (at: number): number[] =>
      Array.from({ length: ROWS * WIDTH }, (_, i) => {
        const [row, column] = [Math.floor(i / WIDTH), i % WIDTH]
        let sum = 0
        for (let k = 0; k < WIDTH; k++)
          sum += values.x[row * WIDTH + k] * values.w[at * WIDTH * WIDTH + k * WIDTH + column]
        return sum
      })
    for (const [at, key] of (['q', 'k', 'v'] as const).entries())
      assert.ok(relativeError(found[key], expected(at)) < 1e-6, key)
    device.close()
  })

test('parts of a concatenation lie between each other', () => {
  const part = (offset: number, size: number, stride = 8) =>
    rangeOf(
      {
        buffer: 0,
        offset,
        loopStrides: [],
        axes: [
          { size: 4, stride },
          { size, stride: 1 },
        ],
      },
      [],
    )
  assert.not(overlap(part(0, 3), part(3, 5)))
  assert.not(overlap(part(19, 5), part(0, 3)))
  assert.ok(overlap(part(0, 4), part(3, 5)))
  // the last of a run is where the next run of the other one begins
  assert.ok(overlap(part(0, 3), part(3, 6)))
  assert.ok(overlap(part(0, 3, 4), part(3, 1)))
})

test.run()
