import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { attention, attentionParameters, linearAttention, softmaxAttention } from '../../src/nn/attention.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import { tensor } from '../../src/ops/entry.ts'
import { read } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const some = (count: number, from: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + from))
const phi = (x: number): number => (x > 0 ? x + 1 : Math.exp(x))
const mixes = { softmaxAttention, linearAttention }
const [B, H, M, V] = [2, 2, 3, 4]

/** Every weight by itself: the definition. */
function mixed(
  kind: string,
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  N: number,
  causal: boolean,
  valid?: number[],
) {
  const result = new Float64Array(B * N * H * V)
  const at = (x: Float64Array, b: number, n: number, h: number, width: number) =>
    x.subarray(((b * N + n) * H + h) * width, ((b * N + n) * H + h + 1) * width)
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let n = 0; n < N; n++) {
        const [query, out] = [at(q, b, n, h, M), at(result, b, n, h, V)]
        let total = 0
        for (let j = 0; j < (causal ? n + 1 : N); j++) {
          if (valid && !valid[b * N + j]) continue
          const key = at(k, b, j, h, M)
          const score =
            kind === 'softmaxAttention'
              ? Math.exp(query.reduce((sum, one, i) => sum + one * key[i], 0) / Math.sqrt(M))
              : query.reduce((sum, one, i) => sum + phi(one) * phi(key[i]), 0)
          total += score
          for (let i = 0; i < V; i++) out[i] += score * at(v, b, j, h, V)[i]
        }
        for (let i = 0; i < V; i++) out[i] /= total
      }
  return result
}

for (const [name, open] of Object.entries(held))
  test(`attention on ${name} is its definition, causal or not, with padding or without`, async () => {
    const device = await open()
    for (const [kind, mix] of Object.entries(mixes))
      for (const N of name.startsWith('webgpu') ? [70] : [1, 5, 70, 130]) {
        const [q, k, v] = [some(B * N * H * M, 1), some(B * N * H * M, 2), some(B * N * H * V, 3)]
        const operands = [q, k, v].map((x) => tensor(x, [B, N, H, x.length / (B * N * H)]))
        // what is padding comes last, so that every token sees one
        const flags = Array.from({ length: B * N }, (_, i) => Number(i % N === 0 || i % N < N - 2))
        const valid = tensor(flags, [B, N])
        const [query, key, value] = operands
        const cases = [false, true].flatMap((causal) => [{ causal }, { causal, valid }])
        const found = await read(device, ...cases.map((options) => mix(query, key, value, options)))
        cases.forEach((options, i) => {
          const expected = mixed(kind, q, k, v, N, options.causal, 'valid' in options ? flags : undefined)
          const error = relativeError(found[i], expected)
          const what = `${kind} of ${N} tokens, causal ${options.causal}, padding ${'valid' in options}`
          assert.ok(error < (name === 'reference' ? 1e-13 : 1e-5), `${what} is off by ${error}`)
        })
      }
    device.close()
  })

test('the gradient of causal linear attention over chunks is that of all pairs at once', async () => {
  const device = await devices.reference()
  const N = 150
  const [q, k, v] = [1, 2, 3].map((from) => device.variable([B, N, H, M], 'f32', some(B * N * H * M, from)))
  const pairs = (q: Tensor, k: Tensor, v: Tensor): Tensor => {
    const [heads, others, values] = [q.eluPlusOne(), k.eluPlusOne(), v].map((x) => x.transpose([0, 2, 1, 3]))
    const past = Array.from({ length: N * N }, (_, i) => Number(i % N <= Math.floor(i / N)))
    const scores = heads.matmul(others.transpose([0, 1, 3, 2])).mul(tensor(past, [N, N]))
    return scores.matmul(values).div(scores.sum(-1, true)).transpose([0, 2, 1, 3])
  }
  const weights = tensor(some(B * N * H * M, 4), [B, N, H, M])
  const [chunks, whole] = [linearAttention(q, k, v, { causal: true }), pairs(q, k, v)].map((y) =>
    grad(y.mul(weights).sum(), [q, k, v]),
  )
  const found = await read(device, ...chunks, ...whole)
  for (let i = 0; i < 3; i++) assert.ok(relativeError(found[i], found[i + 3]) < 1e-11)
  device.close()
})

test('a row of nothing but padding, or no token to attend to, gives zeros and finite gradients', async () => {
  const device = await devices['wasm relaxed']()
  const parameters = new Parameters(device, attentionParameters(4), 1)
  for (const mix of Object.values(mixes))
    for (const causal of [false, true]) {
      const valid = tensor([1, 1, 0, 0], [2, 2])
      const y = attention(tensor(some(16, 1), [2, 2, 4]), parameters.tensors, { heads: 2, mix, causal, valid })
      const [found, gradient] = await read(
        device,
        y,
        parameters.flat(grad(y.narrow(0, 0, 1).square().sum(), parameters.list)),
      )
      assert.ok([...found, ...gradient].every(Number.isFinite), `${mix.name}, causal ${causal}`)
    }
  device.close()
})

test('several heads share the width, a token sees none that follow, and padding reaches no token', async () => {
  const device = await devices.reference()
  const { tensors: w } = new Parameters(device, attentionParameters(6, 4), 1)
  const [rows, tokens] = [2, 5]
  const x = some(rows * tokens * 6, 1)
  const changed = x.map((one, i) => (Math.floor(i / 6) % tokens === 3 ? one + 5 : one))
  const valid = tensor([1, 1, 1, 0, 1, 1, 1, 1, 0, 1], [rows, tokens])
  for (const mix of Object.values(mixes)) {
    const of = (values: Float64Array, options: { causal?: boolean; valid?: Tensor }) =>
      attention(tensor(values, [rows, tokens, 6]), w, { heads: 2, mix, ...options })
    const [past, later, seen, padded] = await read(
      device,
      of(x, { causal: true }),
      of(changed, { causal: true }),
      of(x, { valid }),
      of(changed, { valid }),
    )
    const width = 6
    const token = (y: ArrayLike<number>, row: number, at: number) =>
      Array.from(y).slice((row * tokens + at) * width, (row * tokens + at + 1) * width)
    for (let at = 0; at < tokens; at++) {
      const same = JSON.stringify(token(past, 0, at)) === JSON.stringify(token(later, 0, at))
      assert.is(same, at < 3, `token ${at}`)
      if (at !== 3) assert.equal(token(seen, 0, at), token(padded, 0, at))
    }
  }
  await fails('shape', 'attention: a width of 4 does not divide into 3 heads', () =>
    attention(tensor(x, [rows, tokens, 6]), w, { heads: 3 }),
  )
  const [four, others] = [tensor(some(24, 1), [1, 3, 2, 4]), tensor(some(12, 1), [1, 3, 1, 4])]
  const two = tensor(some(16, 1), [1, 2, 2, 4])
  for (const mix of Object.values(mixes))
    await fails('shape', 'causal attention: 3 queries of 2 tokens; expected one of each token at most', () =>
      mix(four, two, two, { causal: true }),
    )
  await fails('shape', /query \[1, 3, 2, 4\], key \[1, 3, 1, 4\]/, () => softmaxAttention(four, others, others))
  device.close()
})

test.run()
