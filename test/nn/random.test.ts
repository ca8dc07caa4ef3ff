import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { normal, siteOf, uniform } from '../../src/nn/random.ts'
import { randomWord } from '../../src/ops/rounded.ts'

const stream = { seed: 3, site: siteOf('blocks.0.attention.query') }

/** Mean of (value - center)^power. */
const moment = (values: Float64Array, power: number, center = 0) =>
  values.reduce((sum, value) => sum + (value - center) ** power, 0) / values.length

const near = (found: number, right: number, tolerance: number) =>
  assert.ok(Math.abs(found - right) <= tolerance, `${found} is not within ${tolerance} of ${right}`)

test('siteOf is FNV-1a, of UTF-8 bytes', () => {
  assert.is(siteOf(''), 0x811c9dc5)
  assert.is(siteOf('a'), 0xe40c292c)
  assert.is(siteOf('foobar'), 0xbf9cf968)
  assert.is.not(siteOf('φ'), siteOf('f'))
})

test('normal numbers have the moments of the normal distribution', () => {
  const n = 200_000
  const values = normal(n, { ...stream, std: 2, mean: 5 }).map((value) => (value - 5) / 2)
  // five standard errors each: those of the first four moments are 1, 2, 15 and 96 in variance
  near(moment(values, 1), 0, 5 * Math.sqrt(1 / n))
  near(moment(values, 2), 1, 5 * Math.sqrt(2 / n))
  near(moment(values, 3), 0, 5 * Math.sqrt(15 / n))
  near(moment(values, 4), 3, 5 * Math.sqrt(96 / n))
  // neighbours, two of which come from one pair of words, are uncorrelated
  near(
    moment(
      values.subarray(1).map((value, k) => value * values[k]),
      1,
    ),
    0,
    5 * Math.sqrt(1 / n),
  )
})

test('uniform numbers lie inside their interval and fill it evenly', () => {
  const n = 100_000
  const values = uniform(n, { ...stream, low: -1, high: 3 })
  assert.ok(values.every((value) => value > -1 && value < 3))
  const counts = new Int32Array(20)
  for (const value of values) counts[Math.floor((value + 1) * 5)]++
  const chiSquare = counts.reduce((sum, count) => sum + (count - n / 20) ** 2 / (n / 20), 0)
  assert.ok(chiSquare < 43.8, `chi-square ${chiSquare}, 19 degrees of freedom: above the 99.9 % point`)
})

test('each number is that of its word: element, site and seed decide it', () => {
  const values = uniform(7, { ...stream, low: 0, high: 1 })
  values.forEach((value, k) => {
    assert.is(value, ((randomWord(k, 0, 0, stream.seed, stream.site) >>> 0) + 0.5) / 2 ** 32)
  })
})

test('a longer draw begins with the shorter one, also at an odd length', () => {
  const long = normal(20, { ...stream, std: 1 })
  for (const count of [0, 1, 5, 6, 7]) assert.equal(normal(count, { ...stream, std: 1 }), long.slice(0, count))
})

test('seeds and sites are independent streams', () => {
  const values = normal(8, { ...stream, std: 1 })
  assert.not.equal(normal(8, { ...stream, seed: 4, std: 1 }), values)
  assert.not.equal(normal(8, { ...stream, site: siteOf('blocks.1.attention.query'), std: 1 }), values)
})

test.run()
