import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { majority, type Task, take, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

const keys = (task: Task): Set<string> => new Set([...task.test].map(({ tokens }) => Array.from(tokens).join()))

for (const [name, task, other] of [
  ['cue', tasks.cue(), tasks.cue({ seed: 1 })],
  ['order', tasks.order(), tasks.order({ seed: 1 })],
  ['add', tasks.add(), tasks.add({ seed: 1 })],
] as const) {
  test(`${name}: sequences fill the segments, ids and labels are in range`, () => {
    assert.is(task.name, name)
    assert.is(task.classNames?.length, task.classes)
    for (const { tokens, label } of [...take(task.train(0), 500), ...task.validation, ...task.test]) {
      assert.is(tokens.length, task.segments * task.segmentLength)
      for (const token of Array.from(tokens)) assert.ok(token >= 1 && token < task.vocabulary)
      assert.ok(label >= 0 && label < task.classes)
    }
  })

  test(`${name}: seeds fix the sets, and the sets share nothing`, () => {
    assert.is(task.test.length, 2000)
    assert.is(task.validation.length, 1000)
    assert.equal([...tasks[name]().test], [...task.test])
    assert.equal([...task.test.slice(5, 9).slice(1, 99)], [...task.test].slice(6, 9))
    assert.equal(take(task.train(3), 50), take(task.train(3), 50))
    assert.not.equal(take(task.train(3), 50), take(task.train(4), 50))
    const tested = keys(task)
    for (const { tokens } of [...task.validation, ...other.test, ...take(task.train(0), 2000)]) {
      assert.not(tested.has(Array.from(tokens).join()))
    }
  })
}

test('examples that are held out are made when they are gone over, not before', () => {
  for (const make of [tasks.cue, tasks.order, tasks.add]) {
    const { test, validation } = make({ segments: 65536, segmentLength: 65536 })
    assert.is(test.slice(0, 500).length + validation.length, 1500)
  }
})

/** Ids 1..count are cues or symbols; the places where they stand. */
const placesOf = (tokens: ArrayLike<number>, count: number): number[] =>
  Array.from(tokens, (token, place) => (token <= count ? place : -1)).filter((place) => place >= 0)

test('cue: exactly one cue, in the first segment, and the question at the end', () => {
  const seen = new Set<number>()
  for (const { tokens, label } of tasks.cue({ segments: 3, segmentLength: 5 }).test) {
    const places = placesOf(tokens, 8)
    assert.is(places.length, 1)
    assert.is(tokens[places[0]], 1 + label)
    assert.is(tokens[14], 13)
    seen.add(places[0])
  }
  assert.equal([...seen].sort(), [0, 1, 2, 3, 4])
  assert.ok(majority(tasks.cue().test, 8).share < 0.16)
})

test('cue: anywhere means anywhere but on the question; one segment leaves room for it too', () => {
  const places = (task: Task): number => new Set([...task.test].map(({ tokens }) => placesOf(tokens, 8).join())).size
  assert.is(places(tasks.cue({ segments: 3, segmentLength: 5, anywhere: true })), 14)
  assert.is(places(tasks.cue({ segments: 1, segmentLength: 5 })), 4)
})

test('order: one symbol in each half, in their order', () => {
  for (const { tokens, label } of tasks.order({ segments: 1, segmentLength: 7 }).test) {
    const [first, second, ...more] = placesOf(tokens, 3)
    assert.equal(more, [])
    assert.ok(first < 3 && second >= 3)
    assert.is(label, 3 * (tokens[first] - 1) + tokens[second] - 1)
  }
})

test('add: two marked digits and their sum', () => {
  for (const { tokens, label } of tasks.add({ segments: 1, segmentLength: 3 }).test) {
    const marked = Array.from(tokens).filter((token) => token > 5)
    assert.is(marked.length, 2)
    assert.is(label, marked[0] - 6 + marked[1] - 6)
  }
})

test('examples are shown as symbols', () => {
  assert.is(tasks.cue().show([0, 1, 9, 13]), '_ A . ?')
  assert.is(tasks.order().classNames?.[5], 'BC')
  assert.is(tasks.add().show([1, 5, 6, 10]), '0 4 0* 4*')
})

test('settings out of range are errors', async () => {
  const wrong = { anywhere: 'yes', segmentLength: '4' } as object
  await fails('config', 'add: segments is 0; expected a whole number from 1 to 65536', () => tasks.add({ segments: 0 }))
  await fails('config', 'cue: a sequence has 2 tokens, but 1 segments of 1 hold 1', () =>
    tasks.cue({ segments: 1, segmentLength: 1 }),
  )
  await fails('config', 'cue: segmentLength is "4"; expected a whole number from 1 to 65536', () => tasks.cue(wrong))
  await fails('config', 'cue: anywhere is 1; expected true or false', () => tasks.cue({ anywhere: 1 as never }))
})

test.run()
