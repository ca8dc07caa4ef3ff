import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { gatedLinearAttention } from '../../src/baselines/gla.ts'
import { compile, f32 } from '../../src/program/program.ts'
import { devices, relativeError } from '../support/devices.ts'

/** S_t = diag(alpha_t) S_(t-1) + k_t v_t^T, o_t = S_t^T q_t, of one sequence and head. */
function stepByStep(q: number[][], k: number[][], v: number[][], logGate: number[][]): number[] {
  const state = k[0].map(() => v[0].map(() => 0))
  return q.flatMap((query, t) => {
    state.forEach((row, m) => {
      for (const [i, x] of v[t].entries()) row[i] = Math.exp(logGate[t][m]) * row[i] + k[t][m] * x
    })
    return v[t].map((_, i) => query.reduce((sum, x, m) => sum + x * state[m][i], 0))
  })
}

// of one chunk, of whole ones, of one that is cut short
for (const tokens of [5, 32, 37])
  test(`${tokens} tokens in chunks are what they are step by step`, async () => {
    const device = await devices.reference()
    const matrix = (width: number, seed: number, scale = 1) =>
      Array.from({ length: tokens }, (_, t) =>
        Array.from({ length: width }, (_, i) => scale * Math.sin(seed + 7 * t + 3 * i + t * i)),
      )
    const [q, k, v] = [matrix(3, 1), matrix(3, 2), matrix(2, 3)]
    const gates = matrix(3, 4, 0.4).map((row) => row.map((x) => x - 0.4))
    const inputs = {
      q: f32(1, tokens, 1, 3),
      k: f32(1, tokens, 1, 3),
      v: f32(1, tokens, 1, 2),
      gates: f32(1, tokens, 1, 3),
    }
    const program = compile(device, inputs, (x) => gatedLinearAttention(x.q, x.k, x.v, x.gates))
    const found = await program.arrays({ q: q.flat(), k: k.flat(), v: v.flat(), gates: gates.flat() })
    assert.ok(relativeError(found, stepByStep(q, k, v, gates)) < 1e-12)
    device.close()
  })

test.run()
