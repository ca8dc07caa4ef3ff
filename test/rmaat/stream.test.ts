import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { zeros } from '../../src/ops/entry.ts'
import type { Device } from '../../src/program/device.ts'
import { compile } from '../../src/program/program.ts'
import { attentions } from '../../src/rmaat/attention/index.ts'
import { batchInputs, batchValues } from '../../src/rmaat/batch.ts'
import type { ModelConfig } from '../../src/rmaat/config.ts'
import { memoryUpdates } from '../../src/rmaat/memory/index.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { retentionSchedules } from '../../src/rmaat/retention.ts'
import { Stream } from '../../src/rmaat/stream.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'
import { isSlow } from '../support/runs.ts'
import { isNode } from '../support/runtime.ts'

const config: Partial<ModelConfig> = { ...tiny, update: 'additive', retention: 'running' }
const S = tiny.segmentLength!
const someTokens = (count: number, seed = 0): number[] =>
  Array.from({ length: count }, (_, i) => (i * i + 3 * i + seed) % tiny.vocabulary!)

/** The model's logits over segments at once, of which one is short, padding first. */
async function atOnce(model: Rmaat, tokens: readonly number[], short: 'first' | 'last'): Promise<ArrayLike<number>> {
  const segments = Math.ceil(tokens.length / S)
  const missing = segments * S - tokens.length
  const before = short === 'first' ? 0 : (segments - 1) * S
  const padded = <Value>(values: readonly Value[], nothing: Value): Value[] => [
    ...values.slice(0, before),
    ...new Array<Value>(missing).fill(nothing),
    ...values.slice(before),
  ]
  const sizes = { segments, segmentLength: S }
  const batch = {
    tokens: Int32Array.from(padded(tokens, 0)),
    valid: Int32Array.from(
      padded(
        tokens.map(() => 1),
        0,
      ),
    ),
    labels: Int32Array.of(0),
    weights: Float64Array.of(1),
  }
  const program = compile(
    model.device,
    batchInputs(1, sizes),
    (inputs) => model.forward(inputs, { method: 'amrb' }).predicted,
  )
  const logits = await program.arrays(batchValues(batch, sizes, model.config.retention))
  program.close()
  return logits
}

/** On a CPU every bit is the same; a GPU's compiler may fuse other pairs of operations in another kernel. */
function same(device: Device, found: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (device.name === 'webgpu') assert.ok(relativeError(found, expected) < 1e-5)
  else assert.equal(Array.from(found), Array.from(expected))
}

for (const [name, open] of Object.entries(held)) {
  test(`${name}: a stream in pieces answers as the model does over the same segments at once`, async () => {
    const device = await open()
    const model = new Rmaat(device, config)
    const tokens = someTokens(6 * S + 3)
    const stream = new Stream(model)
    const answers: ArrayLike<number>[] = []
    const cuts = [0, 1, S, S, 2 * S + 1, 5 * S, tokens.length]
    for (const [i, end] of cuts.entries()) {
      await stream.push(tokens.slice(cuts[i - 1] ?? 0, end))
      assert.is(stream.tokens, end)
      assert.is(stream.segments, Math.ceil(end / S))
      if (end === 0) continue
      answers.push(await stream.predict())
      if (isSlow(name) && end < tokens.length) continue // each length is a program of its own
      same(device, answers.at(-1)!, await atOnce(model, tokens.slice(0, end), 'last'))
    }
    assert.not.equal(Array.from(answers.at(-1)!), Array.from(answers.at(-2)!))
    stream.close()
    device.close()
  })
}

test('every schedule, memory update, attention and norm is read as in a batch where the length is known', async () => {
  const device = await devices.reference()
  const kinds: Partial<ModelConfig>[] = [
    ...retentionSchedules.map((retention) => ({ retention })),
    ...(Object.keys(memoryUpdates) as ModelConfig['update'][]).map((update) => ({ update })),
    ...(Object.keys(attentions) as ModelConfig['attention'][]).map((attention) => ({ attention })),
    { norm: 'pre', layers: 2, loss: 'all', dropout: 0.5 },
    { align: 'start' },
  ]
  for (const kind of kinds) {
    const model = new Rmaat(device, { ...config, ...kind })
    for (const length of [3, 2 * S, 3 * S + 1]) {
      const tokens = someTokens(length)
      const stream = new Stream(model, { length })
      for (const token of tokens) await stream.push([token])
      assert.is(stream.segments, Math.ceil(length / S))
      assert.equal(
        Array.from(await stream.predict()),
        Array.from(await atOnce(model, tokens, kind.align ? 'last' : 'first')),
        JSON.stringify({ ...kind, length }),
      )
      stream.close()
    }
    model.close()
  }
  device.close()
})

test('a causal model whose short segment is the last one answers as in a batch, where the length is known', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...config, causal: true, align: 'start', retention: 'none', segments: 3 })
  for (const length of [1, S - 1, S, S + 1, 3 * S - 2]) {
    const { values, inputs } = model.layout(1, Math.ceil(length / S))
    const program = compile(device, inputs, (inputs) => model.forward(inputs, { method: 'amrb' }).predicted)
    const tokens = someTokens(length)
    const stream = new Stream(model, { length })
    await stream.push(tokens.slice(0, 1))
    await stream.push(tokens.slice(1))
    const logits = await program.arrays(values([{ tokens: Int32Array.from(tokens), label: 0 }]))
    const { classes } = model.config
    const full = Math.floor(length / S) * S
    // align 'start': whole segments first; the short one, padding first, is the last of all three
    const last = length % S === 0 ? length - 1 : full + S - 1
    const at = logits.slice(last * classes, (last + 1) * classes)
    assert.ok(relativeError(await stream.predict(), at) < 1e-10, `${length} tokens`)
    stream.close()
  }
  device.close()
})

test('segments in rows, one after another, are the forward pass; one of another length is an error', async () => {
  const device = await devices['wasm relaxed']()
  const model = new Rmaat(device, { ...config, layers: 2, norm: 'pre' })
  const [rows, segments] = [5, 3]
  const sizes = { segments, segmentLength: S }
  const program = compile(device, batchInputs(rows, sizes), (inputs) => {
    const at = (t: number) => ({
      tokens: inputs.tokens.select(1, t),
      valid: inputs.valid.select(1, t),
      retention: inputs.retention.select(1, t),
    })
    const first = model.parameters.tensors.memory.broadcastTo([rows, tiny.memory!, tiny.width!])
    const memory = model.advance(model.advance(first, at(0)), at(1))
    return { byHand: model.classify(memory, at(2)), atOnce: model.forward(inputs, { method: 'bptt' }).predicted }
  })
  const batch = {
    tokens: Int32Array.from(someTokens(rows * segments * S)),
    valid: new Int32Array(rows * segments * S).fill(1),
    labels: new Int32Array(rows),
    weights: new Float64Array(rows).fill(1 / rows),
  }
  batch.valid.fill(0, 0, 2) // a row that begins with padding
  const { byHand, atOnce: expected } = await program.arrays(batchValues(batch, sizes, 'running'))
  assert.equal(Array.from(byHand), Array.from(expected))

  const ids = (tokens: number) => zeros([rows, tokens], 'i32')
  const memory = zeros([rows, tiny.memory!, tiny.width!])
  const wrong = /^advance: tokens is \[5, 5\]; expected \[5, 4\]$/
  await fails('shape', wrong, () => model.advance(memory, { tokens: ids(5), valid: ids(5), retention: zeros([rows]) }))
  await fails('shape', /^classify: memory is \[5, 2, 9\]; expected \[5, 2, 8\]$/, () =>
    model.classify(zeros([rows, 2, 9]), { tokens: ids(S), valid: ids(S) }),
  )
  device.close()
})

test('after hundreds of segments not a byte more is held, and the first one still counts', async () => {
  const device = await devices['wasm relaxed']()
  // scaled memory by a schedule of the paper would have forgotten it
  const model = new Rmaat(device, { ...config, retention: 'none' })
  const tokens = someTokens((isNode ? 300 : 60) * S + 2)
  const stream = new Stream(model)
  await stream.push(tokens.slice(0, S + 1))
  await stream.predict()
  const held = device.backend.heldBytes
  for (let at = S + 1; at < tokens.length; at += 7) await stream.push(tokens.slice(at, at + 7))
  const logits = await stream.predict()
  assert.is(device.backend.heldBytes, held)
  same(device, logits, await atOnce(model, tokens, 'last'))
  const other = [(tokens[0] + 1) % tiny.vocabulary!, ...tokens.slice(1)]
  assert.not.equal(Array.from(await atOnce(model, other, 'last')), Array.from(logits))
  stream.close()
  device.close()
})

test('what is asked for at once is done in its turn', async () => {
  const device = await devices['wasm relaxed, 2 threads']()
  const model = new Rmaat(device, config)
  const tokens = someTokens(5 * S)
  const buffer = Int32Array.from(tokens.slice(0, 3 * S))
  const stream = new Stream(model)
  const pushed = stream.push(buffer)
  buffer.fill(0) // they were taken
  const [early, , late] = await Promise.all([
    stream.predict(),
    stream.push(tokens.slice(3 * S)),
    stream.predict(),
    pushed,
  ])
  same(device, early, await atOnce(model, tokens.slice(0, 3 * S), 'last'))
  same(device, late, await atOnce(model, tokens, 'last'))
  device.close()
})

test('what is closed leaves nothing on the device, and takes nothing more', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, config)
  const before = device.backend.heldBytes
  const stream = new Stream(model)
  await stream.push(someTokens(3 * S))
  assert.ok(device.backend.heldBytes > before)
  stream.close()
  stream.close()
  assert.is(device.backend.heldBytes, before)
  for (const call of [() => stream.push([1]), () => stream.predict()])
    await fails('program', 'the stream is closed', call)
  for (const call of [(open: Stream) => open.push(someTokens(3 * S)), (open: Stream) => open.predict()]) {
    const open = new Stream(model)
    await open.push(someTokens(1))
    await fails('program', 'the stream is closed', () => {
      const called = call(open)
      open.close()
      return called
    })
  }
  device.close()
})

test('what no stream can be is a clear error', async () => {
  const device = await devices.reference()
  for (const retention of ['fixed', 'stretched'] as const) {
    const expected = new RegExp(
      `^Stream: the retention schedule ${retention} needs the number of segments; expected the length`,
    )
    await fails('config', expected, () => new Stream(new Rmaat(device, { ...config, retention })))
  }
  const model = new Rmaat(device, config)
  await fails(
    'argument',
    /^Stream: model is an object; expected a model of the class Rmaat$/,
    () => new Stream({} as never),
  )
  await fails(
    'config',
    /^Stream: length is 0; expected a whole number of at least 1/,
    () => new Stream(model, { length: 0 }),
  )
  const stream = new Stream(model, { length: 5 })
  await fails('data', 'Stream: no token has come; expected at least one', () => stream.predict())
  await stream.push([1, 2])
  await fails('data', 'Stream: token 3 is 7; expected a whole number from 0 to 6', () => stream.push([1, 7]))
  await fails('data', /^Stream: tokens is "a"; expected a list of token ids$/, () => stream.push('a' as never))
  await fails('data', 'Stream: 6 tokens have come; expected 5', () => stream.push([1, 2, 3, 4]))
  assert.is(stream.tokens, 2)
  await stream.push([3, 4, 5])
  same(device, await stream.predict(), await atOnce(model, [1, 2, 3, 4, 5], 'first'))
  const { variable } = model.parameters
  device.write(variable, new Float64Array(variable.shape[0]).fill(1e300))
  await fails('diverged', /^Stream: a logit after the token 5 is NaN: expected finite ones$/, () => stream.predict())
  device.close()
})

test.run()
