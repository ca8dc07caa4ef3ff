import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { batchOf, epochs, majority, take } from '../../src/tasks/index.ts'
import { settingsOf } from '../../src/tasks/settings.ts'
import { fails } from '../support/fails.ts'

const shape = { segments: 2, segmentLength: 3, batch: 3 }

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
  assert.equal([...batch.weights], [1, 1, 0])
  assert.is(batch.validTokens, 8)
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

test('undefined leaves the default, and an unknown setting is an error', async () => {
  const defaults = { segments: 4, seed: 0 }
  assert.equal(settingsOf('x', defaults, { segments: 2, seed: undefined }), { segments: 2, seed: 0 })
  const misspelt = { segment: 2 } as object
  await fails('config', 'x: no setting is called segment; there are segments, seed', () =>
    settingsOf('x', defaults, misspelt),
  )
})

test.run()
