import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { take, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

/** What a page makes of a file that is dropped on it. */
const given = (text: string): string => URL.createObjectURL(new Blob([text]))

test('a file that a page was given is read by its blob: address', async () => {
  const path = given('to be or not to be, that is the question. '.repeat(10))
  const task = await tasks.bytes({ path, segments: 2, segmentLength: 8 })
  const [{ tokens, label }] = take(task.train(0), 1)
  assert.is(tokens.length, 16)
  assert.ok(
    'to be or not to be, that is the question. '.repeat(2).includes(task.show(tokens) + String.fromCharCode(label)),
  )
  URL.revokeObjectURL(path)
})

test('so are lines of labels and texts', async () => {
  const path = given(Array.from({ length: 40 }, (_, i) => `${i % 2}\ttext number ${i}\n`).join(''))
  const task = await tasks.text({ path, segments: 2, segmentLength: 8 })
  assert.equal(task.classNames, ['0', '1'])
  assert.is(task.test.length, 4)
  URL.revokeObjectURL(path)
})

test('one that is gone is a clear error', async () => {
  const path = given('abc')
  URL.revokeObjectURL(path)
  await fails('data', /expected a file of this page/, () => tasks.bytes({ path }))
})

test.run()
