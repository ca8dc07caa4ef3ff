import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Allocation, allocate } from '../../src/program/allocation.ts'

const up = (elements: number): number => Math.ceil(elements / 16) * 16
const liveRanges = fc.array(
  fc.record({ elements: fc.nat(100), first: fc.nat(40), length: fc.oneof(fc.nat(3), fc.nat(40)) }),
  { maxLength: 50 },
)

test('each allocation lies at the lowest offset that is free through its live range, the largest placed first', () => {
  fc.assert(
    fc.property(liveRanges, (given) => {
      const allocations: Allocation[] = given.map(({ elements, first, length }) => ({
        elements,
        first,
        last: first + length,
        offset: 0,
      }))
      const size = allocate(allocations, [])
      const before: Allocation[] = []
      for (const allocation of allocations.toSorted((a, b) => b.elements - a.elements || a.first - b.first)) {
        const alive = before.filter(({ first, last }) => first <= allocation.last && allocation.first <= last)
        const isFree = (offset: number): boolean =>
          alive.every(
            (other) => offset + allocation.elements <= other.offset || other.offset + other.elements <= offset,
          )
        const candidates = [0, ...alive.map(({ offset, elements }) => up(offset + elements))].filter(isFree)
        assert.is(allocation.offset, Math.min(...candidates))
        before.push(allocation)
      }
      assert.is(size, Math.max(0, ...allocations.map(({ offset, elements }) => up(offset + elements))))
    }),
    { seed: 1, numRuns: 300 },
  )
})

test.run()
