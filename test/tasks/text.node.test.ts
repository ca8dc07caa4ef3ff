import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeFileAtomically } from '../../src/runtime/files.ts'
import { take, tasks } from '../../src/tasks/index.ts'
import { parseTexts } from '../../src/tasks/text-files.ts'
import { fails } from '../support/fails.ts'

const text = suite<{ folder: string }>('text', { folder: '' })
text.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-text-'))
})
text.after.each(({ folder }) => rm(folder, { recursive: true }))

/** Lines `label TAB text number`, the labels in turn. */
const lines = (count: number, classes = 2): string =>
  Array.from({ length: count }, (_, index) => `${index % classes}\ttext ${index}\n`).join('')
const bytesOf = (content: string) => new TextEncoder().encode(content)
const parse = (content: string, length = 100) => parseTexts(bytesOf(content), 'a.tsv', length).rows
const shown = ({ tokens }: { tokens: ArrayLike<number> }) => String.fromCharCode(...Array.from(tokens, (x) => x - 1))

text('a token is its byte + 1; the text is cut after `length` bytes', () => {
  assert.equal(parse('1\taé\n0\tabcde', 3), [
    { tokens: Uint16Array.of(98, 0xc3 + 1, 0xa9 + 1), label: '1' },
    { tokens: Uint16Array.of(98, 99, 100), label: '0' },
  ])
  const bytes = Uint8Array.of(48, 9, 255, 1)
  assert.equal([...parseTexts(bytes, 'a.tsv', 9).rows[0].tokens], [256, 2])
})

text(
  'crop leaves parts of texts out while training, others each time, and never of what is held out',
  async ({ folder }) => {
    const path = `${folder}/a.tsv`
    const row = (index: number): string => `${index % 2}\t${index % 2 ? 'abcdefghij' : '0123456789'}${index}\n`
    await writeFileAtomically(path, Array.from({ length: 40 }, (_, index) => row(index)).join(''))
    const whole = await tasks.text({ path })
    const task = await tasks.text({ path, crop: 0.5 })
    const [all, cropped] = [whole, task].map(({ train }) => take(train(3), 320).map(shown))
    const texts = await tasks.text({ path, crop: 0 })
    assert.equal(take(texts.train(3), 320).map(shown), all)
    for (const [i, text] of cropped.entries()) {
      assert.ok(all[i].includes(text), `${text} of ${all[i]}`)
      assert.ok(text.length >= 0.25 * all[i].length, `${text} of ${all[i]}`)
    }
    const kept = cropped.map(({ length }, i) => length / all[i].length)
    // (1 - 0.5 / 2) ** 2, and a little more, since whole bytes are left out
    const mean = kept.reduce((sum, x) => sum + x) / kept.length
    assert.ok(mean > 0.54 && mean < 0.66, `${mean} of a text is kept`)
    assert.ok(new Set(cropped).size > new Set(all).size)
    assert.equal(take(task.train(3), 320).map(shown), cropped)
    for (const part of ['validation', 'test'] as const)
      assert.equal([...task[part]].map(shown), [...whole[part]].map(shown))
    await fails('config', /crop is 1; expected a number from 0 to below 1/, () => tasks.text({ path, crop: 1 }))
  },
)

text('the line with the fewest tabs says how many columns there are; further tabs belong to the text', () => {
  assert.equal(parse('1\t8\tpath\ta\tb\r\n0\t2\tpath\ttext\n').map(shown), ['a\tb', 'text'])
  assert.equal(parse('1\ta\tb\n0\tc\n').map(shown), ['a\tb', 'c'])
})

text('columns names them in any order', async ({ folder }) => {
  const path = `${folder}/a.tsv`
  const texts = async (columns: string, line: (index: number) => string) => {
    await writeFileAtomically(path, Array.from({ length: 20 }, (_, index) => `${line(index)}\n`).join(''))
    const task = await tasks.text({ path, columns })
    const examples = [...take(task.train(0), 17), ...task.validation, ...task.test]
    return examples.every(({ label, tokens }) => task.show(tokens).startsWith(`text\tof ${task.classNames![label]}`))
  }
  assert.ok(await texts('id,label,text', (i) => `id\t${3 + (i % 2)}\ttext\tof ${3 + (i % 2)}, ${i}`))
  assert.ok(await texts('label,text', (i) => `${i % 2}\ttext\tof ${i % 2}, ${i}`))
  assert.not(await texts('label,text,-', (i) => `${i % 2}\ttext ${i}\tof ${i % 2}`))
  await writeFileAtomically(path, Array.from({ length: 20 }, (_, i) => `some text ${i}\t${i % 2}\n`).join(''))
  assert.is(shown([...(await tasks.text({ path, columns: 'text,label' })).test][0]).slice(0, 9), 'some text')
  await fails(
    'data',
    /line 1: expected a label, a whole number, in column 1 of 2, found "some text 0"; .* columns /,
    () => tasks.text({ path }),
  )
})

text('classes are the labels that there are, in their order, whatever their gaps', async ({ folder }) => {
  const path = `${folder}/a.tsv`
  const labels = [900, -1, 7]
  const content = Array.from({ length: 60 }, (_, i) => `${labels[i % 3]}\t${labels[i % 3]} ${i}\n`).join('')
  await writeFileAtomically(path, content)
  const task = await tasks.text({ path })
  assert.equal(task.classNames, ['-1', '7', '900'])
  for (const { tokens, label } of task.test) assert.is(task.show(tokens).split(' ')[0], task.classNames![label])
  assert.ok(task.notes!.includes('columns label, text; labels -1, 7, 900'))
  const asked = await tasks.text({ path, labels: '900,7,-1' })
  assert.equal(asked.classNames, ['900', '7', '-1'])
  for (const { tokens, label } of asked.test) assert.is(asked.show(tokens).split(' ')[0], asked.classNames![label])
  await fails('data', `${path}: expected the labels 7, 900; found also -1`, () => tasks.text({ path, labels: '7,900' }))
  await writeFileAtomically(`${folder}/train.tsv`, lines(30))
  await writeFileAtomically(`${folder}/test.tsv`, '2\ta\n')
  await fails('data', `${folder}: expected the labels 0, 1; found also 2`, () => tasks.text({ path: folder }))
})

text('a folder has its own test file; a tenth of the training rows is for validation', async ({ folder }) => {
  await writeFileAtomically(`${folder}/train.tsv`, lines(30))
  await writeFileAtomically(`${folder}/test.tsv.GZ`, gzipSync(lines(5).replaceAll('text', 'test')))
  const task = await tasks.text({ path: folder, segments: 2, segmentLength: 4, length: 8 })
  assert.equal([task.vocabulary, task.classes, task.segments, task.segmentLength], [257, 2, 2, 4])
  assert.equal([...task.test].map(shown).sort(), ['test 0', 'test 1', 'test 2', 'test 3', 'test 4'])
  const training = new Set(take(task.train(0), 27).map(shown))
  assert.is(training.size, 27)
  assert.is(new Set([...training, ...[...task.validation].map(shown)]).size, 30)
  assert.ok(task.notes!.includes('27 rows to train on, 3 held out for validation, 5 to test with'))
})

text('one file is cut at random, always alike: rows sorted by label are in every part', async ({ folder }) => {
  const path = `${folder}/all.tsv`
  await writeFileAtomically(path, Array.from({ length: 400 }, (_, i) => `${i < 200 ? 0 : 1}\ttext ${i}\n`).join(''))
  const [task, again] = [await tasks.text({ path }), await tasks.text({ path })]
  assert.equal([task.test.length, task.validation.length], [40, 36])
  assert.equal(task.test, again.test)
  for (const part of [task.test, task.validation, task.test.slice(0, 20)]) {
    const ones = [...part].filter(({ label }) => label === 1).length
    assert.ok(ones > part.length / 4 && ones < (3 * part.length) / 4, `${ones} of ${part.length}`)
  }
  const all = [...take(task.train(0), 324), ...task.validation, ...task.test].map(shown)
  assert.is(new Set(all).size, 400)
})

text('a text that is held out is in no other part', async ({ folder }) => {
  await writeFileAtomically(`${folder}/train.tsv`, `${lines(60)}${lines(60)}`)
  await writeFileAtomically(`${folder}/test.tsv`, lines(10))
  const task = await tasks.text({ path: folder })
  const [tested, chosen] = [task.test, task.validation].map((part) => new Set([...part].map(shown)))
  const trained = new Set(take(task.train(0), 500).map(shown))
  assert.is(tested.size, 10)
  for (const one of chosen) assert.not(tested.has(one), one)
  for (const one of trained) assert.not(tested.has(one) || chosen.has(one), one)
  assert.is(trained.size + chosen.size, 50)
  const counts = /^(\d+) rows to train on, 10 held out for validation, 10 to test with$/.exec(task.notes![1])
  assert.is(task.notes![2], `${120 - 10 - Number(counts![1])} rows of texts that are held out, too, are left out`)
  await writeFileAtomically(`${folder}/test.tsv`, lines(60))
  await fails('data', `${folder}: expected texts to train on; all of them are held out, too`, () =>
    tasks.text({ path: folder }),
  )
})

text('reviews are read as they are published, a file each', async ({ folder }) => {
  const write = async (part: string, count: number) => {
    for (let i = 0; i < count; i++)
      for (const kind of ['pos', 'neg'])
        await writeFileAtomically(
          `${folder}/${part}/${kind}/${i}_${kind === 'pos' ? 9 : 2}.txt`,
          `${kind} ${part}\n${i}`,
        )
  }
  await write('train', 15)
  await write('test', 3)
  await writeFileAtomically(`${folder}/train/unsup/0_0.txt`, 'not read')
  await writeFileAtomically(`${folder}/train/urls_pos.txt`, 'not read')
  const task = await tasks.text({ path: folder })
  assert.equal(task.classNames, ['0', '1'])
  assert.is(task.notes![1], '27 rows to train on, 3 held out for validation, 6 to test with')
  for (const { tokens, label } of [...take(task.train(0), 27), ...task.validation, ...task.test])
    assert.is(task.show(tokens).slice(0, 3), ['neg', 'pos'][label])
  const empty = `${folder}/test/neg/1_2.txt`
  await writeFileAtomically(empty, '')
  await fails('data', `${empty}: expected a text, found none`, () => tasks.text({ path: folder }))
  await fails('config', /columns goes with files of lines/, () => tasks.text({ path: folder, columns: 'label,text' }))
  await rm(`${folder}/test/neg`, { recursive: true })
  await fails('data', `${folder}/test/neg: expected a folder, but there is nothing`, () => tasks.text({ path: folder }))
})

text('rows to test with that all have one label are told of', async ({ folder }) => {
  await writeFileAtomically(`${folder}/train.tsv`, lines(30))
  await writeFileAtomically(`${folder}/test.tsv`, '1\ta\n1\tb\n')
  const { notes } = await tasks.text({ path: folder })
  assert.is(notes!.at(-1), 'every row to test with has the label 1: its accuracy tells nothing')
})

text('blank lines at the end, UTF-16 and byte order marks are read as they are meant', async ({ folder }) => {
  const path = `${folder}/a.tsv`
  const plain = lines(30).replaceAll('text', 'née')
  await writeFileAtomically(path, plain)
  const expected = (await tasks.text({ path })).test
  const utf16 = Buffer.from(`\ufeff${plain}`, 'utf16le')
  for (const content of [`${plain}\n`, `${plain}\r\n\r\n`, `\ufeff${plain}`, utf16, Buffer.from(utf16).swap16()]) {
    await writeFileAtomically(path, content)
    assert.equal((await tasks.text({ path })).test, expected)
  }
  await writeFileAtomically(path, utf16.subarray(2))
  await fails(
    'data',
    `${path}: expected UTF-8, or UTF-16 with a byte order mark; found a zero in its first bytes`,
    () => tasks.text({ path }),
  )
})

text('a bad line is an error with file and line', async () => {
  const at = (line: string, message: string) =>
    fails('data', `a.tsv, line 2: ${message}`, () => parse(`0\t1\tgood\n${line}\n0\t1\tgood\n`))
  await at(
    'bad\tx',
    'expected a label, a whole number, in column 1 of 2, found "bad"; there is no line of headings, and the setting columns says which column is which',
  )
  await at('', 'expected 2 columns between tabs, found 1')
  await at('0\t1\t', 'expected a text in column 3 of 3, found none')
  for (const label of ['01', '1.5', '+1', '-0', ' 1', ''])
    await at(
      `${label}\t1\tx`,
      `expected a label, a whole number, in column 1 of 3, found ${JSON.stringify(label)}; there is no line of headings, and the setting columns says which column is which`,
    )
  await fails('data', 'a.tsv, line 1: expected 2 columns between tabs, found 1', () => parse('no tab'))
  await fails('data', 'a.tsv: expected lines of labels and texts, found nothing', () => parse(''))
  await fails('data', 'a.tsv: expected lines of labels and texts, found nothing', () => parse('\n\n'))
  await fails('data', /a\.tsv, line 4: found 3 columns between tabs, but most lines have more; /, () =>
    parse(`${'0\t1\t2\tx\n'.repeat(3)}0\t1\tx\n${'0\t1\t2\tx\n'.repeat(30)}`),
  )
})

text('what cannot be a task is an error', async ({ folder }) => {
  const path = `${folder}/a.tsv`
  await fails('data', `${path}: expected a file or folder, but there is nothing`, () => tasks.text({ path }))
  await writeFileAtomically(path, lines(19))
  await fails('data', `${path}: expected at least 20 lines to hold some out of training, found 19`, () =>
    tasks.text({ path }),
  )
  await fails(
    'data',
    `${folder}: expected train.tsv and test.tsv, each as it is or as .gz, or the folders train and test of aclImdb (ai.stanford.edu/~amaas/data/sentiment); found a.tsv`,
    () => tasks.text({ path: folder }),
  )
  await writeFileAtomically(path, lines(30, 1))
  await fails('data', `${path}: expected 2 to 1000 different labels; found only 0`, () => tasks.text({ path }))
  await writeFileAtomically(path, lines(1001, 1001))
  await fails('data', `${path}: expected 2 to 1000 different labels; found 1001`, () => tasks.text({ path }))
})

text('settings out of range are errors', async () => {
  const few = { path: 'x', segments: 2, segmentLength: 8 }
  await fails(
    'config',
    'text: the longest text, by the setting length, has 17 tokens, but 2 segments of 8 hold 16',
    () => tasks.text({ ...few, length: 17 }),
  )
  for (const columns of ['label', 'text', 'label,label,text', 'a,b', 'Label,text', 'label,text,'.repeat(60)])
    await fails('config', /^text: columns is ".*; it must be the columns with commas between, /, () =>
      tasks.text({ ...few, columns }),
    )
  for (const labels of ['1', '1,1', 'a,b', '1,2,', '01,2'])
    await fails('config', /^text: labels is ".*"; it must be 2 to 1000 different whole numbers/, () =>
      tasks.text({ ...few, labels }),
    )
  await fails('config', 'text: path is missing; it must name a folder or a .tsv file', () =>
    tasks.text({} as { path: string }),
  )
  await fails('config', 'text: labels is ""; expected a text that is not empty', () =>
    tasks.text({ ...few, labels: '' }),
  )
})

text.run()
