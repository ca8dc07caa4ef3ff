import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { everyAnswer } from '../../src/tasks/batch.ts'
import { batchOf, epochs, majority, take } from '../../src/tasks/index.ts'
import { settingsOf, toggle, whole, written } from '../../src/tasks/settings.ts'
import { fails } from '../support/fails.ts'

const shape = { segments: 2, segmentLength: 3, batch: 3 }

test('a stream that ends is said to have ended', async () => {
  const two = [{ tokens: [1], label: 0 }].values()
  await fails('data', 'the stream of examples has ended after 1 of 3; expected one without end', () =>
    take(two as never, 3),
  )
})

test('a batch is aligned to the end, and rows beyond the examples are filler', () => {
  const batch = batchOf(
    [
      { tokens: [7, 8], label: 2 },
      { tokens: Uint8Array.of(1, 2, 3, 4, 5, 6), label: 1 },
    ],
    shape,
  )
  assert.equal([...batch.tokens], [0, 0, 0, 0, 7, 8, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0])
  assert.equal([...batch.valid], [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1])
  assert.equal([...batch.labels], [2, 1, 0])
  assert.equal([...batch.weights], [0.5, 0.5, 0])
  assert.is(batch.validTokens, 8)
})

test('aligned to the start, every sequence begins a segment, and its last segment is the short one', async () => {
  const examples = [
    { tokens: [5, 6, 7, 8], label: 2, labels: [-1, 0, -1, 2] },
    { tokens: [1, 2, 3, 4, 5, 6], label: 1, labels: [-1, -1, -1, -1, -1, 1] },
    { tokens: [9], label: 0, labels: [0] },
  ]
  const { tokens, valid, tokenLabels } = batchOf(examples, { ...shape, align: 'start' })
  assert.equal([...tokens], [5, 6, 7, 0, 0, 8, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 9])
  assert.equal([...valid], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1])
  assert.equal([...tokenLabels], [-1, 0, -1, -1, -1, 2, -1, -1, -1, -1, -1, 1, -1, -1, -1, -1, -1, 0])
  await fails('config', "batchOf: align is \"left\"; expected 'end' or 'start', or nothing", () =>
    batchOf(examples, { ...shape, align: 'left' as 'end' }),
  )
})

test('an example that makes its tokens is asked for them a few times, however many they are', () => {
  const asked = (count: number): number => {
    let times = 0
    const example = {
      label: 0,
      get tokens() {
        times++
        return new Uint16Array(count).fill(1)
      },
    }
    batchOf([example], { segments: 1, segmentLength: count, batch: 1 })
    return times
  }
  assert.is(asked(200), asked(1))
})

test('what does not fit a batch is an error with the numbers', async () => {
  const example = { tokens: [1], label: 0 }
  const long = { tokens: new Array(7).fill(1), label: 0 }
  await fails('data', 'example 1 of the batch has 7 tokens; 2 segments of 3 take 1 to 6', () =>
    batchOf([example, long], shape),
  )
  await fails('data', 'example 0 of the batch has 0 tokens; 2 segments of 3 take 1 to 6', () =>
    batchOf([{ tokens: [], label: 0 }], shape),
  )
  await fails('data', 'a batch of 3 rows takes 1 to 3 examples, not 0', () => batchOf([], shape))
  const four = new Array(4).fill(example)
  await fails('data', 'a batch of 3 rows takes 1 to 3 examples, not 4', () => batchOf(four, shape))
})

test('the majority is the first of the most frequent classes', () => {
  const examples = [2, 1, 2, 1, 0].map((label) => ({ tokens: [1], label }))
  assert.equal(majority(examples, 4), { label: 1, share: 0.4 })
})

test('each epoch shows every example once, in an order of its own that the seed fixes', () => {
  const examples = Array.from({ length: 20 }, (_, label) => ({ tokens: [1], label }))
  const labels = (seed: number): number[] => take(epochs(examples, seed), 40).map(({ label }) => label)
  const [first, second] = [labels(1).slice(0, 20), labels(1).slice(20)]
  for (const epoch of [first, second]) {
    assert.equal(
      epoch.toSorted((a, b) => a - b),
      examples.map(({ label }) => label),
    )
  }
  assert.not.equal(first, second)
  assert.equal(labels(1), [...first, ...second])
  assert.not.equal(labels(2).slice(0, 20), first)
})

test('undefined leaves the default; unknown settings and those out of range are errors', async () => {
  const table = {
    count: whole([1, 9], 'a count', 4),
    maybe: whole([1, 9], 'another'),
    on: toggle('a switch', false),
    path: written('path', 'a file'),
  }
  const of = (given: object) => settingsOf('x', table, given)
  assert.equal(of({ count: 2, maybe: undefined }), { count: 2, maybe: undefined, on: false, path: undefined })
  await fails('config', 'x: no setting is called counts; there are count, maybe, on, path', () => of({ counts: 2 }))
  await fails('config', 'x: count is "4"; expected a whole number from 1 to 9', () => of({ count: '4' }))
  await fails('config', 'x: maybe is 10; expected a whole number from 1 to 9', () => of({ maybe: 10 }))
  await fails('config', 'x: on is 1; expected true or false', () => of({ on: 1 }))
  await fails('config', 'x: path is ""; expected the name of a file or folder', () => of({ path: '' }))
})

test('labels of tokens are aligned as the tokens are; an example with one is asked for it at its end', async () => {
  const example = { tokens: [7, 8], label: 2, labels: [-1, 2] }
  const { tokenLabels } = batchOf([example, { ...example, tokens: [1, 2, 3], labels: [0, 2, -1] }], shape)
  assert.equal([...tokenLabels], [-1, -1, -1, -1, -1, 2, -1, -1, -1, 0, 2, -1, -1, -1, -1, -1, -1, -1])
  const mixed = batchOf(
    [
      { ...example, labels: [1, 2] },
      { tokens: [1, 5], label: 0 },
    ],
    shape,
  )
  assert.equal([...mixed.tokenLabels], [-1, -1, -1, -1, 1, 2, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1])
  // the first row has two of three answers
  assert.equal(everyAnswer(mixed), { labels: mixed.tokenLabels, weights: Float64Array.of(2 / 3, 1 / 3, 0) })
  const wrong = (labels: unknown, message: string) =>
    fails('data', `example 0 of the batch${message}`, () =>
      batchOf([{ ...example, labels: labels as number[] }], { ...shape, classes: 3 }),
    )
  await wrong([2], ' has 1 labels for 2 tokens; expected one for each')
  await wrong([0, -1], ' has the label 2, but the last of its labels is 0; expected the same')
  await wrong([3, 2], ': label 0 is 3; expected a whole number from -1 to 2')
  await wrong(['x', 2], ': label 0 is "x"; expected a whole number from -1 to 2')
  await wrong(7, ': labels is 7; expected a list of labels, such as [7]')
})

test.run()
