import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { number } from '../../src/compare/cases.ts'
import { imageOf } from '../../src/compare/intervals.ts'
import { uniform } from '../../src/compare/sample.ts'
import { randomWord, type ScalarName } from '../../src/ops/rounded.ts'
import { scalars } from '../../src/ops/scalar.ts'

/** Operands whose values are known but for so much of themselves, and numbers between their ends. */
const BOXES = 300
const WITHIN = 12

for (const [name, { ranges, evaluate }] of Object.entries(scalars)) {
  test(`${name}: what lies between the ends of its operands gives what lies between the ends of its interval`, () => {
    const philox = name === 'philox' ? { seed: 3, site: 9 } : {}
    const image = imageOf({
      op: name as ScalarName,
      level: 'inner',
      to: 0,
      args: ranges.map((_, i) => i + 1),
      ...philox,
    })
    let bounded = 0
    for (let box = 0; box < BOXES; box++) {
      const operands = ranges.map((range, i) => {
        const ends = [0, 1].map((end) => number(range, uniform(3 * box + i, end, 1)))
        // one in three is known exactly
        return (uniform(3 * box + i, 2, 1) < 0.3 ? [ends[0], ends[0]] : ends.sort((a, b) => a - b)) as [number, number]
      })
      const [low, high] = image(operands)
      if (low !== -Infinity || high !== Infinity) bounded++
      for (let at = 0; at < WITHIN; at++) {
        const args = operands.map(([from, to], i) => {
          const value = Math.min(to, from + (to - from) * (at < 2 ? at : uniform(box * WITHIN + at, 3 + i, 1)))
          return ranges[i].drawn === 'whole' ? Math.floor(value) : value
        })
        const [a, b = 0, c = 0] = args
        const exact = name === 'philox' ? randomWord(a, b, c, 3, 9) : evaluate(a, b, c)
        assert.ok(exact >= low && exact <= high, `${name}(${args}) is ${exact}, not within ${low} to ${high}`)
      }
    }
    assert.ok(bounded > BOXES / 8, `${bounded} of ${BOXES} are bounded`)
  })
}

test.run()
