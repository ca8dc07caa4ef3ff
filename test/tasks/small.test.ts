import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Example, type Task, take, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

const make = {
  mqar: (seed: number) => tasks.mqar({ seed }),
  copy: (seed: number) => tasks.copy({ seed }),
  'selective-copy': (seed: number) => tasks['selective-copy']({ seed }),
  parity: (seed: number) => tasks.parity({ seed }),
  s3: (seed: number) => tasks.s3({ seed }),
} as const

/** Sequences as their tokens in writing. */
const keys = (examples: Iterable<Example>): string[] => [...examples].map(({ tokens }) => Array.from(tokens).join())

for (const [name, task, other] of Object.entries(make).map(([name, of]) => [name, of(0), of(1)] as const)) {
  test(`${name}: ids, labels and their last one are in range`, () => {
    assert.is(task.name, name)
    assert.is(task.classNames?.length, task.classes)
    const most = task.segments * task.segmentLength
    for (const { tokens, labels, label } of [
      ...take(task.train(0), 200),
      ...task.validation.slice(0, 200),
      ...task.test,
    ]) {
      assert.ok(tokens.length >= 1 && tokens.length <= most)
      for (const token of Array.from(tokens)) assert.ok(token >= 1 && token < task.vocabulary)
      assert.is(labels!.length, tokens.length)
      for (const one of Array.from(labels!)) assert.ok(one >= -1 && one < task.classes)
      assert.is(
        Array.from(labels!)
          .filter((one) => one >= 0)
          .at(-1),
        label,
      )
      assert.is(labels![tokens.length - 1], label)
    }
  })

  test(`${name}: seeds fix the sets, and the sets share next to nothing`, () => {
    assert.equal([task.test.length, task.validation.length], [2000, 1000])
    assert.equal(keys(make[name as 'copy'](0).test), keys(task.test))
    assert.equal(keys(take(task.train(3), 20)), keys(take(task.train(3), 20)))
    assert.not.equal(keys(take(task.train(3), 20)), keys(take(task.train(4), 20)))
    const tested = new Set(keys(task.test))
    for (const one of [...keys(task.validation), ...keys(other.test), ...keys(take(task.train(0), 1000))])
      assert.not(tested.has(one))
  })

  test(`${name}: every class is asked for, about equally often`, () => {
    const counts = new Array<number>(task.classes).fill(0)
    for (const { label } of task.test) counts[label]++
    const mean = 2000 / task.classes
    for (const count of counts) assert.ok(Math.abs(count - mean) < 5 * Math.sqrt(mean), `${counts}`) // 5 standard deviations
  })
}

test('mqar: every key once more, with the value that stood behind it; more pairs to test with', () => {
  const task = tasks.mqar({ symbols: 10, fewest: 2, pairs: 4, testPairs: 8 })
  const pairsOf = ({ tokens, labels }: Example): number => {
    const count = (tokens.length - 1) / 3
    assert.is(tokens[2 * count], 11)
    const values = new Map(Array.from({ length: count }, (_, i) => [tokens[2 * i], tokens[2 * i + 1] - 1]))
    assert.is(values.size, count)
    assert.equal(
      Array.from(labels!),
      Array.from(tokens, (token, place) => (place <= 2 * count ? -1 : values.get(token)!)),
    )
    return count
  }
  const counts = (examples: Iterable<Example>) => [...new Set([...examples].map(pairsOf))].sort()
  assert.equal(counts(take(task.train(0), 200)), [2, 3, 4])
  assert.equal(counts(task.validation), [2, 3, 4])
  assert.equal(counts(task.test), [8])
})

test('copy and selective-copy: symbols in their order, up to the one that is asked for', () => {
  const asked = (task: Task, noise: boolean) => {
    const wanted = new Set<number>()
    for (const { tokens, labels } of task.test) {
      const go = Array.from(tokens).indexOf(4 + 4) // three symbols, four of noise
      assert.is(go, noise ? 9 : 4)
      const symbols = Array.from(tokens)
        .slice(0, go)
        .filter((token) => token <= 3)
      assert.is(symbols.length, 4)
      const after = Array.from(tokens).slice(go + 1)
      assert.ok(after.length >= 1 && after.every((token) => token === 9))
      assert.equal(
        Array.from(labels!),
        Array.from(tokens, (_, place) => (place <= go ? -1 : symbols[place - go - 1] - 1)),
      )
      wanted.add(after.length)
    }
    assert.equal([...wanted].sort(), [1, 2, 3, 4])
  }
  asked(tasks.copy({ symbols: 3, length: 4 }), false)
  const selective = tasks['selective-copy']({ symbols: 3, length: 4, spread: 9 })
  asked(selective, true)
  const places = new Array<number>(9).fill(0)
  for (const { tokens } of selective.test) for (let i = 0; i < 9; i++) if (tokens[i] <= 3) places[i]++
  for (const count of places) assert.ok(Math.abs(count - (2000 * 4) / 9) < 120, `${places}`) // over 5 standard deviations
})

test('parity: each label is the parity so far', () => {
  for (const { tokens, labels } of tasks.parity({ segments: 1, segmentLength: 9 }).test.slice(0, 50)) {
    let ones = 0
    for (let i = 0; i < 9; i++) {
      ones += tokens[i] - 1
      assert.is(labels![i], ones % 2)
    }
  }
})

test('s3: each label is where the permutations so far have put three things', () => {
  const task = tasks.s3({ segments: 1, segmentLength: 12 })
  for (const { tokens, labels } of task.test.slice(0, 50)) {
    let things = ['1', '2', '3']
    for (let i = 0; i < 12; i++) {
      const permutation = task.classNames![tokens[i] - 1]
      things = Array.from(permutation, (place) => things[Number(place) - 1])
      assert.is(task.classNames![labels![i]], things.join(''))
    }
  }
})

test('examples are shown as symbols', () => {
  assert.is(tasks.mqar().show([1, 64, 65, 0]), '0 63 ? _')
  assert.is(tasks.copy({ symbols: 2 }).show([1, 2, 3, 7, 8]), '0 1 . > _')
  assert.is(tasks.parity().show([1, 2]), '0 1')
  assert.is(tasks.s3().show([1, 6]), '123 321')
})

test('settings that do not go together are errors', async () => {
  await fails(
    'config',
    'mqar: fewest is 4, pairs 16, testPairs 64, symbols 32; fewest must be at most pairs, and pairs and testPairs at most symbols',
    () => tasks.mqar({ symbols: 32 }),
  )
  await fails('config', 'mqar: the longest sequence has 193 tokens, but 8 segments of 16 hold 128', () =>
    tasks.mqar({ segmentLength: 16 }),
  )
  await fails('config', 'copy: the longest sequence has 33 tokens, but 2 segments of 16 hold 32', () =>
    tasks.copy({ segments: 2 }),
  )
  await fails('config', 'selective-copy: spread is 9; it must be at least length, which is 16', () =>
    tasks['selective-copy']({ spread: 9 }),
  )
  await fails('config', 's3: segments is 0; expected a whole number from 1 to 65536', () => tasks.s3({ segments: 0 }))
})

test.run()
