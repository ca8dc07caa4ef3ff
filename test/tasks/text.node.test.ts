import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeFileAtomically } from '../../src/runtime/files.ts'
import { take, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

const text = suite<{ folder: string }>('text', { folder: '' })
text.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-text-'))
})
text.after.each(({ folder }) => rm(folder, { recursive: true }))

/** Lines `label TAB text number`, the labels in turn. */
const lines = (count: number, classes = 2): string =>
  Array.from({ length: count }, (_, index) => `${index % classes}\ttext ${index}\n`).join('')
const shown = ({ tokens }: { tokens: ArrayLike<number> }) => String.fromCharCode(...Array.from(tokens, (x) => x - 1))

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

const LABELS_SAY = 'the setting labels says which there are, given or of the weights'

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
    /a\.tsv: expected labels that come again; found 20 different ones in 20 rows, such as "some text 0"; .* as in label,text, or .* as in label=sentiment,text=review$/,
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
  await fails('data', `${path}: expected the labels 7, 900; found also -1; ${LABELS_SAY}`, () =>
    tasks.text({ path, labels: '7,900' }),
  )
  await writeFileAtomically(`${folder}/train.tsv`, lines(30))
  await writeFileAtomically(`${folder}/test.tsv`, '2\ta\n')
  await fails('data', `${folder}: expected the labels 0, 1; found also 2; ${LABELS_SAY}`, () =>
    tasks.text({ path: folder }),
  )
})

text('labels may be words; a first line that looks like headings is asked about', async ({ folder }) => {
  const path = `${folder}/a.tsv`
  const words = ['sport', 'arts & letters', '10']
  const rows = Array.from({ length: 60 }, (_, i) => `${words[i % 3]}\t${words[i % 3]} of ${i}\n`).join('')
  await writeFileAtomically(path, rows)
  const task = await tasks.text({ path })
  assert.equal(task.classNames, ['10', 'arts & letters', 'sport'])
  for (const { tokens, label } of task.test) assert.ok(task.show(tokens).startsWith(`${task.classNames![label]} of `))
  assert.equal((await tasks.text({ path, labels: 'sport,10,arts & letters' })).classNames, [words[0], '10', words[1]])

  await writeFileAtomically(path, `section\tbody\n${rows}`)
  const asked =
    /a\.tsv, line 1: the label "section" is that of no other row; .* as in label=sentiment,text=review; .* setting labels /
  await fails('data', asked, () => tasks.text({ path }))
  assert.equal((await tasks.text({ path, columns: 'label=section,text=body' })).test, task.test)
  await fails('data', asked, () => tasks.text({ path, columns: 'label,text' }))
  const labels = ['section', ...words].join()
  assert.is((await tasks.text({ path, columns: 'label,text', labels })).classes, 4)
  await fails(
    'data',
    `${path}, line 1: expected headings with "label" and "body" once each, as the setting columns says, given or of the weights; found "section, body"`,
    () => tasks.text({ path, columns: 'label=label,text=body' }),
  )
  await writeFileAtomically(path, `label\ttext\n${rows}`)
  const found = await tasks.text({ path })
  assert.equal(found.test, task.test)
  assert.ok(found.notes![0].startsWith('columns label=label, text=text; labels 10, '))
  await writeFileAtomically(path, `text\tid\tlabel\n${lines(40).replace(/(\d+)\t(.*)/g, '$2\t7\t$1')}`)
  assert.equal((await tasks.text({ path })).classNames, ['0', '1'])
})

text('the same rows are the same task as .tsv, .csv and .jsonl, packed or not', async ({ folder }) => {
  const rows = Array.from({ length: 60 }, (_, i) => ({ label: ['no', 'yes'][i % 2], text: `one, "two"; ${i}` }))
  const tsv = rows.map(({ label, text }) => `${label}\t${text}\n`).join('')
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`
  const csv = rows.map(({ label, text }) => `${quoted(text)},${label}\r\n`).join('')
  const jsonl = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  await writeFileAtomically(`${folder}/a.tsv`, tsv)
  const { test, classNames } = await tasks.text({ path: `${folder}/a.tsv` })
  const same = async (name: string, content: string, columns?: string) => {
    for (const [path, bytes] of [
      [`${folder}/${name}`, content],
      [`${folder}/${name}.gz`, gzipSync(content)],
      [`${folder}/of-windows.${name}`, Buffer.from(`\ufeff${content}`, 'utf16le')],
    ] as const) {
      await writeFileAtomically(path, bytes)
      const task = await tasks.text({ path, ...(columns === undefined ? {} : { columns }) })
      assert.equal([task.test, task.classNames], [test, classNames], path)
    }
  }
  await same('a.csv', `text,label\r\n${csv}\r\n`)
  await same('b.csv', `a review,sentiment\r\n${csv}`, 'label=sentiment,text=a review')
  await same('c.csv', csv, 'text,label')
  await same('a.jsonl', jsonl)
  await same('b.ndjson', jsonl.replaceAll('"label"', '"y"'), 'label=y,text=text')

  await writeFileAtomically(`${folder}/train.csv`, `text,label\r\n${csv}`)
  await writeFileAtomically(`${folder}/test.csv`, 'label,text\nno,other\nyes,"some\nlines"\n')
  const parted = await tasks.text({ path: folder })
  assert.equal([...parted.test].map(shown).sort(), ['other', 'some\nlines'])
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

text('a file that looks like one for validation, and is not read, is named', async ({ folder }) => {
  for (const name of ['train', 'test'])
    await writeFileAtomically(`${folder}/${name}.tsv`, lines(30).replaceAll('text', name))
  for (const [name, right] of [
    ['valid.tsv', false],
    ['val.tsv', false],
    ['dev.csv.gz', false],
    ['validation.csv', false],
    ['validation.tsv', true],
  ] as const) {
    const unread = `${name} is not read: a file to choose by beside train.tsv is called validation.tsv`
    await writeFileAtomically(`${folder}/${name}`, lines(3).replaceAll('text', 'held'))
    assert.is((await tasks.text({ path: folder })).notes!.includes(unread), !right, name)
    await rm(`${folder}/${name}`)
  }
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

text('a heading with commas is named in double quotes', async ({ folder }) => {
  const path = `${folder}/a.csv`
  const rows = Array.from({ length: 40 }, (_, index) => `${index % 2},text ${index}\n`).join('')
  await writeFileAtomically(path, `"label, or ""class""","text=, in full"\n${rows}`)
  const task = await tasks.text({ path, columns: 'label="label, or ""class""" , text="text=, in full"' })
  assert.equal(task.classNames, ['0', '1'])
  assert.match(shown([...task.test][0]), /^text \d+$/)
})

text('a file for validation beside those to train on and to test with is read', async ({ folder }) => {
  await writeFileAtomically(`${folder}/train.tsv`, lines(30))
  await writeFileAtomically(`${folder}/test.tsv`, '1\tof the test\n0\ttext 2\n')
  await writeFileAtomically(`${folder}/validation.tsv.gz`, gzipSync('0\tof validation\n1\ttext 3\n1\tof the test\n'))
  const { validation, train, notes } = await tasks.text({ path: folder })
  assert.equal([...validation].map(shown).sort(), ['of validation', 'text 3'])
  const trained = new Set(take(train(0), 28).map(shown))
  assert.is(trained.size, 28)
  assert.not(trained.has('text 2') || trained.has('text 3'))
  assert.equal(notes!.slice(1), [
    '28 rows to train on, 2 held out for validation, 2 to test with',
    '3 rows of texts that are held out, too, are left out',
  ])
  await writeFileAtomically(`${folder}/validation.tsv.gz`, gzipSync('2\tof validation\n'))
  await fails('data', `${folder}: expected the labels 0, 1; found also 2; ${LABELS_SAY}`, () =>
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
  await fails('config', /columns goes with files of rows/, () => tasks.text({ path: folder, columns: 'label,text' }))
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

text('what cannot be a task is an error', async ({ folder }) => {
  const path = `${folder}/a.tsv`
  await fails('data', `${path}: expected a file or folder, but there is nothing`, () => tasks.text({ path }))
  await writeFileAtomically(path, lines(19))
  await fails('data', `${path}: expected at least 20 lines to hold some out of training, found 19`, () =>
    tasks.text({ path }),
  )
  await fails(
    'data',
    `${folder}: expected train.tsv and test.tsv, or both as .csv or .jsonl, each as it is or as .gz, or the folders train and test of aclImdb (ai.stanford.edu/~amaas/data/sentiment); found a.tsv`,
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
  for (const columns of [
    'label',
    'text',
    'label,label,text',
    'a,b',
    'Label,text',
    'label,text,'.repeat(60),
    'text=review',
    'label=a,text=b,text=c',
    'label=,text=a',
    'label=a,text',
    'label=a,other=b,text=c',
    'label=a,text=a',
  ])
    await fails('config', /^text: columns is ".*; it must be the columns with commas between, /, () =>
      tasks.text({ ...few, columns }),
    )
  for (const labels of ['1', '1,1', '1,2,', 'a, b', 'a,b\n'])
    await fails('config', /^text: labels is ".*"; it must be 2 to 1000 different labels with commas between/, () =>
      tasks.text({ ...few, labels }),
    )
  await fails('config', 'text: path is missing; it must name a folder or a file, such as a .tsv', () =>
    tasks.text({} as { path: string }),
  )
  await fails('config', 'text: labels is ""; expected a text that is not empty', () =>
    tasks.text({ ...few, labels: '' }),
  )
})

text.run()
