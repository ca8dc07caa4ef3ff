import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Random, xoshiro128 } from '../../src/tasks/random.ts'

const draws = (seed: number, stream: number, count = 8): number[] => {
  const random = new Random(seed, stream)
  return Array.from({ length: count }, () => random.uniform())
}

test('xoshiro128** gives the published sequence from the state 1, 2, 3, 4', () => {
  const state = Uint32Array.of(1, 2, 3, 4)
  assert.equal(
    Array.from({ length: 6 }, () => xoshiro128(state)),
    [11520, 0, 5927040, 70819200, 2031721883, 1637235492],
  )
})

test('a seed and a stream fix the draws, and each of their bits counts', () => {
  assert.equal(draws(5, 1), draws(5, 1))
  const starts = [draws(5, 1), draws(5, 2), draws(6, 1), draws(5 + 2 ** 32, 1), draws(1, 5), draws(0, 0)]
  assert.is(new Set(starts.flat()).size, starts.length * 8)
})

test('first draws are even over seeds and over streams', () => {
  for (const first of [(index: number) => new Random(index, 0), (index: number) => new Random(0, index)]) {
    const counts = new Array(8).fill(0)
    for (let index = 0; index < 8000; index++) counts[first(index).integer(8)]++
    for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, `${counts}`) // 5 standard deviations
  }
})

test('shuffle keeps the items and reaches every order', () => {
  const random = new Random(0, 0)
  const orders = new Set(Array.from({ length: 300 }, () => random.shuffle([1, 2, 3, 4]).join()))
  assert.is(orders.size, 24)
})

test.run()
