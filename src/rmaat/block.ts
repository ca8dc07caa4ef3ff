import { type AttentionWeights, attention, attentionParameters, type Mix } from '../nn/attention.ts'
import { type FeedForwardWeights, feedForward, feedForwardParameters } from '../nn/feed-forward.ts'
import { type LayerNormWeights, layerNorm, layerNormParameters } from '../nn/norm.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Attention, AttentionConfig, AttentionWeights as OwnWeights } from './attention/attention.ts'
import type { ModelConfig } from './config.ts'

export const blockParameters = (
  attention: Attention,
  { width, heads, features, feedForward }: Pick<ModelConfig, 'width' | 'heads' | 'features' | 'feedForward'>,
  config: AttentionConfig,
) => ({
  ...attentionParameters(width, heads * features),
  norm1: layerNormParameters(width),
  norm2: layerNormParameters(width),
  ...feedForwardParameters(width, feedForward),
  ...attention.parameters(config),
})

export interface BlockWeights extends AttentionWeights, FeedForwardWeights {
  readonly norm1: LayerNormWeights
  readonly norm2: LayerNormWeights
}

export interface BlockContext {
  readonly attention: Attention
  readonly config: AttentionConfig
  readonly norm: ModelConfig['norm']
  /** The result of the attention's `prepare`. */
  readonly prepared: Tensor | undefined
  /** f32 [B, N]: 1 for a token, 0 for padding. */
  readonly valid: Tensor
  /** Dropout, by the name of the sublayer. */
  readonly drop: (x: Tensor, site: string) => Tensor
  /** Q: the output is computed for the first Q tokens. */
  readonly wanted: number
}

/**
 * One encoder block, x [B, N, d] -> [B, Q, d]: keys and values of all N tokens, queries of the first Q.
 * post: y = LN(x + attention(x)), out = LN(y + FFN(y)), as in the paper's predecessor;
 * pre: y = x + attention(LN x), out = y + FFN(LN y).
 */
export function block(
  x: Tensor,
  weights: BlockWeights,
  { attention: { attend }, config, norm, prepared, valid, drop, wanted }: BlockContext,
): Tensor {
  const first = (z: Tensor): Tensor => z.narrow(1, 0, wanted)
  const own = weights as unknown as OwnWeights
  const mix: Mix = (query, key, value) => attend({ query, key, value, valid, weights: own, prepared }, config)
  const attended = (z: Tensor, queries: Tensor): Tensor =>
    drop(attention(queries, weights, { heads: config.heads, to: z, mix }), 'attention')
  const fed = (z: Tensor): Tensor => drop(feedForward(z, weights), 'feedForward')
  if (norm === 'post') {
    const residual = first(x)
    const y = layerNorm(attended(x, residual).add(residual), weights.norm1)
    return layerNorm(fed(y).add(y), weights.norm2)
  }
  const z = layerNorm(x, weights.norm1)
  const y = first(x).add(attended(z, first(z)))
  return y.add(fed(layerNorm(y, weights.norm2)))
}
