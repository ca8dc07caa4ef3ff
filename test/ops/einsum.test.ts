import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { tensor } from '../../src/ops/entry.ts'
import { read } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'

const sizes = { a: 1, b: 2, c: 3, d: 2 } as const
type Letter = keyof typeof sizes
const letters = fc.array(fc.constantFrom<Letter>('a', 'b', 'c', 'd'), { maxLength: 3 })

/** The sum over all places of all letters, each product by itself. */
function summed(
  subscripts: readonly Letter[][],
  values: readonly Float64Array[],
  out: readonly Letter[],
): Float64Array {
  const all = Object.keys(sizes).filter((one) => subscripts.flat().includes(one as Letter)) as Letter[]
  const sums = new Float64Array(out.reduce((product, one) => product * sizes[one], 1))
  const at: Partial<Record<Letter, number>> = {}
  const offset = (own: readonly Letter[]) => own.reduce((sum, one) => sum * sizes[one] + at[one]!, 0)
  const visit = (depth: number): void => {
    if (depth === all.length) {
      sums[offset(out)] += values.reduce((product, own, i) => product * own[offset(subscripts[i])], 1)
      return
    }
    for (let i = 0; i < sizes[all[depth]]; i++) {
      at[all[depth]] = i
      visit(depth + 1)
    }
  }
  visit(0)
  return sums
}

test('of one to four tensors it is the sum of the products over all places', async () => {
  const device = await openDevice('reference')
  const cases = fc
    .array(letters, { minLength: 1, maxLength: 4 })
    .chain((subscripts) => fc.tuple(fc.constant(subscripts), fc.shuffledSubarray([...new Set(subscripts.flat())])))
  await fc.assert(
    fc.asyncProperty(cases, async ([subscripts, out]) => {
      const values = subscripts.map((own, i) => {
        const count = sizeOf(own.map((one) => sizes[one]))
        return Float64Array.from({ length: count }, (_, at) => Math.cos(1 + at + 3 * i))
      })
      const operands = subscripts.map((own, i) =>
        tensor(
          values[i],
          own.map((one) => sizes[one]),
        ),
      )
      const notation = `${subscripts.map((own) => own.join('')).join(',')}->${out.join('')}`
      const product = einsum(notation, ...operands)
      assert.equal(
        product.shape,
        out.map((one) => sizes[one]),
      )
      const [found] = await read(device, product)
      const expected = summed(subscripts, values, out)
      for (const [i, value] of found.entries())
        assert.ok(Math.abs(value - expected[i]) < 1e-12, `${notation}: ${value}, not ${expected[i]}`)
    }),
    { numRuns: 150 },
  )
  device.close()
})

test.run()
