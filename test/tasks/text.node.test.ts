import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeFileAtomically } from '../../src/runtime/files.ts'
import { take, tasks } from '../../src/tasks/index.ts'
import { parseTexts } from '../../src/tasks/text.ts'
import { fails } from '../support/fails.ts'

const text = suite<{ folder: string }>('text', { folder: '' })
text.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-text-'))
})
text.after.each(({ folder }) => rm(folder, { recursive: true }))

/** Lines `label TAB text number`, the labels in turn. */
const lines = (count: number, classes = 2): string =>
  Array.from({ length: count }, (_, index) => `${index % classes}\ttext ${index}\n`).join('')
const parse = (content: string, length = 100, columns?: number) =>
  parseTexts(new TextEncoder().encode(content), 'a.tsv', length, columns)

text('a token is its byte + 1; the text is cut after `length` bytes', () => {
  assert.equal(parse('1\taé\n0\tabcde', 3), [
    { tokens: Uint16Array.of(98, 0xc3 + 1, 0xa9 + 1), label: 1 },
    { tokens: Uint16Array.of(98, 99, 100), label: 0 },
  ])
  const bytes = Uint8Array.of(48, 9, 255, 0)
  assert.equal([...Array.from(parseTexts(bytes, 'a.tsv', 9)[0].tokens)], [256, 1])
})

text('the first line, or the setting, fixes the columns; tabs beyond them belong to the text', () => {
  const second = (columns?: number) =>
    Array.from(parse('1\t8\tpath\ttext\r\n0\t2\tpath\ta\tb\n', 100, columns)[1].tokens, (token) => token - 1)
  assert.equal(String.fromCharCode(...second()), 'a\tb')
  assert.equal(String.fromCharCode(...second(2)), '2\tpath\ta\tb')
})

text('a folder has its own test file; the last tenth of the training rows is for validation', async ({ folder }) => {
  await writeFileAtomically(`${folder}/train.tsv`, lines(30))
  await writeFileAtomically(`${folder}/test.tsv.gz`, gzipSync(lines(5)))
  const task = await tasks.text({ path: folder, segments: 2, segmentLength: 4, length: 6 })
  const shown = (examples: typeof task.test) => [...examples].map(({ tokens }) => task.show(tokens)).join()
  assert.equal([task.vocabulary, task.classes, task.segments, task.segmentLength], [257, 2, 2, 4])
  assert.is(shown(task.validation), 'text 2,text 2,text 2') // 27, 28, 29, cut after six bytes
  assert.is(shown(task.test), 'text 0,text 1,text 2,text 3,text 4')
  assert.is(new Set(take(task.train(0), 27)).size, 27)
})

text('one file is cut by position, first for the test and then for validation', async ({ folder }) => {
  await writeFileAtomically(`${folder}/all.tsv`, lines(40, 3))
  const task = await tasks.text({ path: `${folder}/all.tsv` })
  const shown = (examples: typeof task.test) => [...examples].map(({ tokens }) => task.show(tokens)).join()
  assert.is(task.classes, 3)
  assert.is(shown(task.test), 'text 36,text 37,text 38,text 39')
  assert.is(shown(task.validation), 'text 33,text 34,text 35')
  const train = take(task.train(0), 66).map(({ tokens }) => task.show(tokens))
  assert.is(new Set(train).size, 33)
  assert.not(train.includes('text 33'))
})

text('a bad line is an error with file and line', async () => {
  const at = (line: string, message: string) =>
    fails('data', `a.tsv, line 2: ${message}`, () => parse(`0\t1\tgood\n${line}\n`))
  await at('0\tbad', 'expected 3 columns between tabs, found 2')
  await at('', 'expected 3 columns between tabs, found 1')
  await at('0\t1\t', 'expected a text in the last column, found none')
  await at('pos\t1\tx', 'expected a label 0..999 in the first column, found "pos"')
  await at('1000\t1\tx', 'expected a label 0..999 in the first column, found "1000"')
  await fails('data', 'a.tsv, line 1: expected 2 columns between tabs, found 1', () => parse('no tab'))
  await fails('data', 'a.tsv: expected lines of labels and texts, found nothing', () => parse(''))
})

text('what cannot be a task is an error', async ({ folder }) => {
  const path = `${folder}/a.tsv`
  await fails('data', `${path}: expected a file or folder, but there is nothing`, () => tasks.text({ path }))
  await writeFileAtomically(path, lines(19))
  await fails('data', `${path}: expected at least 20 lines to hold some out of training, found 19`, () =>
    tasks.text({ path }),
  )
  await fails('data', `${folder}: expected train.tsv and test.tsv, each as it is or as .gz; found a.tsv`, () =>
    tasks.text({ path: folder }),
  )
  const labels = `${path}: expected at least two labels, all of them in the training rows; found `
  await writeFileAtomically(path, lines(30, 1))
  await fails('data', `${labels}only 0`, () => tasks.text({ path }))
  await writeFileAtomically(path, `${lines(39)}7\tx\n`)
  await fails('data', `${labels}0..1, but 7 among the others`, () => tasks.text({ path }))
})

text('settings out of range are errors', async () => {
  const few = { path: 'x', segments: 2, segmentLength: 8 }
  await fails('config', 'text: length is 17; it must be a whole number 1..16', () => tasks.text({ ...few, length: 17 }))
  await fails('config', 'text: columns is 1; it must be a whole number 2..100', () =>
    tasks.text({ ...few, columns: 1 }),
  )
  await fails('config', 'text: path is missing; it must name a folder or a .tsv file', () => tasks.text({ path: '' }))
})

text.run()
