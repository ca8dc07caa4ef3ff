import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { load } from '../../src/models/weights.ts'
import { readSafetensors } from '../../src/nn/safetensors.ts'
import type { Rmaat } from '../../src/rmaat/model.ts'
import { Stream } from '../../src/rmaat/stream.ts'
import { tasks } from '../../src/tasks/index.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(folder.path(name), content)
  return folder.path(name)
}

const train = async (name: string, ...flags: string[]): Promise<string> => {
  const { code, err } = await run('train', ...tiny, '--device', 'wasm', ...flags, '--out', folder.path(name))
  assert.is(code, 0, err)
  return folder.path(name, 'weights.safetensors')
}
const onWasm = ['--device', 'wasm', '--json']

const task = tasks.order({ segments: 40, segmentLength: 16 })
const [{ tokens }] = task.test.slice(0, 1)
const words = Array.from({ length: tokens.length }, (_, i) => task.show([tokens[i]]))

test('answers come every so many segments and at the end, and are those of the library', async () => {
  const weights = await train('running', '--retention', 'running', '--update', 'additive')
  const source = file('order.txt', words.slice(0, 16 * 9 + 5).join('\n'))
  const { code, out, err } = await run('stream', weights, source, '--every', '4', ...onWasm)
  assert.is(code, 0, err)
  const lines = jsonLines(out)
  assert.equal(
    lines.map(({ kind, tokens, segments }) => [kind, tokens, segments]),
    [
      ['answer', 64, 4],
      ['answer', 128, 8],
      ['summary', 149, 10],
    ],
  )
  const device = await openDevice('wasm')
  const { model } = load(device, readFileSync(weights))
  const stream = new Stream(model as unknown as Rmaat)
  for (const { tokens: end, logits, class: answer, name, probability } of lines) {
    await stream.push(Array.from(tokens).slice(stream.tokens, end))
    const expected = [...(await stream.predict())]
    assert.equal(logits, expected)
    assert.is(answer, expected.indexOf(Math.max(...expected)))
    assert.is(name, task.classNames![answer])
    const shares = expected.map((logit) => Math.exp(logit))
    assert.ok(Math.abs(probability - shares[answer] / shares.reduce((a, b) => a + b)) < 1e-12)
  }
  device.close()
  const told = await run('stream', weights, source, '--device', 'wasm', '--every', '4')
  assert.match(told.out, /^ +64 tokens +4 segments {2}"\w\w" [\d.]+ %\n(.*\n)+ +149 tokens +10 segments .*, the end\n$/)
  const packed = await run('stream', weights, file('order.GZ', gzipSync(readFileSync(source))), ...onWasm)
  assert.equal(jsonLines(packed.out).at(-1).logits, lines.at(-1).logits)
})

test('where the length is known the answer is that of an evaluation, by any schedule', async () => {
  const weights = await train('fixed')
  const source = file('short.txt', words.slice(0, 37).join(' '))
  const { code, out } = await run('stream', weights, source, '--length', '37', ...onWasm)
  assert.is(code, 0)
  const device = await openDevice('wasm')
  const { model } = load(device, readFileSync(weights))
  const stream = new Stream(model as unknown as Rmaat, { length: 37 })
  await stream.push(Array.from(tokens).slice(0, 37))
  assert.equal(jsonLines(out).at(-1).logits, [...(await stream.predict())])
  device.close()
  const wrong: [args: string[], code: string, said: RegExp][] = [
    [
      [],
      'config',
      /^Stream: the retention schedule fixed needs the number of segments; expected the length of the stream/,
    ],
    [['--length', '36'], 'data', /^Stream: 37 tokens have come; expected 36$/],
    [['--length', '38'], 'data', /short\.txt: found 37 tokens; expected 38, as --length says$/],
    [['--length', '0'], 'usage', /expected a whole number of at least 1$/],
    [['--task', 'text'], 'config', /^text has 257 token ids, the weights of .* are for 8$/],
  ]
  for (const [args, code, said] of wrong) {
    const result = await run('stream', weights, source, ...args, ...onWasm)
    assert.is(result.code, 2)
    const last = jsonLines(result.out).at(-1)
    assert.is(last.code, code)
    assert.match(last.message, said)
  }
})

test('a text is told its label', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => `${i % 2 ? 7 : -3}\tsome text ${i}`)
  const data = ['--task', 'text', '--data', file('texts.tsv', `${lines.join('\n')}\n`)]
  const sizes = ['--segments', '2', '--segment-length', '8', '--retention', 'none']
  const weights = await train('text', ...data, ...sizes, '--test-examples', '4')
  const { out } = await run('stream', weights, file('a.txt', 'some text, and more of it'), ...onWasm)
  const { tokens, segments, name, class: answer } = jsonLines(out).at(-1)
  assert.equal([tokens, segments], [25, 4])
  assert.is(name, ['-3', '7'][answer])
})

test('exported weights are the same numbers, their settings plain, and no file is written over', async () => {
  const weights = await train('exported')
  const to = folder.path('out', 'deep')
  const { code, out } = await run('export', weights, to, '--json')
  assert.is(code, 0)
  const summary = jsonLines(out).at(-1)
  const [before, after] = [weights, summary.model].map((path) => readSafetensors(readFileSync(path)))
  assert.is(summary.tensors, before.tensors.size)
  assert.equal(after.tensors, before.tensors)
  const tagged = JSON.parse(before.metadata.configuration)
  const config = JSON.parse(readFileSync(summary.config, 'utf8'))
  for (const [name, { value }] of Object.entries<{ value: unknown }>(tagged)) assert.equal(config[name], value, name)
  assert.is(config.width, 8)
  const tested = jsonLines((await run('evaluate', summary.model, ...onWasm)).out).at(-1)
  assert.is(tested.examples, 100)
  for (const there of [to, folder.path('exported')]) {
    const again = await run('export', weights, there)
    assert.is(again.code, 2)
    assert.match(again.err, /(model\.safetensors|config\.json) is there already: expected a folder without it$/m)
  }
  assert.ok(JSON.parse(readFileSync(folder.path('exported', 'config.json'), 'utf8')).width.value === 8)
})

test('a model that sees a sequence as a whole is no model for a stream', async () => {
  const weights = folder.path('bag', 'weights.safetensors')
  const flags = ['--batch', '4', '--steps', '2', '--test-examples', '4', '--device', 'wasm', '--model', 'bag-of-tokens']
  assert.is((await run('train', ...flags, '--out', folder.path('bag'))).code, 0)
  const { code, err } = await run('stream', weights, file('b.txt', 'A B'), ...onWasm)
  assert.is(code, 2)
  assert.match(err, /the model bag-of-tokens of .* sees a sequence as a whole; expected one that reads segments$/m)
})

test.run()
