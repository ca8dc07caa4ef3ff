import * as rmaat from 'rmaat'

/** The parameters of `transformer`: so many blocks, and a norm behind them. */
export const transformerParameters = (blocks: number, width: number) => ({
  blocks: Array.from({ length: blocks }, () => ({
    norms: [rmaat.layerNormParameters(width), rmaat.layerNormParameters(width)],
    mix: rmaat.attentionParameters(width),
    network: rmaat.feedForwardParameters(width, 4 * width),
  })),
  norm: rmaat.layerNormParameters(width),
})

type Weights = rmaat.Parameters<ReturnType<typeof transformerParameters>>['tensors']

/** A pre-norm transformer (Vaswani et al. 2017): x [B, N, width] -> the same; each token sees all, or those before it. */
export function transformer(x: rmaat.Tensor, weights: Weights, options: rmaat.AttentionOptions): rmaat.Tensor {
  const { layerNorm, attention, feedForward } = rmaat
  for (const { norms, mix, network } of weights.blocks) {
    x = x.add(attention(layerNorm(x, norms[0]), mix, options))
    x = x.add(feedForward(layerNorm(x, norms[1]), network))
  }
  return layerNorm(x, weights.norm)
}
