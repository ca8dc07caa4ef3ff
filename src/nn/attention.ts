import { aBoolean, aCount, aFunction, maybe, takes, takesOptions } from '../checks.ts'
import { einsum } from '../ops/contraction.ts'
import { lessEqual, where } from '../ops/elementwise.ts'
import { loop } from '../ops/loop.ts'
import { iota, zeros } from '../ops/row.ts'
import { concat } from '../ops/views.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { takesLayer } from './layer.ts'
import { matrix } from './parameters.ts'

/** Which tokens are seen. */
export interface MixOptions {
  /** Token i sees the tokens 0 ... i alone. */
  readonly causal?: boolean
  /** 1 for a token, 0 for padding, which no token sees: f32 [B, N]. */
  readonly valid?: Tensor
}

/**
 * Mixes values [B, N, h, v] by queries [B, Q, h, m], which are those of the first Q tokens, and keys [B, N, h, m]:
 * -> [B, Q, h, v]. B batch, N tokens, h heads, m and v the widths of a head's keys and values.
 */
export type Mix = (query: Tensor, key: Tensor, value: Tensor, options?: MixOptions) => Tensor

/** What `attention` takes: the projections, B rows of N tokens, h heads, m and v the widths of a head's keys and values. */
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
  /** What is attended to, [B, N, width], where it is not x itself. */
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
 * Attention with several heads (Vaswani et al. 2017): x [B, Q, width] asks, the tokens of `to` answer -> [B, Q, width].
 * @throws RmaatError 'shape' where the widths do not divide into heads
 */
export function attention(x: Tensor, weights: AttentionWeights, options: AttentionOptions): Tensor {
  takesLayer('attention', x, weights, ['wq', 'wk', 'wv', 'wo'])
  takesOptions('attention', options, optionKinds, 'argument')
  const { heads, to = x, mix = softmaxAttention, ...seen } = options
  const { wq, wk, wv, wo } = weights
  if (x.rank !== 3 || to.rank !== 3) throw shapeError`attention: of ${x.shape} to ${to.shape}; expected [B, N, width]`
  const split = (y: Tensor): Tensor => {
    const [rows, tokens, width] = y.shape
    if (width % heads) throw shapeError`attention: a width of ${width} does not divide into ${heads} heads`
    return y.reshape([rows, tokens, heads, width / heads])
  }
  const mixed = mix(split(x.matmul(wq)), split(to.matmul(wk)), split(to.matmul(wv)), seen)
  takes('attention', { 'what mix returns': mixed }, { 'what mix returns': aTensor })
  return mixed.reshape([...x.shape.slice(0, 2), -1]).matmul(wo)
}

/** What a masked score becomes: far below any other, and finite. */
const MASKED = -1e30

/** 1 where the query i may see the key j <= i: i32 [queries, keys]. */
const isPast = (queries: number, keys: number): Tensor => lessEqual(iota([queries, keys], 1), iota([queries, keys], 0))

/** Throws where operands do not fit; the options. */
function checkMix(where: string, query: Tensor, key: Tensor, value: Tensor, options: MixOptions = {}): MixOptions {
  takes(where, { query, key, value }, { query: aTensor, key: aTensor, value: aTensor })
  takesOptions(where, options, mixKinds, 'argument')
  const [rows, tokens, heads, features] = key.shape
  const fits =
    key.rank === 4 &&
    sameShape(query.shape, [rows, query.shape[1], heads, features]) &&
    sameShape(value.shape, [rows, tokens, heads, value.shape[3]])
  if (!fits)
    throw shapeError`${where}: query ${query.shape}, key ${key.shape}, value ${value.shape}; expected [B, Q, h, m], [B, N, h, m] and [B, N, h, v]`
  if (options.valid && !sameShape(options.valid.shape, [rows, tokens]))
    throw shapeError`${where}: valid is ${options.valid.shape}; expected ${[rows, tokens]}`
  return options
}

/** Softmax of scaled dot products (Vaswani et al. 2017); quadratic in the number of tokens. */
export function softmaxAttention(query: Tensor, key: Tensor, value: Tensor, options?: MixOptions): Tensor {
  const { causal, valid } = checkMix('softmaxAttention', query, key, value, options)
  const [rows, tokens, , features] = key.shape
  const scores = einsum('bnhm,bjhm->bhnj', query, key).mul(features ** -0.5)
  const masks = [
    ...(valid ? [valid.greater(0).reshape([rows, 1, 1, tokens])] : []),
    ...(causal ? [isPast(query.shape[1], tokens)] : []),
  ]
  const seen = masks.reduce((scores, mask) => where(mask, scores, MASKED), scores)
  return einsum('bhnj,bjhv->bnhv', seen.softmax(), value)
}

/** The feature map elu + 1 of Katharopoulos et al. 2020. */
export const phi = (x: Tensor): Tensor => x.eluPlusOne()

/** Rows that are padding made zero: [B, N, h, v], [B, N]. */
export const masked = (x: Tensor, valid?: Tensor): Tensor => (valid ? x.mul(valid.reshape([...valid.shape, 1, 1])) : x)

/** Tokens that causal linear attention goes over at a time: below, pairs of them cost less than their state. */
const CHUNK = 64

/**
 * Linear attention (Katharopoulos et al. 2020): phi(Q) phi(K)^T V, divided by its row sums, phi = elu + 1; linear in the
 * number of tokens. A causal one goes over chunks of them and hands on the sums over all before.
 */
export function linearAttention(query: Tensor, key: Tensor, value: Tensor, options?: MixOptions): Tensor {
  const { causal, valid } = checkMix('linearAttention', query, key, value, options)
  const [q, k] = [phi(query), phi(key)]
  if (causal) return causalLinear(q, masked(k, valid), value)
  const state = einsum('bnhm,bnhv->bhmv', k, masked(value, valid))
  const norm = einsum('bnhm,bhm->bnh', q, valid ? einsum('bnhm,bn->bhm', k, valid) : k.sum(1))
  return einsum('bnhm,bhmv->bnhv', q, state).div(norm.reshape([...norm.shape, 1]))
}

function causalLinear(q: Tensor, k: Tensor, value: Tensor): Tensor {
  const [rows, tokens, heads, features] = k.shape
  if (q.shape[1] !== tokens)
    throw shapeError`linearAttention: ${q.shape[1]} queries of ${tokens} tokens; a causal one asks for all of them`
  const size = Math.min(tokens, CHUNK)
  const count = Math.ceil(tokens / size)
  // a column of ones beside the values: its sums divide the others
  const v = concat([value, zeros([rows, tokens, heads, 1]).add(1)], -1)
  const width = v.shape[3]
  const chunks = [q, k, v].map((x) =>
    x
      .pad([
        [0, 0],
        [0, count * size - tokens],
        [0, 0],
        [0, 0],
      ])
      .reshape([rows, count, size, heads, x.shape[3]])
      .transpose([1, 0, 2, 3, 4]),
  )
  const { outputs } = loop(
    { count, carry: [zeros([rows, heads, features, width])], inputs: chunks },
    ([before], [q, k, v]) => {
      const scores = where(isPast(size, size), einsum('bnhm,bjhm->bhnj', q, k), 0)
      const mixed = einsum('bhnj,bjhv->bnhv', scores, v).add(einsum('bnhm,bhmv->bnhv', q, before))
      return { carry: [before.add(einsum('bnhm,bnhv->bhmv', k, v))], outputs: [mixed] }
    },
  )
  const sums = outputs[0]
    .transpose([1, 0, 2, 3, 4])
    .reshape([rows, count * size, heads, width])
    .narrow(1, 0, tokens)
  const norm = sums.narrow(3, width - 1)
  // a token that sees padding alone gets zeros
  return sums.narrow(3, 0, width - 1).div(where(norm.greater(0), norm, 1))
}
