import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { models } from '../../src/models/index.ts'
import type { ModelConfig } from '../../src/rmaat/config.ts'
import { train } from '../../src/train/train.ts'
import { devices, held } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { gradients, hessianTimesGradient, tiny } from '../support/model.ts'
import { isSlow } from '../support/runs.ts'
import { isNode } from '../support/runtime.ts'
import { cue, cueModel } from '../support/training.ts'

const updates = ['scaled', 'additive', 'mix', 'split', 'reset'] as const
const schedules = ['fixed', 'stretched', 'none', 'infinite', 'running'] as const
const attentions = ['astro', 'linear', 'softmax'] as const

const cases: Partial<ModelConfig>[] = []
for (const segments of [1, 2, 5, 16]) {
  for (const loss of ['last', 'all'] as const) {
    updates.forEach((update, i) => {
      const turn = cases.length
      cases.push({
        segments,
        loss,
        update,
        retention: schedules[(i + turn) % schedules.length],
        attention: attentions[turn % attentions.length],
        norm: turn % 2 ? 'pre' : 'post',
        dropout: 0.2,
      })
    })
  }
}

attentions.forEach((attention, i) => {
  const [segments, update] = [[1, 2, 5][i], updates[i]] as const
  cases.push({ segments, update, attention, causal: true, layers: 2, norm: i ? 'pre' : 'post', dropout: 0.2 })
})

for (const loss of ['last', 'all'] as const)
  cases.push({ segments: 3, towers: 2, loss, update: 'additive', norm: 'pre', layers: 2, dropout: 0.2 })

/** Each update, and both losses; a causal model. */
const some = cases.filter(
  ({ segments, causal, towers }, i) => (segments! <= 5 && i % 7 === 0 && !towers) || (causal && segments === 2),
)

/** Largest difference of each tensor over its largest element; 0 where both are zero. */
function worst(
  found: Record<string, ArrayLike<number>>,
  expected: Record<string, ArrayLike<number>>,
): [string, number] {
  let result: [string, number] = ['', 0]
  assert.equal(Object.keys(found).sort(), Object.keys(expected).sort())
  // dL/dm_t fades with the segments: all of them together are one tensor [T, B, M, d]
  const largestMemory = Math.max(
    ...Object.entries(expected).flatMap(([name, x]) => (/^memory \d/.test(name) ? Array.from(x, Math.abs) : [0])),
  )
  for (const [name, values] of Object.entries(expected)) {
    const largest = /^memory \d/.test(name)
      ? largestMemory
      : Array.from(values).reduce((m, x) => Math.max(m, Math.abs(x)), 0)
    let difference = 0
    for (let i = 0; i < values.length; i++) difference = Math.max(difference, Math.abs(found[name][i] - values[i]))
    const error = difference === 0 ? 0 : difference / largest
    if (!(error <= result[1])) result = [name, error]
  }
  return result
}

for (const [name, open] of Object.entries(held)) {
  if (isSlow(name)) continue // the golden files are held on it, by replay and unrolled
  test(`replay's gradients are those of the unrolled model on ${name}`, async () => {
    const device = await open()
    // the builds for WebAssembly differ in their kernels alone
    for (const config of name === 'reference' || name === 'wasm simd' ? cases : some) {
      const replayed = await gradients(device, { ...tiny, ...config }, 'amrb')
      const unrolled = await gradients(device, { ...tiny, ...config }, 'bptt')
      const [tensor, error] = worst(replayed, unrolled)
      const allowed = { reference: 1e-12, wasm: 5e-6, webgpu: 5e-5 }[device.name]!
      assert.ok(error <= allowed, `${tensor} differs by ${error} with ${JSON.stringify(config)}`)
      assert.ok(Array.from(unrolled.embed).some((x) => x !== 0))
    }
    device.close()
  })
}

test('whichever segments keep their activations, the gradient is the same', async () => {
  for (const [name, allowed] of [
    ['reference', 1e-12],
    ['wasm simd', 5e-6],
  ] as const) {
    const device = await devices[name]()
    for (const loss of [{ loss: 'last' }, { loss: 'all' }, { causal: true }] as const) {
      const config = { ...tiny, segments: 5, ...loss, norm: 'pre', update: 'mix', dropout: 0.2 } as const
      const unrolled = await gradients(device, config, 'bptt')
      for (const keep of isNode ? [0, 1, 3, 4] : [2]) {
        const found = await gradients(device, config, { method: 'amrb', keep })
        const [tensor, error] = worst(found, unrolled)
        assert.ok(error <= allowed, `${name}, ${JSON.stringify(loss)}, keep ${keep}: ${tensor} differs by ${error}`)
        // what is held has the bits of what is computed again
        for (const hold of { 0: [9, 99], 1: [99], 2: [99] }[keep] ?? [])
          assert.equal(await gradients(device, config, { method: 'amrb', keep, hold }), found, `${keep}, ${hold} held`)
      }
    }
    device.close()
  }
})

test('a gradient of the gradient is that of the unrolled model, in less memory', async () => {
  const device = await devices.reference()
  const config = { ...tiny, norm: 'pre', dropout: 0.2 } as const
  for (const more of [
    { update: 'additive' },
    { update: 'mix', causal: true },
    { loss: 'all', attention: 'softmax' },
  ] as const) {
    const unrolled = await hessianTimesGradient(device, { ...config, ...more, segments: 8 }, { method: 'bptt' })
    for (const hold of [0, 99]) {
      const backward = { method: 'amrb', hold } as const
      const replayed = await hessianTimesGradient(device, { ...config, ...more, segments: 8 }, backward)
      const [tensor, error] = worst(replayed.results, unrolled.results)
      assert.ok(error <= 1e-11, `${tensor} differs by ${error} with ${JSON.stringify(more)}, ${hold} held`)
      if (!hold) assert.ok(replayed.arena < unrolled.arena / 2, `${replayed.arena} and ${unrolled.arena} bytes`)
    }
    assert.ok(Array.from(unrolled.results.embed).some((x) => x !== 0))
  }
  device.close()
})

test('a truncated gradient reaches so many segments, and is the whole one there', async () => {
  const device = await devices.reference()
  const config = { ...tiny, segments: 5, norm: 'pre', update: 'mix', dropout: 0.2 } as const
  const whole = await gradients(device, config, 'bptt')
  const memories = [1, 2, 3, 4, 5].map((t) => `memory ${t}`)
  for (const reach of isNode ? [1, 2, 5] : [2]) {
    for (const keep of [0, 2]) {
      const found = await gradients(device, config, { method: 'truncated', reach, keep })
      assert.equal(found.loss, whole.loss)
      memories.forEach((name, t) => {
        const error = worst({ x: found[name] }, { x: whole[name] })[1]
        // m_t itself still moves the loss; what made it does not
        if (t >= 5 - reach) assert.ok(error < 1e-12, `reach ${reach}: dL/d${name} is off by ${error}`)
        else
          assert.ok(
            Array.from(found[name]).every((x) => x === 0),
            `reach ${reach}: dL/d${name} is not 0`,
          )
      })
      const isReached = reach >= 5
      assert.is(
        Array.from(found.memory).some((x) => x !== 0),
        isReached,
      )
      if (isReached) assert.ok(worst(found, whole)[1] < 1e-12)
      else assert.ok(worst({ x: found.embed }, { x: whole.embed })[1] > 1e-3)
    }
  }
  device.close()
})

for (const [name, causal] of [
  ['a loss at every segment', false],
  ['one at every token', true],
] as const)
  test(`with ${name}, memory is detached every so many segments`, async () => {
    const device = await devices.reference()
    const config = { ...tiny, segments: 5, loss: 'all', update: 'additive', causal } as const
    const whole = await gradients(device, config, 'bptt')
    assert.ok(worst(await gradients(device, config, { method: 'truncated', reach: 5 }), whole)[1] < 1e-12)
    for (const reach of isNode ? [1, 2, 3] : [2]) {
      const found = await gradients(device, config, { method: 'truncated', reach })
      assert.equal(found.loss, whole.loss)
      for (const keep of [1, 4]) {
        const kept = await gradients(device, config, { method: 'truncated', reach, keep })
        assert.ok(worst(kept, found)[1] < 1e-12, `reach ${reach}, keep ${keep}`)
      }
      // the windows end with the last segment: what begins one is detached
      for (let t = 1; t < 5; t++) {
        const isDetached = (5 - t) % reach === 0
        assert.is(
          Array.from(found[`memory ${t + 1}`]).every((x) => x === 0),
          isDetached,
          `reach ${reach}, m_${t + 1}`,
        )
      }
    }
    device.close()
  })

test('what does not go together of a method, or goes beyond the segments, is refused as by the command', async () => {
  const device = await devices.reference()
  const model = cueModel(device)
  for (const [backward, wrong] of [
    [{ method: 'truncated' }, /^forward: the method is truncated and reach is missing; it says how many segments/],
    [{ method: 'amrb', reach: 2 }, /^forward: reach is 2, but the method is amrb; expected the method truncated, or/],
    [{ method: 'amrb', keep: 2 }, /^forward: keep is (\d+); expected less than the number of segments, \1$/],
    [{ method: 'truncated', reach: 3 }, /^forward: reach is \d+; expected at most the number of segments/],
    [
      { method: 'bptt', hold: 2 },
      /^forward: hold is 2, but the method is bptt, which keeps everything; expected none$/,
    ],
  ] as const) {
    await fails('argument', wrong, () => gradients(device, { ...tiny, segments: 2 }, backward))
    await fails('argument', wrong, () => train(model, cue, backward).next())
  }
  await gradients(device, tiny, { method: 'bptt', keep: 0, hold: 0 }) // none, as it is where nothing is said
  const { segments, segmentLength, vocabulary, classes } = cue
  const lru = models.lru.make(device, models.lru.configure({ segments, segmentLength, vocabulary, classes }))
  await fails('argument', /^forward: keep is 1, but the model has no segments to replay; expected none$/, () =>
    train(lru, cue, { keep: 1 }).next(),
  )
  device.close()
})

test.run()
