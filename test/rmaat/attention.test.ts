import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { init } from '../../src/nn/init.ts'
import { Parameters, parameter } from '../../src/nn/parameters.ts'
import { tensor, zeros } from '../../src/ops/entry.ts'
import { stack } from '../../src/ops/views.ts'
import { compile, f32, read } from '../../src/program/program.ts'
import { astro } from '../../src/rmaat/attention/astro.ts'
import type { Attention } from '../../src/rmaat/attention/attention.ts'
import { attentions } from '../../src/rmaat/attention/index.ts'
import { linear } from '../../src/rmaat/attention/linear.ts'
import { type BlockWeights, block, blockParameters } from '../../src/rmaat/block.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

// more tokens than a chunk of the causal sums
const [B, N, H, M, V] = [2, 70, 2, 3, 4]
const config = { heads: H, features: M, tokens: N, alpha: 0.25, learnScale: false, scale: 1 / 16 }
const wave = (count: number, from: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + from))
const flags = Array.from({ length: B * N }, (_, i) => Number(i % N === 0 || i % 5 !== 3))
const values = { query: wave(B * N * H * M, 1), key: wave(B * N * H * M, 2), value: wave(B * N * H * V, 3) }
const basis = wave(H * M * N, 4).map((x) => x / 4)

/** The operands of `attend`; `changed` is a token that has others. */
function operands(attention: Attention, changed?: number, causal = false) {
  const [query, key, value] = Object.values(values).map((x) => {
    const width = x.length / (B * N)
    const of = (i: number): number => Math.floor(i / width) % N
    return tensor(
      x.map((one, i) => (of(i) === changed ? one + 2 : one)),
      [B, N, H, width / H],
    )
  })
  const weights = { basis: tensor(basis, [H, M, N]) }
  return {
    query,
    key,
    value,
    valid: tensor(flags, [B, N]),
    weights,
    prepared: attention.prepare(weights, { ...config, causal }),
  }
}

const phi = (x: number): number => (x > 0 ? x + 1 : Math.exp(x))

/** Equation 4 token by token, with all sums over the tokens up to each. */
function definition(r: ArrayLike<number>, alpha: number): Float64Array {
  const result = new Float64Array(B * N * H * V)
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let n = 0; n < N; n++) {
        const at = (j: number, width: number): number => ((b * N + j) * H + h) * width
        const past = Array.from({ length: n + 1 }, (_, j) => j).filter((j) => flags[b * N + j])
        const sum = (of: (j: number) => number): number => past.reduce((total, j) => total + of(j), 0)
        const q = Array.from({ length: M }, (_, m) => phi(values.query[at(n, M) + m]))
        const k = (j: number, m: number): number => phi(values.key[at(j, M) + m])
        const calcium = q.reduce((total, one, m) => total + one * sum((j) => k(j, m)) ** alpha, 0)
        for (let v = 0; v < V; v++) {
          const hebbian = (m: number): number =>
            sum((j) => (k(j, m) + r[(h * N + j) * M + m]) * values.value[at(j, V) + v]) / past.length ** (1 - alpha)
          result[at(n, V) + v] = q.reduce((total, one, m) => total + one * hebbian(m), 0) / calcium
        }
      }
  return result
}

for (const [name, open] of Object.entries(held))
  test(`${name}: causal astromorphic attention is its definition, token by token`, async () => {
    const device = await open()
    const inputs = operands(astro, undefined, true)
    const [r, found] = await read(device, inputs.prepared!, astro.attend(inputs, { ...config, causal: true }))
    const error = relativeError(found, definition(r, config.alpha))
    assert.ok(error < (name === 'reference' ? 1e-13 : 2e-6), `off by ${error}`)
    device.close()
  })

for (const [name, attention] of Object.entries(attentions))
  test(`${name}: causal, a token sees what came before alone, and the last one all`, async () => {
    const device = await devices.reference()
    const of = (causal: boolean, changed?: number) =>
      attention.attend(operands(attention, changed), { ...config, causal })
    const few = { ...operands(attention), query: operands(attention).query.narrow(1, 0, 9) }
    const [all, causal, later, first] = await read(
      device,
      of(false).narrow(1, -1),
      of(true),
      of(true, 66),
      attention.attend(few, { ...config, causal: true }),
    )
    const token = (y: ArrayLike<number>, b: number, n: number, tokens = N): number[] =>
      Array.from(y).slice((b * tokens + n) * H * V, (b * tokens + n + 1) * H * V)
    for (let b = 0; b < B; b++) {
      assert.ok(relativeError(token(causal, b, N - 1), token(all, b, 0, 1)) < 1e-13)
      for (let n = 0; n < N; n++) {
        const same = token(causal, b, n).every((x, i) => Object.is(x, token(later, b, n)[i]))
        // padding comes into nothing but its own query
        assert.is(same, n < 66 || (!flags[66] && n > 66), `token ${n}`)
      }
      for (let n = 0; n < 9; n++) assert.ok(relativeError(token(first, b, n, 9), token(causal, b, n)) < 1e-14)
    }
    device.close()
  })

test('astro without its astrocyte, at alpha 1, is linear attention, causal or not', async () => {
  const device = await devices.reference()
  for (const causal of [false, true]) {
    const options = { ...config, alpha: 1, causal }
    const [found, expected] = await read(
      device,
      astro.attend({ ...operands(astro), prepared: zeros([H, N, M]) }, options),
      linear.attend(operands(linear), options),
    )
    assert.ok(relativeError(found, expected) < 1e-14)
  }
  device.close()
})

test('padding in front gives zeros, and no token sees it', async () => {
  const device = await devices.reference()
  for (const attention of [astro, linear]) {
    const inputs = operands(attention)
    const valid = tensor(
      flags.map((_, i) => Number(i % N > 2)),
      [B, N],
    )
    const [found] = await read(device, attention.attend({ ...inputs, valid }, { ...config, causal: true }))
    for (let i = 0; i < found.length; i++) {
      const padding = Math.floor(i / (H * V)) % N <= 2
      assert.is(found[i] === 0, padding, `element ${i}`)
      assert.ok(Number.isFinite(found[i]))
    }
  }
  device.close()
})

test('the gradient of causal astromorphic attention in a loop is the slope along a direction', async () => {
  const device = await devices.reference()
  const specs = { query: f32(B, N, H, M), key: f32(B, N, H, M), value: f32(B, N, H, V), basis: f32(H, M, N) }
  const program = compile(device, specs, ({ query, key, value, basis }) => {
    const prepared = astro.prepare({ basis }, config)
    const inputs = { query, valid: tensor(flags, [B, N]), weights: { basis }, prepared }
    // two segments: what the first gives are values of the second
    const { carry } = loop(
      { count: 2, carry: [value], inputs: [stack([key, key.neg()])] },
      ([value], [key]: Tensor[]) => ({ carry: [astro.attend({ ...inputs, key, value }, { ...config, causal: true })] }),
    )
    const loss = carry[0].square().mean()
    const [gq, gk, gv, gb] = grad(loss, [query, key, value, basis])
    return { loss, gq, gk, gv, gb }
  })
  const given = { ...values, basis }
  const direction = (i: number): number => Math.cos(2.3 * i)
  const { loss: _, ...gradients } = await program.arrays(given)
  let slope = 0
  for (const gradient of Object.values(gradients))
    gradient.forEach((g: number, i: number) => {
      slope += g * direction(i)
    })
  const at = async (step: number): Promise<number> => {
    const moved = Object.entries(given).map(([name, x]) => [name, x.map((one, i) => one + step * direction(i))])
    return (await program.run(Object.fromEntries(moved))).loss
  }
  const h = 1e-4
  const difference = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h)
  assert.ok(Math.abs(difference - slope) < 1e-7 * Math.abs(slope), `slope ${difference}, gradient ${slope}`)
  device.close()
})

test('a block gives its attention the parameters that it asks for', async () => {
  const device = await devices.reference()
  const gated: Attention = {
    parameters: ({ heads }) => ({ gate: parameter([heads, 1], init.constant(3)) }),
    prepare: () => undefined,
    attend: ({ weights, ...inputs }, config) => linear.attend({ weights, ...inputs }, config).mul(weights.gate),
  }
  const sizes = { ...config, tokens: 6, causal: false }
  const settings = modelConfig({ ...tiny, heads: H, features: M })
  const { tensors } = new Parameters(device, blockParameters(gated, settings, sizes), 1)
  const weights = tensors as unknown as BlockWeights
  const x = tensor(wave(6 * settings.width, 1), [1, 6, settings.width])
  const context = {
    config: sizes,
    norm: 'pre',
    prepared: undefined,
    valid: tensor([1, 1, 1, 1, 1, 1], [1, 6]),
  } as const
  const output = (attention: Attention, wo: Tensor) =>
    block(x, { ...weights, wo }, { ...context, attention, drop: (y) => y, wanted: 6 })
  // a gate of 3 before the last projection is three times that projection
  const [found, expected] = await read(device, output(gated, weights.wo), output(linear, weights.wo.mul(3)))
  assert.ok(relativeError(found, expected) < 1e-14)
  device.close()
})

test('more queries than tokens are no causal attention', async () => {
  const inputs = operands(linear)
  const [key, value] = [inputs.key, inputs.value].map((x) => x.narrow(1, 0, 8))
  await fails('shape', 'causal attention: 70 queries of 8 tokens; expected one of each token at most', () =>
    linear.attend({ ...inputs, key, value, valid: inputs.valid.narrow(1, 0, 8) }, { ...config, causal: true }),
  )
})

test.run()
