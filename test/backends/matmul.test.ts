import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile, type Device, einsum, f32, type HostArray } from '../../src/index.ts'
import { devices, held } from '../support/devices.ts'
import { runs } from '../support/runs.ts'

const letters = ['mk,kn->mn', 'km,kn->mn', 'mk,nk->mn', 'bmk,bkn->bmn', 'bkm,bkn->bmn', 'mbk,bnk->mbn', 'mkj,kjn->mn']

/** Around the sizes of tiles, of blocks and of what is read in place. */
const near = (...sizes: readonly number[]) =>
  fc.oneof(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 40 }),
    ...sizes.map((size) => fc.integer({ min: size - 2, max: size + 2 })),
  )

const recipes = fc.record({
  form: fc.constantFrom(...letters),
  m: near(32, 64, 160, 192),
  n: near(8, 32, 128, 256),
  k: near(96, 288, 576),
  b: fc.integer({ min: 1, max: 3 }),
  j: fc.integer({ min: 1, max: 3 }),
  added: fc.boolean(),
})

/** Every device gets the same products, in an order of this run: what they are is computed once. */
const seed = Date.now() >>> 0
const known = new Map<string, Float32Array>()

for (const name of Object.keys(held).filter((name) => name.startsWith('wasm'))) {
  test(`on ${name}, products of whole numbers are exact at every edge of tiles and blocks`, async () => {
    const [device, definition] = [await devices[name](), await devices.reference()]
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const { form, added, ...sizes } = recipe
        const [from] = form.split('->')
        const shapes = from.split(',').map((word) => [...word].map((letter) => sizes[letter as keyof typeof sizes]))
        const values = shapes.map((shape, i) =>
          Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, at) => ((at * (7 + 4 * i)) % 13) - 6),
        )
        const on = async (where: Device): Promise<Float32Array> => {
          const program = compile(where, { x: f32(...shapes[0]), y: f32(...shapes[1]) }, ({ x, y }) => {
            const product = einsum(form, x, y)
            // a sum of products adds into the first one's memory
            return { result: added ? product.add(einsum(form, x.square(), y)) : product }
          })
          const { result } = await program.run({ x: values[0], y: values[1] })
          program.close()
          return Float32Array.from(result as HostArray)
        }
        const key = JSON.stringify(recipe)
        const expected = known.get(key) ?? (await on(definition))
        known.set(key, expected)
        const found = await on(device)
        assert.is(found.length, expected.length)
        const wrong = found.findIndex((value, i) => value !== expected[i])
        assert.ok(wrong < 0, `element ${wrong} is ${found[wrong]}; expected ${expected[wrong]}`)
      }),
      { seed, numRuns: runs(200, name) },
    )
    device.close()
    definition.close()
  })
}

test('a product without elements is empty', async () => {
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const program = compile(device, { x: f32(0, 8), y: f32(8) }, ({ x, y }) => ({
      rows: einsum('bi,bi->b', x, x),
      column: einsum('bi,i->b', x, y),
      outer: einsum('bi,j->bij', x, y),
      whole: einsum('bi,bi->', x, x),
    }))
    const { rows, column, outer, whole } = await program.arrays({ x: [], y: new Float32Array(8) })
    assert.equal(
      [rows, column, outer].map(({ length }) => length),
      [0, 0, 0],
      name,
    )
    assert.is(whole[0], 0, name)
    device.close()
  }
})

test.run()
