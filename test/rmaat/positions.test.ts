import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile, f32 } from '../../src/program/program.ts'
import { positions } from '../../src/rmaat/positions.ts'
import { held, relativeError } from '../support/devices.ts'

const [HEADS, FEATURES, SCALE] = [2, 3, 0.3]

/** basis^T (basis P basis^T) with the N x N kernel written out, [h, N, m]. */
function writtenOut(basis: Float64Array, tokens: number, causal: boolean): number[] {
  const r = (i: number, j: number): number => (causal && j > i ? 0 : Math.exp(-Math.abs(i - j) * SCALE))
  const at = (h: number, m: number, n: number): number => basis[(h * FEATURES + m) * tokens + n]
  const [everyToken, everyFeature] = [tokens, FEATURES].map((count) => Array.from({ length: count }, (_, i) => i))
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  return Array.from({ length: HEADS }, (_, h) => {
    const mixed = everyFeature.map((m) => everyToken.map((j) => sum(everyToken.map((i) => at(h, m, i) * r(i, j)))))
    const edges = everyFeature.map((m) =>
      everyFeature.map((k) => sum(everyToken.map((j) => mixed[m][j] * at(h, k, j)))),
    )
    return everyToken.map((n) => everyFeature.map((k) => sum(everyFeature.map((m) => at(h, m, n) * edges[m][k]))))
  }).flat(2)
}

for (const [name, open] of Object.entries(held))
  test(`${name}: the encoding of positions by scans is the one by its N x N kernel`, async () => {
    const device = await open()
    for (const [tokens, causal] of [
      [1, false],
      [70, false],
      [70, true],
    ] as const) {
      const basis = Float64Array.from({ length: HEADS * FEATURES * tokens }, (_, i) => Math.fround(Math.sin(i * i + 1)))
      const inputs = { basis: f32(HEADS, FEATURES, tokens), scale: f32() }
      const program = compile(device, inputs, (x) => positions(x.basis, x.scale, causal))
      const found = await program.arrays({ basis, scale: [SCALE] })
      const error = relativeError(found, writtenOut(basis, tokens, causal))
      assert.ok(error < (name === 'reference' ? 1e-13 : 1e-6), `${tokens} tokens: off by ${error}`)
      program.close()
    }
    device.close()
  })

test.run()
