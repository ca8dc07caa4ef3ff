import { loop } from '../autograd/loop.ts'
import { aBoolean, aCount, aFunction, maybe, takes, takesOptions } from '../checks.ts'
import { lessEqual } from '../ops/binary.ts'
import { einsum } from '../ops/contraction.ts'
import { where } from '../ops/elementwise.ts'
import { iota, zeros } from '../ops/entry.ts'
import { concat } from '../ops/views.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { takesLayer } from './layer.ts'
import { matrix } from './parameters.ts'

/** The mask of attention. */
export interface MixOptions {
  /** Token i attends to the tokens 0 ... i alone. */
  readonly causal?: boolean
  /** 1 for a token, 0 for padding, to which no token attends: f32 [B, N]. */
  readonly valid?: Tensor
}

/**
 * Mixes values [B, N, h, v] by queries [B, Q, h, m], which are those of the first Q tokens, and keys [B, N, h, m]:
 * -> [B, Q, h, v]. B batch, N tokens, h heads, m and v the widths of a head's keys and values.
 */
export type Mix = (query: Tensor, key: Tensor, value: Tensor, options?: MixOptions) => Tensor

/** The four projections: h heads, m and v the widths of a head's keys and values. */
export interface AttentionWeights {
  /** [width, h m], [width, h m], [width, h v], [h v, width] */
  readonly wq: Tensor
  readonly wk: Tensor
  readonly wv: Tensor
  readonly wo: Tensor
}

/** How `attention` is computed. */
export interface AttentionOptions extends MixOptions {
  readonly heads: number
  /** The source of keys and values, [B, N, width], where it is not x itself. */
  readonly to?: Tensor
  /** `softmaxAttention`, which is the default, `linearAttention`, or one of your own. */
  readonly mix?: Mix
}

/** The four projections of attention over tokens of some width; queries and keys are `keys` wide, all heads together. */
export const attentionParameters = (width: number, keys = width) => ({
  wq: matrix(width, keys),
  wk: matrix(width, keys),
  wv: matrix(width, width),
  wo: matrix(width, width),
})

const mixKinds = { causal: maybe(aBoolean), valid: maybe(aTensor) }
const optionKinds = {
  heads: aCount,
  to: maybe(aTensor),
  mix: maybe(aFunction),
  ...mixKinds,
}

/**
 * Multi-head attention (Vaswani et al. 2017): queries from x [B, Q, width], keys and values from `to` -> [B, Q, width].
 * @throws RmaatError 'shape' where the widths do not divide into heads
 */
export function attention(x: Tensor, weights: AttentionWeights, options: AttentionOptions): Tensor {
  takesLayer('attention', x, weights, ['wq', 'wk', 'wv', 'wo'])
  takesOptions('attention', options, optionKinds, 'argument')
  const { heads, to = x, mix = softmaxAttention, ...mask } = options
  const { wq, wk, wv, wo } = weights
  if (x.rank !== 3 || to.rank !== 3) throw shapeError`attention: of ${x.shape} to ${to.shape}; expected [B, N, width]`
  const split = (y: Tensor): Tensor => {
    const [batch, tokens, width] = y.shape
    if (width % heads) throw shapeError`attention: a width of ${width} does not divide into ${heads} heads`
    return y.reshape([batch, tokens, heads, width / heads])
  }
  const mixed = mix(split(x.matmul(wq)), split(to.matmul(wk)), split(to.matmul(wv)), mask)
  takes('attention', { 'what mix returns': mixed }, { 'what mix returns': aTensor })
  return mixed.reshape([...x.shape.slice(0, 2), -1]).matmul(wo)
}

/** The score of a masked pair: far below any other, and finite. */
const MASKED = -1e30

/** The causal mask: 1 where the key j <= the query i, i32 [queries, keys]. */
export const causalMask = (queries: number, keys: number): Tensor =>
  lessEqual(iota([queries, keys], 1), iota([queries, keys], 0))

function checkQueries(queries: number, tokens: number): void {
  if (queries > tokens)
    throw shapeError`causal attention: ${queries} queries of ${tokens} tokens; expected one of each token at most`
}

/** Checks operands and options; returns the options. */
function checkMix(where: string, query: Tensor, key: Tensor, value: Tensor, options: MixOptions = {}): MixOptions {
  takes(where, { query, key, value }, { query: aTensor, key: aTensor, value: aTensor })
  takesOptions(where, options, mixKinds, 'argument')
  const [batch, tokens, heads, features] = key.shape
  const fits =
    key.rank === 4 &&
    sameShape(query.shape, [batch, query.shape[1], heads, features]) &&
    sameShape(value.shape, [batch, tokens, heads, value.shape[3]])
  if (!fits)
    throw shapeError`${where}: query ${query.shape}, key ${key.shape}, value ${value.shape}; expected [B, Q, h, m], [B, N, h, m] and [B, N, h, v]`
  if (options.valid && !sameShape(options.valid.shape, [batch, tokens]))
    throw shapeError`${where}: valid is ${options.valid.shape}; expected ${[batch, tokens]}`
  return options
}

/** Softmax of scaled dot products (Vaswani et al. 2017); quadratic in the number of tokens. */
export function softmaxAttention(query: Tensor, key: Tensor, value: Tensor, options?: MixOptions): Tensor {
  const { causal, valid } = checkMix('softmaxAttention', query, key, value, options)
  const [batch, tokens, , features] = key.shape
  if (causal) checkQueries(query.shape[1], tokens)
  const scores = einsum('bnhm,bjhm->bhnj', query, key).mul(features ** -0.5)
  const masks = [
    ...(valid ? [valid.greater(0).reshape([batch, 1, 1, tokens])] : []),
    ...(causal ? [causalMask(query.shape[1], tokens)] : []),
  ]
  const maskedScores = masks.reduce((scores, mask) => where(mask, scores, MASKED), scores)
  return einsum('bhnj,bjhv->bnhv', maskedScores.softmax(), value)
}

/** The feature map elu + 1 of Katharopoulos et al. 2020. */
export const phi = (x: Tensor): Tensor => x.eluPlusOne()

/** x with the padding tokens set to zero: [B, N, h, v], [B, N]. */
export const masked = (x: Tensor, valid?: Tensor): Tensor => (valid ? x.mul(valid.reshape([...valid.shape, 1, 1])) : x)

/** Tokens that causal linear attention takes at a time: the products of their pairs cost no more than their sums. */
const CHUNK = 64

/**
 * Linear attention (Katharopoulos et al. 2020): phi(Q) phi(K)^T V, each token's divided by phi(q) sum phi(k), phi = elu + 1;
 * linear in the number of tokens, causal or not.
 */
export function linearAttention(query: Tensor, key: Tensor, value: Tensor, options?: MixOptions): Tensor {
  const { causal, valid } = checkMix('linearAttention', query, key, value, options)
  const [q, k] = [phi(query), phi(key)]
  if (causal) {
    // the normaliser is one more column: the sum of the scores is their product with ones
    const ones = zeros([...value.shape.slice(0, 3), 1]).add(1)
    const sums = causalSums(q, masked(k, valid), concat([value, ones], -1))
    const norm = sums.narrow(3, -1)
    return divided(sums.narrow(3, 0, -1), norm)
  }
  const state = einsum('bnhm,bnhv->bhmv', k, masked(value, valid))
  const norm = einsum('bnhm,bhm->bnh', q, valid ? einsum('bnhm,bn->bhm', k, valid) : k.sum(1))
  return divided(einsum('bnhm,bhmv->bnhv', q, state), norm.reshape([...norm.shape, 1]))
}

/** A token with nothing but padding to attend to gets zeros. */
const divided = (sums: Tensor, norm: Tensor): Tensor => sums.div(where(norm.greater(0), norm, 1))

/** x [B, N, h, w] -> [B, chunks, size, h, w]: chunks of so many tokens, the last one filled up with zeros. */
export function inChunks(x: Tensor, size: number): Tensor {
  const [batch, tokens, heads, width] = x.shape
  const count = Math.ceil(tokens / size)
  const none = [0, 0]
  return x.pad([none, [0, count * size - tokens], none, none]).reshape([batch, count, size, heads, width])
}

/**
 * q_n sum_{j <= n} k_j^T v_j: q [B, Q, h, m] of the first Q tokens, k [B, N, h, m], v [B, N, h, v] -> [B, Q, h, v]. Goes over
 * chunks of tokens and hands on the sums [B, h, m, v] over all chunks before: linear in the number of tokens.
 */
export function causalSums(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const [batch, tokens, heads, features] = q.shape
  checkQueries(tokens, k.shape[1])
  const size = Math.ceil(tokens / Math.ceil(tokens / CHUNK)) // of equal chunks little is filled up
  const chunks = [q, k, v].map((x) => inChunks(x.narrow(1, 0, tokens), size).transpose([1, 0, 2, 3, 4]))
  const count = chunks[0].shape[0]
  const within = (q: Tensor, k: Tensor, v: Tensor): Tensor =>
    einsum('bhnj,bjhv->bnhv', where(causalMask(size, size), einsum('bnhm,bjhm->bhnj', q, k), 0), v)
  if (count === 1) return within(q, k.narrow(1, 0, tokens), v.narrow(1, 0, tokens))
  const { outputs } = loop(
    { count, carry: [zeros([batch, heads, features, v.shape[3]])], inputs: chunks },
    ([before], [q, k, v]) => {
      const mixed = within(q, k, v).add(einsum('bnhm,bhmv->bnhv', q, before))
      return { carry: [before.add(einsum('bnhm,bnhv->bhmv', k, v))], outputs: [mixed] }
    },
  )
  return outputs[0]
    .transpose([1, 0, 2, 3, 4])
    .reshape([batch, count * size, heads, v.shape[3]])
    .narrow(1, 0, tokens)
}
