import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ErrorCode } from '../../src/errors.ts'
import { type RetentionSchedule, retention, retentionFactors } from '../../src/rmaat/retention.ts'
import { fails } from '../support/fails.ts'

/** RF(1..T, T) to four digits. */
const digits = (T: number, schedule: RetentionSchedule) =>
  Array.from({ length: T }, (_, t) =>
    retention(t + 1, T, schedule)
      .toFixed(4)
      .slice(1),
  ).join(' ')

test('fixed: the worked values', () => {
  assert.is(digits(2, 'fixed'), '.6225 .3775')
  assert.is(digits(4, 'fixed'), '.4551 .2760 .1674 .1015')
  assert.is(digits(6, 'fixed'), '.4141 .2512 .1523 .0924 .0560 .0340')
  assert.is(digits(8, 'fixed'), '.4008 .2431 .1474 .0894 .0542 .0329 .0200 .0121')
  assert.is(
    digits(16, 'fixed'),
    '.3936 .2387 .1448 .0878 .0533 .0323 .0196 .0119 .0072 .0044 .0027 .0016 .0010 .0006 .0004 .0002',
  )
})

test('stretched: the worked values', () => {
  assert.is(digits(4, 'stretched'), '.5553 .2623 .1239 .0585')
  assert.is(digits(8, 'stretched'), '.3291 .2262 .1555 .1068 .0734 .0505 .0347 .0238')
  assert.is(
    digits(16, 'stretched'),
    '.1799 .1492 .1237 .1025 .0850 .0705 .0584 .0484 .0401 .0333 .0276 .0229 .0190 .0157 .0130 .0108',
  )
})

test('without T: infinite, running and none', () => {
  const first = (schedule: RetentionSchedule) => [1, 2, 3, 4].map((t) => retention(t, Number.NaN, schedule).toFixed(4))
  assert.equal(first('infinite'), ['0.3935', '0.2387', '0.1447', '0.0878'])
  assert.equal(first('running'), ['1.0000', '0.3775', '0.1863', '0.1015'])
  assert.equal(first('none'), ['1.0000', '1.0000', '1.0000', '1.0000'])
})

test('the identities: sum 1, decreasing in t, lower for a longer sequence, RF(1, 1) = 1', () => {
  for (const schedule of ['fixed', 'stretched'] as const) {
    assert.is(retention(1, 1, schedule), 1)
    for (const T of [1, 2, 5, 16, 40]) {
      const factors = Array.from({ length: T }, (_, t) => retention(t + 1, T, schedule))
      assert.ok(Math.abs(factors.reduce((sum, factor) => sum + factor) - 1) <= 1e-14, `${schedule}, T = ${T}`)
      for (let t = 1; t < T; t++) assert.ok(factors[t] < factors[t - 1], `${schedule}, T = ${T}, t = ${t + 1}`)
    }
  }
  for (const T of [1, 2, 5, 16, 40]) {
    for (let t = 1; t <= T; t++) assert.ok(retention(t, T + 1, 'fixed') < retention(t, T, 'fixed'), `${t} of ${T}`)
  }
})

test('only the live segments of a row count', () => {
  // segments of two tokens; rows: full, two empty in front, a hole, the last half masked
  const valid = Int32Array.from([
    ...[1, 1, 1, 1, 1, 1, 1, 1],
    ...[0, 0, 0, 0, 0, 1, 1, 1],
    ...[1, 1, 0, 0, 1, 1, 1, 1],
    ...[1, 1, 1, 1, 1, 1, 1, 0],
  ])
  const { live, factor, liveCount } = retentionFactors(valid, { rows: 4, segments: 4, segmentLength: 2 }, 'fixed')
  const rf = (t: number, T: number) => retention(t, T, 'fixed')
  assert.equal([...liveCount], [4, 2, 3, 4])
  assert.equal([...live], [1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1])
  const expected = [
    ...[rf(1, 4), rf(2, 4), rf(3, 4), rf(4, 4)],
    ...[rf(1, 2), rf(1, 2), rf(1, 2), rf(2, 2)],
    ...[rf(1, 3), rf(1, 3), rf(2, 3), rf(3, 3)],
    ...[rf(1, 4), rf(2, 4), rf(3, 4), rf(4, 4)],
  ]
  assert.equal([...factor], expected)
})

test('a row with an empty last segment and a mask of another size are refused', async () => {
  const refused = (valid: number[], code: ErrorCode, message: RegExp) =>
    fails(code, message, () =>
      retentionFactors(Int32Array.from(valid), { rows: 2, segments: 2, segmentLength: 1 }, 'fixed'),
    )
  await refused([1, 1, 1, 0], 'data', /row 1 has no valid token in its last segment/)
  await refused([1, 1, 1], 'shape', /the mask has 3 elements: expected 2 x 2 x 1 = 4/)
})

test.run()
