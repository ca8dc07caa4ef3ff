import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { placeAll, type Storage } from '../../src/program/storage.ts'

const up = (elements: number): number => Math.ceil(elements / 16) * 16
const lifetimes = fc.array(
  fc.record({ elements: fc.nat(100), first: fc.nat(40), length: fc.oneof(fc.nat(3), fc.nat(40)) }),
  { maxLength: 50 },
)

test('each storage lies at the lowest offset that is free all its life, the largest placed first', () => {
  fc.assert(
    fc.property(lifetimes, (given) => {
      const storages: Storage[] = given.map(({ elements, first, length }) => ({
        elements,
        first,
        last: first + length,
        offset: 0,
      }))
      const size = placeAll(storages, [])
      const before: Storage[] = []
      for (const storage of storages.toSorted((a, b) => b.elements - a.elements || a.first - b.first)) {
        const alive = before.filter(({ first, last }) => first <= storage.last && storage.first <= last)
        const isFree = (offset: number): boolean =>
          alive.every((other) => offset + storage.elements <= other.offset || other.offset + other.elements <= offset)
        const candidates = [0, ...alive.map(({ offset, elements }) => up(offset + elements))].filter(isFree)
        assert.is(storage.offset, Math.min(...candidates))
        before.push(storage)
      }
      assert.is(size, Math.max(0, ...storages.map(({ offset, elements }) => up(offset + elements))))
    }),
    { seed: 1, numRuns: 300 },
  )
})

test.run()
