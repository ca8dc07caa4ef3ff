import * as rmaat from 'rmaat'
import { einsum, feedForward, init, layerNorm, linear, linearParameters, stack, type Tensor } from 'rmaat'
import { N } from './kuramoto-sivashinsky.ts'

/** Channels d, heads h, modes M; a head's queries and keys are three times as wide as its values. */
const [D, HEADS, MODES, LAYERS, KEYS] = [24, 4, 12, 1, 18]

/** What is made of the global branch and of the pointwise one. */
export const mixings = {
  'global x local': (whole: Tensor, point: Tensor) => whole.mul(point),
  'global + local': (whole: Tensor, point: Tensor) => whole.add(point),
  'global alone': (whole: Tensor) => whole,
  'local alone': (_: Tensor, point: Tensor) => point,
}
export type Mixing = keyof typeof mixings

const layerTree = () => ({
  spectrum: rmaat.parameter([MODES, 2, D, D], init.normal((2 * D) ** -0.5)),
  norm: rmaat.layerNormParameters(D),
  projections: linearParameters(D, 2 * HEADS * KEYS + D), // queries, keys, values
  normHeads: rmaat.layerNormParameters(D),
  heads: linearParameters(D, D),
  local: linearParameters(D, D),
  psi: rmaat.feedForwardParameters(D, 2 * D),
  skip: linearParameters(D, D),
  dt: rmaat.parameter([1], init.ones()),
})
type Layer = rmaat.Parameters<ReturnType<typeof layerTree>>['tensors']

/** Pairs of x [B, N, h, 2 m] turned by an angle that grows with the place: whole turns a ring, as it has no ends. */
function rotary(x: Tensor): Tensor {
  const m = KEYS / 2
  const angles = Array.from({ length: N * m }, (_, i) => (2 * Math.PI * Math.floor(i / m) * ((i % m) + 1)) / N)
  const [cos, sin] = [Math.cos, Math.sin].map((f) => rmaat.tensor(angles.map(f), [N, 1, m]))
  const [a, b] = x.split(m, -1) // [B, N, h, m]
  return rmaat.concat([a.mul(cos).sub(b.mul(sin)), a.mul(sin).add(b.mul(cos))], -1)
}

/** The lowest modes of v [B, N, d], each with its channels mixed by a complex matrix -> [B, N, d]. */
function spectralEmbedding(v: Tensor, { spectrum, norm }: Layer): Tensor {
  const modes = rmaat.rfft(v, 1).narrow(1, 0, MODES) // [B, M, 2, d]
  const [re, im] = [0, 1].map((part) => spectrum.select(1, part)) // [M, d, d]
  const matrix = stack([stack([re, im], 2), stack([im.neg(), re], 2)], 1) // [M, 2, d, 2, d]
  const mixed = einsum('bkqc,kqcpe->bkpe', modes, matrix) // [B, M, 2, d]
  const above = rmaat.zeros([v.shape[0], N / 2 + 1 - MODES, 2, D])
  return layerNorm(rmaat.irfft(rmaat.concat([mixed, above], 1), N, 1), norm)
}

/** Attention to all points, without softmax, so that (q k^T) v is q (k^T v): v [B, N, d] -> [B, N, d]. */
function globalBranch(v: Tensor, weights: Layer): Tensor {
  const all = linear(spectralEmbedding(v, weights), weights.projections).reshape([v.shape[0], N, HEADS, -1])
  const [query, key, value] = all.split([KEYS, KEYS, D / HEADS], -1) // [B, N, h, 3 d / h] twice, [B, N, h, d / h]
  const state = einsum('bnhm,bnhv->bhmv', rotary(key), value).mul(1 / N)
  const mixed = einsum('bnhm,bhmv->bnhv', rotary(query), state).reshape(v.shape)
  return linear(layerNorm(mixed, weights.normHeads), weights.heads)
}

/** The field a frame later: u [B, N] -> [B, N]; a layer is v + dt (psi(M(v)) + W v). */
export function dynformer(device: rmaat.Device, mixing: Mixing, seed: number) {
  const pair = (a: number, b: number, c: number) => ({ up: linearParameters(a, b), down: linearParameters(b, c) })
  const layerTrees = Array.from({ length: LAYERS }, layerTree)
  const tree = { lift: pair(1, 2 * D, D), layers: layerTrees, project: pair(D, 2 * D, 1) }
  const parameters = new rmaat.Parameters(device, tree, seed)
  const { lift, layers, project } = parameters.tensors
  const next = (u: Tensor): Tensor => {
    let v = feedForward(u.unsqueeze(-1), lift) // [B, N, d]
    for (const weights of layers) {
      const mixed = mixings[mixing](globalBranch(v, weights), linear(v, weights.local))
      v = v.add(feedForward(mixed, weights.psi).add(linear(v, weights.skip)).mul(weights.dt))
    }
    return u.add(feedForward(v, project).squeeze(-1))
  }
  return { parameters, next }
}
