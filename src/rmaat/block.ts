import { filled, matrix } from '../nn/parameters.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Attention, AttentionConfig } from './attention/attention.ts'
import type { ModelConfig } from './config.ts'

export const EPSILON = 1e-5 // of every layer norm

export const normParameters = (width: number) => ({ gain: filled([width], 1), bias: filled([width], 0) })
export const linearParameters = (from: number, to: number, std?: number) => ({
  w: matrix(from, to, std),
  b: filled([to], 0),
})

export const blockParameters = (
  attention: Attention,
  { width, heads, features, feedForward }: ModelConfig,
  config: AttentionConfig,
) => ({
  wq: matrix(width, heads * features),
  wk: matrix(width, heads * features),
  wv: matrix(width, width),
  wo: matrix(width, width),
  norm1: normParameters(width),
  norm2: normParameters(width),
  up: linearParameters(width, feedForward),
  down: linearParameters(feedForward, width),
  ...attention.parameters(config),
})

type Linear = { readonly w: Tensor; readonly b: Tensor }
export type Norm = { readonly gain: Tensor; readonly bias: Tensor }
export interface BlockWeights {
  readonly wq: Tensor
  readonly wk: Tensor
  readonly wv: Tensor
  readonly wo: Tensor
  readonly norm1: Norm
  readonly norm2: Norm
  readonly up: Linear
  readonly down: Linear
}

export interface BlockContext {
  readonly attention: Attention
  readonly config: AttentionConfig
  readonly norm: ModelConfig['norm']
  /** What the attention has prepared. */
  readonly prepared: Tensor | undefined
  /** f32 [B, N]: 1 for a token, 0 for padding. */
  readonly valid: Tensor
  /** Dropout by the name of the layer's output. */
  readonly drop: (x: Tensor, site: string) => Tensor
  /** Q: of how many tokens, the first ones, the output is wanted. */
  readonly wanted: number
}

export const layerNorm = (x: Tensor, { gain, bias }: Norm): Tensor => x.layerNorm(gain, bias, EPSILON)
export const affine = (x: Tensor, { w, b }: Linear): Tensor => x.matmul(w).add(b)

/**
 * One encoder block, x [B, N, d] -> [B, Q, d]: all tokens are attended to, Q of them attend. post: y = LN(x + attention(x)),
 * out = LN(y + FFN(y)), as in the paper's predecessor; pre: y = x + attention(LN x), out = y + FFN(LN y).
 */
export function block(
  x: Tensor,
  weights: BlockWeights,
  { attention, config, norm, prepared, valid, drop, wanted }: BlockContext,
): Tensor {
  const first = (z: Tensor): Tensor => z.narrow(1, 0, wanted)
  const attend = (z: Tensor, asking: Tensor): Tensor => {
    const heads = (y: Tensor): Tensor => y.reshape([...y.shape.slice(0, 2), config.heads, -1])
    const query = heads(asking.matmul(weights.wq))
    const [key, value] = [heads(z.matmul(weights.wk)), heads(z.matmul(weights.wv))]
    const mixed = attention.attend({ query, key, value, valid, prepared }, config)
    return drop(mixed.reshape(asking.shape).matmul(weights.wo), 'attention')
  }
  const feedForward = (z: Tensor): Tensor => drop(affine(affine(z, weights.up).gelu(), weights.down), 'feedForward')
  if (norm === 'post') {
    const asking = first(x)
    const y = layerNorm(attend(x, asking).add(asking), weights.norm1)
    return layerNorm(feedForward(y).add(y), weights.norm2)
  }
  const z = layerNorm(x, weights.norm1)
  const y = first(x).add(attend(z, first(z)))
  return y.add(feedForward(layerNorm(y, weights.norm2)))
}
