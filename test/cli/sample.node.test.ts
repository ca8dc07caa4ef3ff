import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { load } from '../../src/models/weights.ts'
import type { Rmaat } from '../../src/rmaat/model.ts'
import { Stream } from '../../src/rmaat/stream.ts'
import { predict } from '../../src/train/predict.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const text = folder.path('text')
writeFileSync(text, 'one two three four five six seven eight nine ten, '.repeat(40))

const sizes = ['--segments', '2', '--segment-length', '8', '--device', 'wasm']
async function train(name: string, flags: readonly string[], model: readonly string[] = tiny): Promise<string> {
  const { code, err } = await run('train', ...model, ...sizes, ...flags, '--out', folder.path(name))
  assert.is(code, 0, err)
  return folder.path(name, 'weights.safetensors')
}
const ofBytes = ['--task', 'bytes', '--data', text, '--causal', 'true']
const sampled = async (weights: string, ...flags: string[]) => {
  const { code, out, err } = await run('sample', weights, '--device', 'wasm', '--json', ...flags)
  assert.is(code, 0, err)
  return jsonLines(out)[0]
}

for (const retention of ['none', 'fixed'])
  test(`what is most probable comes at temperature 0, over several segments, with the schedule ${retention}`, async () => {
    const weights = await train(retention, [...ofBytes, '--retention', retention])
    const prompt = 'one two é'
    const given = [...new TextEncoder().encode(prompt)]
    const flags = ['--prompt', prompt, '--bytes', '20']
    const found = await sampled(weights, ...flags, '--temperature', '0')

    const device = await openDevice('wasm')
    const { model } = load(device, readFileSync(weights))
    const length = retention === 'fixed' ? given.length + 20 : undefined
    const stream = new Stream(model as unknown as Rmaat, { length })
    const all = [...given]
    let bits = 0
    await stream.push(given.map((byte) => byte + 1))
    for (let i = 0; i < 20; i++) {
      if (i > 0) await stream.push([all.at(-1)! + 1])
      const logits = [...(await stream.predict())]
      const largest = Math.max(...logits)
      all.push(logits.indexOf(largest))
      bits += Math.log2(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0))
    }
    device.close()
    assert.is(found.text, new TextDecoder().decode(Uint8Array.from(all)))
    assert.ok(Math.abs(found.bitsPerByte - bits / 20) < 1e-9)
    assert.is(found.bytes, 20)
    assert.is((await sampled(weights, ...flags, '--top', '1')).text, found.text)
  })

for (const model of ['transformer', 'lru'])
  test(`of a model over the whole sequence each byte follows from the last ones that it sees: ${model}`, async () => {
    const few = ['--width', '8', '--steps', '60', '--batch', '8', '--rate', '0.02', '--layers', '1'] // so that bytes are letters
    const weights = await train(model, [...ofBytes, '--model', model], few)
    const prompt = 'one two é'
    const found = await sampled(weights, '--prompt', prompt, '--bytes', '20', '--temperature', '0')
    const device = await openDevice('wasm')
    const loaded = load(device, readFileSync(weights)).model
    /** The most probable byte behind each of 16. */
    const behind = async (bytes: readonly number[]) => {
      const tokens = bytes.map((byte) => byte + 1)
      const { value } = await predict(loaded, [{ tokens, label: 0 }]).next()
      const logits = value!
      const each = logits.length / tokens.length
      return tokens.map((_, at) => {
        const own = [...logits.slice(at * each, (at + 1) * each)]
        return own.indexOf(Math.max(...own))
      })
    }
    const all = [...new TextEncoder().encode(found.text)]
    const given = new TextEncoder().encode(prompt).length
    assert.is(all.length, given + 20)
    // one window of 16 holds the prompt and what comes first
    assert.equal((await behind(all.slice(0, 16))).slice(given - 1), all.slice(given, 17))
    for (let at = 17; at < all.length; at++) assert.is((await behind(all.slice(at - 16, at)))[15], all[at])
    device.close()
  })

test('a seed fixes what is drawn; fewer are drawn from with top, and likelier ones when it is cold', async () => {
  const weights = await train('drawn', [...ofBytes, '--retention', 'none', '--steps', '60', '--rate', '0.01'])
  const draw = (...flags: string[]) => sampled(weights, '--prompt', 'o', '--bytes', '150', ...flags)
  const first = await draw()
  assert.is((await draw('--seed', '0')).text, first.text)
  assert.is.not((await draw('--seed', '1')).text, first.text)
  const bytesOf = ({ text }: { text: string }) => new Set(text)
  assert.ok(bytesOf(await draw('--top', '3')).size < bytesOf(first).size)
  const [cold, hot] = [await draw('--temperature', '0.3'), await draw('--temperature', '3')]
  assert.ok(cold.bitsPerByte < first.bitsPerByte && first.bitsPerByte < hot.bitsPerByte)
  const told = await run(
    'sample',
    weights,
    '--prompt',
    'o',
    '--bytes',
    '150',
    '--temperature',
    '0.3',
    '--device',
    'wasm',
  )
  assert.is(told.out, `${cold.text}\n`)
  assert.match(told.err, /^150 bytes, [\d.]+ bits each to the model, [\d,]+ bytes\/s$/m)
})

test('weights of another task, an empty prompt and senseless numbers are clear errors', async () => {
  const fails = async (message: RegExp, ...args: string[]) => {
    const { code, out, err } = await run('sample', ...args, '--device', 'wasm')
    assert.is(code, 2)
    assert.is(out, '')
    assert.match(err, message)
  }
  const causal = await train('causal', ofBytes)
  await fails(
    /are of the task order, not causal; expected those of train --task bytes --causal true$/m,
    await train('order', ['--retention', 'none']),
  )
  await fails(/the prompt is empty; expected at least one character$/m, causal, '--prompt', '')
  await fails(/expected a number of at least 0/, causal, '--temperature', '-1')
  await fails(/expected a whole number of at least 1/, causal, '--top', '0')
  const { code, err } = await run('stream', folder.path('lru', 'weights.safetensors'), text, '--device', 'wasm')
  assert.is(code, 2)
  assert.match(err, /sees a sequence as a whole; expected one that reads segments$/m)
})

test.run()
