import * as rmaat from 'rmaat'
import { concat, init, layerNorm, layerNormParameters, linear, type Tensor } from 'rmaat'
import { BANDS, MATERIALS, PATCH } from './cube.ts'

/** Width d, heads, layers, memory slots m; a token is one pixel's group of bands. */
const [D, HEADS, LAYERS, SLOTS, GROUPS] = [32, 4, 2, 8, 2]
const [T, WIDTH] = [PATCH ** 2 * GROUPS, BANDS / GROUPS]

/** What a layer has beside attention: with memory its refreshment, without a wider feed-forward network of as many weights. */
const layerTree = (memory: boolean) => ({
  attend: rmaat.attentionParameters(D),
  norm: layerNormParameters(D),
  inner: rmaat.feedForwardParameters(D, memory ? 2 * D : 5 * D),
  normInner: layerNormParameters(D),
  refresh: memory ? rmaat.attentionParameters(D) : undefined,
  gate: memory ? rmaat.linearParameters(2 * D, D) : undefined,
  normMemory: memory ? layerNormParameters(D) : undefined,
})

/** Classes of patches: spectra [B, P P, bands] -> logits [B, classes]. */
export function memformer(device: rmaat.Device, memory: boolean, seed: number) {
  const tree = {
    embed: rmaat.linearParameters(WIDTH, D),
    space: rmaat.parameter([PATCH ** 2, 1, D], init.normal(0.3)),
    bands: rmaat.parameter([GROUPS, D], init.normal(0.3)),
    slots: memory ? rmaat.parameter([SLOTS, D], init.normal(0.5)) : undefined,
    layers: Array.from({ length: LAYERS }, () => layerTree(memory)),
    head: rmaat.linearParameters(memory ? 2 * D : D, MATERIALS),
  }
  const parameters = new rmaat.Parameters(device, tree, seed)
  const { embed, space, bands, slots, layers, head } = parameters.tensors
  const classify = (spectra: Tensor): Tensor => {
    const rows = spectra.shape[0]
    const place = space.add(bands).reshape([T, D]) // where in the patch, and which bands
    let x = linear(spectra.reshape([rows, T, WIDTH]), embed).add(place) // [B, T, d]
    let g = slots?.broadcastTo([rows, SLOTS, D]) // [B, m, d]
    for (const { attend, norm, inner, normInner, refresh, gate, normMemory } of layers) {
      const to = g ? concat([x, g], 1) : x // [B, T + m, d]
      x = layerNorm(x.add(rmaat.attention(x, attend, { heads: HEADS, to })), norm)
      x = layerNorm(x.add(rmaat.feedForward(x, inner)), normInner)
      if (!g || !refresh || !gate || !normMemory) continue
      const update = rmaat.attention(g, refresh, { heads: HEADS, to: x })
      const share = linear(concat([g, update], -1), gate).sigmoid()
      g = layerNorm(g.add(share.mul(update)), normMemory)
    }
    const mean = x.mean(1) // [B, d]
    return linear(g ? concat([mean, g.mean(1)], -1) : mean, head)
  }
  return { parameters, classify }
}
