import { attentionParameters, causalMask, inChunks, masked } from '../nn/attention.ts'
import { feedForward, feedForwardParameters } from '../nn/feed-forward.ts'
import { linear, linearParameters } from '../nn/linear.ts'
import { layerNorm, layerNormParameters, rmsNorm, rmsNormParameters } from '../nn/norm.ts'
import { matrix } from '../nn/parameters.ts'
import { einsum } from '../ops/contraction.ts'
import { where } from '../ops/elementwise.ts'
import { scan } from '../ops/scan.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Layer, wholeKind } from './whole.ts'

/** tau: the gate is a sigmoid to the power of 1 / tau, so that it begins near 1. */
const TEMPERATURE = 16
/**
 * Tokens in a chunk. Within one, keys are divided by the product of the gates since its beginning; with as many tokens as tau
 * that is no less than the mean gate's sigmoid: no float32 overflows.
 */
const CHUNK = 16
/** The rank of the map from a token to its gates. */
const RANK = 16

/**
 * Gated linear attention: S_t = diag(alpha_t) S_(t-1) + k_t v_t^T, o_t = S_t^T q_t (Yang et al. 2024, section 4, in the chunked
 * form). q, k and log alpha [B, N, h, m], v [B, N, h, v] -> [B, N, h, v]. Linear in N.
 */
export function gatedLinearAttention(q: Tensor, k: Tensor, v: Tensor, logGate: Tensor): Tensor {
  const [batch, tokens, heads] = q.shape
  const [inQ, keys, values, gates] = [q, k, v, logGate].map((x) => inChunks(x, CHUNK))
  const count = inQ.shape[1]
  const faded = gates.cumsum(2)
  const whole = faded.narrow(2, -1)
  const queries = inQ.mul(faded.exp())
  const scores = einsum('bcnhm,bcjhm->bchnj', queries, keys.mul(faded.neg().exp()))
  const within = einsum('bchnj,bcjhv->bcnhv', where(causalMask(CHUNK, CHUNK), scores, 0), values)
  if (count === 1) return within.reshape(v.shape.with(1, CHUNK)).narrow(1, 0, tokens)
  // the states at the chunks' ends, [B, c, h, m, v], and from the second chunk on what they tell of those before
  const added = einsum('bcnhm,bcnhv->bchmv', keys.mul(whole.sub(faded).exp()), values)
  const states = scan(whole.exp().reshape([batch, count, heads, -1, 1]), added, { axis: 1 }).narrow(1, 0, -1)
  const before = einsum('bcnhm,bchmv->bcnhv', queries.narrow(1, 1), states).pad([
    [0, 0],
    [1, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ])
  return within
    .add(before)
    .reshape([batch, count * CHUNK, heads, -1])
    .narrow(1, 0, tokens)
}

/** The paper's block: heads normed one by one, gated by the token, projected; then the feed-forward layer. */
const layer: Layer = {
  positions: false,
  parameters: ({ width, heads, features, feedForward }) => ({
    norm1: layerNormParameters(width),
    ...attentionParameters(width, heads * features),
    fade: { in: matrix(width, RANK), out: linearParameters(RANK, heads * features) },
    each: rmsNormParameters(width / heads),
    gate: linearParameters(width, width),
    norm2: layerNormParameters(width),
    ...feedForwardParameters(width, feedForward),
  }),
  apply: (x, weights, { config: { heads, features }, valid, drop }) => {
    const z = layerNorm(x, weights.norm1)
    const [q, k, v, gates] = [
      z.matmul(weights.wq).mul(features ** -0.5),
      z.matmul(weights.wk),
      z.matmul(weights.wv),
      linear(z.matmul(weights.fade.in), weights.fade.out),
    ].map((y) => y.reshape([...y.shape.slice(0, 2), heads, -1]))
    // padding adds nothing, so that the state of nothing stays
    const mixed = gatedLinearAttention(q, masked(k, valid), v, gates.logSigmoid().div(TEMPERATURE))
    const gated = rmsNorm(mixed, weights.each).reshape(x.shape).mul(linear(z, weights.gate).silu())
    const y = x.add(drop(gated.matmul(weights.wo), 'attention'))
    return y.add(drop(feedForward(layerNorm(y, weights.norm2), weights), 'feedForward'))
  },
}

/** Linear attention whose sums fade at rates that depend on the token. */
export const gla = wholeKind(
  'gla',
  'gated linear attention: sums over the tokens that fade at rates of each token',
  layer,
  ['alpha', 'learnScale', 'norm', 'scale'],
  { norm: 'pre' },
)
