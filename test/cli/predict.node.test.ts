import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { load } from '../../src/models/weights.ts'
import { type Example, tasks } from '../../src/tasks/index.ts'
import { predict } from '../../src/train/predict.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(folder.path(name), content)
  return folder.path(name)
}
const onWasm = ['--device', 'wasm']
const train = async (name: string, ...flags: string[]): Promise<string> => {
  const { code, err } = await run('train', ...tiny, ...onWasm, ...flags, '--out', folder.path(name))
  assert.is(code, 0, err)
  return folder.path(name, 'weights.safetensors')
}
const asked = async (...args: string[]) => {
  const { code, out, err } = await run('predict', ...args, ...onWasm)
  assert.is(code, 0, err)
  return { out, err }
}

/** What the library predicts of examples with saved weights. */
async function logitsOf(weights: string, examples: readonly Example[]): Promise<number[][]> {
  const device = await openDevice('wasm')
  const { model } = load(device, readFileSync(weights))
  const all: number[][] = []
  for await (const found of predict(model, examples)) all.push([...found].slice(-(model.config.classes as number)))
  device.close()
  return all
}

const rows = Array.from({ length: 60 }, (_, i) => ({ mood: ['bad', 'good'][i % 2], review: `${'bg'[i % 2]}, ${i}` }))
const csv = `mood,review\r\n${rows.map(({ mood, review }) => `${mood},"${review}"\r\n`).join('')}`
const named = ['--columns', 'label=mood,text=review']

test('rows of a .csv are trained on and answered, with labels and without', async () => {
  const path = file('reviews.csv', csv)
  const sizes = ['--segments', '2', '--segment-length', '4', '--steps', '60', '--rate', '0.01', '--batch', '16']
  const weights = await train('text', '--task', 'text', '--data', path, ...sizes, ...named)
  const logits = await logitsOf(
    weights,
    rows.map(({ review }) => ({ tokens: [...Buffer.from(review)].map((byte) => byte + 1), label: 0 })),
  )
  const best = logits.map((row) => row.indexOf(Math.max(...row)))
  const right = rows.filter(({ mood }, i) => mood === ['bad', 'good'][best[i]]).length
  assert.ok(right > 50, `${right} of 60 learned`)

  const { out, err } = await asked(weights, path)
  const shares = logits.map((row, i) => Math.exp(row[best[i]]) / row.reduce((sum, x) => sum + Math.exp(x), 0))
  assert.equal(out, best.map((at, i) => `${['bad', 'good'][at]}\t${shares[i].toFixed(4)}\n`).join(''))
  assert.match(err, new RegExp(`accuracy ${((100 * right) / 60).toFixed(1)} % of 60 rows with a label\n$`))

  const lines = jsonLines((await asked(weights, path, '--json', '--batch', '7')).out)
  const { kind, rows: count, labelled, accuracy, interrupted } = lines.pop()
  assert.equal([kind, count, labelled, accuracy, interrupted], ['summary', 60, 60, right / 60, false])
  assert.equal(
    lines.map(({ kind, row, label, name }) => [kind, row, label, name]),
    rows.map(({ mood }, i) => ['answer', i + 1, mood, ['bad', 'good'][best[i]]]),
  )
  for (const [i, line] of lines.entries()) assert.equal(line.logits, logits[i])

  const reviews = rows.map(({ review }) => review)
  const objects = reviews.map((review) => `${JSON.stringify({ review })}\n`).join('')
  for (const [other, ...flags] of [
    [file('new.csv', `review\n${reviews.map((review) => `"${review}"\n`).join('')}`)],
    [file('new.jsonl', objects)],
    [file('new.jsonl.gz', gzipSync(objects))],
    [file('new.txt', `${reviews.join('\n')}\n`), '--columns', 'text'],
    // lines of plain text are no rows of the training's columns
    [file('new.txt', `${reviews.join('\n')}\n`)],
  ]) {
    const alone = await asked(weights, other, ...flags)
    assert.is(alone.out, out, other)
    assert.not.match(alone.err, /accuracy/)
  }
  const summary = jsonLines((await asked(weights, file('new.jsonl', objects), '--json')).out).at(-1)
  assert.equal([summary.labelled, 'accuracy' in summary], [0, false])
  const others = file('others.csv', 'mood,review\nmeh,a\ngood,b\n')
  assert.match(
    (await asked(weights, others)).err,
    /\n1 row with a label that the weights do not know, such as "meh"\n$/,
  )
  assert.is(jsonLines((await asked(weights, others, '--json')).out).at(-1).otherLabels, 1)
  const cut = await asked(weights, path, '--length', '1')
  assert.equal(new Set(cut.out.split('\n')).size, 3, 'of one byte each, there are two texts')
})

test('lines of words are sequences of a task; a causal model answers at the last word', async () => {
  for (const [name, flags] of Object.entries({ listops: [], s3: ['--causal', 'true'] })) {
    const sizes = ['--segments', '4', '--segment-length', '16']
    const made = ['--task', name, ...sizes, ...(name === 'listops' ? ['--max-length', '60'] : [])]
    const weights = await train(name, ...made, ...flags)
    const settings = { segments: 4, segmentLength: 16, ...(name === 'listops' ? { maxLength: 60 } : {}) }
    const task = await tasks[name as 'listops'](settings)
    const examples = [...task.test.slice(0, 7)]
    const path = file(`${name}.txt`, examples.map(({ tokens }) => `${task.show(tokens)}\n`).join(''))
    const lines = jsonLines((await asked(weights, path, '--json')).out)
    const logits = await logitsOf(weights, examples)
    assert.equal(
      lines.slice(0, -1).map(({ logits }) => logits),
      logits,
      name,
    )
  }
})

test('a first column that holds no labels of the weights is not taken for one', async () => {
  const path = file('plain.tsv', rows.map(({ mood, review }) => `${mood}\t${review}\n`).join(''))
  const sizes = ['--segments', '2', '--segment-length', '4', '--steps', '1']
  const weights = await train('plain', '--task', 'text', '--data', path, ...sizes)
  const numbered = file('numbered.csv', 'id,comment\n1,a\n2,"b, c"\n')
  const { code, err } = await run('predict', weights, numbered, ...onWasm)
  assert.is(code, 2)
  const found = 'expected the labels ["bad", "good"] in column 1 of 2, found "id"; --columns says where the text stands'
  assert.ok(err.includes(`numbered.csv: ${found}`), err)
  assert.is((await asked(weights, numbered, '--columns', 'text=comment')).out.split('\n').length, 3)
})

test('what cannot be answered is said', async () => {
  const weights = folder.path('text', 'weights.safetensors')
  const refused = async (args: readonly string[], message: RegExp) => {
    const { code, err } = await run('predict', ...args, ...onWasm)
    assert.is(code, 2)
    assert.match(err, message)
  }
  await refused([weights, folder.path('none.csv')], /none\.csv: expected a file to read, but there is nothing/)
  await refused([weights, folder.path()], /: expected a file to read, but it is a folder/)
  await refused([weights, file('bad.csv', 'a,b\n')], /bad\.csv, line 1: expected headings with "review" once each, /)
  await refused([weights, file('empty.jsonl', '')], /empty\.jsonl: expected rows of labels and texts, found nothing/)
  await refused(
    [weights, folder.path('reviews.csv'), '--length', '99'],
    /length is 99; expected at most 2 segments of 4/,
  )
  await refused([weights, folder.path('reviews.csv'), '--columns', 'label'], /columns is "label"; it must be /)
  await refused([weights, '--task', 'bytes'], /the sequences of bytes are no rows of a file; `evaluate` tests weights/)
  const listops = folder.path('listops', 'weights.safetensors')
  await refused(
    [listops, file('words.txt', '[MAX 1 2 ]\n[MAX 1 two ]\n')],
    /words\.txt, line 2, after the token 2: .*two/,
  )
  await refused([listops, file('blank.txt', '\n\n')], /blank\.txt: expected a sequence a line, found nothing/)
  await refused(
    [listops, file('long.txt', `1\n\n${'1 '.repeat(65)}\n`)],
    /long\.txt, line 2: found 0 tokens; expected 1 to 64 in 4 segments/,
  )
  assert.is((await run('predict', listops, file('long.txt', '1 '.repeat(65)), '--segments', '5', ...onWasm)).code, 0)
})

test.run()
