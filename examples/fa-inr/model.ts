import * as rmaat from 'rmaat'
import { concat, einsum, init, layerNorm, linear, linearParameters, type Tensor, where } from 'rmaat'

/** E experts of which a point takes two, features k, S slots a bank of which a query takes eight; grid, octaves, line. */
const [E, CHOSEN, K, S, TAKEN, GRID, FEATURES, OCTAVES, LINE] = [3, 2, 16, 48, 8, 12, 8, 4, 10]
const ENCODED = 2 + 4 * OCTAVES

export const nets = ['bank', 'no bank', 'plain'] as const
export type Net = (typeof nets)[number]
/** Widths of the hidden layers of experts and decoder: nearly as many parameters in all. */
const WIDTHS = { bank: [32, 64], 'no bank': [64, 72], plain: [1, 93] }

/** c [..., 2] -> [..., 2 + 4 L]: itself, sines and cosines of L octaves. */
function encoded(c: Tensor): Tensor {
  const waves = Array.from({ length: OCTAVES }, (_, i) => c.mul(Math.PI * 2 ** i))
  return concat([c, ...waves.flatMap((x) => [x.sin(), x.cos()])], -1)
}

/** x, from 0 to 1, among `count` places: the index of the one below, and the share of the one above. */
function placeAmong(x: Tensor, count: number): [Tensor, Tensor] {
  const at = x.mul(count - 1)
  const below = at.floor().clamp(0, count - 2)
  return [below.cast('i32'), at.sub(below).unsqueeze(-1)]
}
const between = (a: Tensor, b: Tensor, share: Tensor): Tensor => a.add(b.sub(a).mul(share))

/** Rows of a line [count, k] at x [P] -> [P, k]. */
function alongLine(line: Tensor, x: Tensor): Tensor {
  const [below, share] = placeAmong(x, LINE)
  return between(line.gather(below), line.gather(below.add(1)), share)
}

/** Rows of a grid [G G, features] at c [P, R, 2] in [-1, 1]^2 -> [P, R, features]. */
function inGrid(grid: Tensor, c: Tensor): Tensor {
  const [[row, down], [column, across]] = [0, 1].map((axis) => placeAmong(c.select(-1, axis).add(1).mul(0.5), GRID))
  const [a, b] = [row, row.add(1)].map((at) => {
    const corner = at.mul(GRID).add(column)
    return between(grid.gather(corner), grid.gather(corner.add(1)), across)
  })
  return between(a, b, down)
}

/** All but the `count` largest of the last axis masked, for a softmax: the largest are taken away one after another. */
function largest(x: Tensor, count: number): Tensor {
  let rest = x
  for (let i = 1; i < count; i++) rest = where(rest.less(rest.max(-1, true)), rest, -1e30)
  return where(x.less(rest.max(-1, true)), -1e30, x)
}

const sine = (inputs: number) => init.uniform(-((6 / inputs) ** 0.5), (6 / inputs) ** 0.5)
const expertTree = (width: number) => ({
  grid: rmaat.parameter([GRID * GRID, FEATURES], init.normal(0.5)),
  gate: linearParameters(FEATURES, E),
  first: rmaat.parameter([E, ENCODED, width], sine(ENCODED)),
  shift: rmaat.parameter([E, 1, width], init.uniform(-Math.PI, Math.PI)),
  second: rmaat.parameter([E, width, K], sine(width)),
})
const bankTree = () => ({
  norm: rmaat.layerNormParameters(K),
  query: rmaat.parameter([E, K, K], init.normal(K ** -0.5)),
  keys: rmaat.parameter([E, S, K], init.normal(1)),
  values: rmaat.parameter([E, S, K], init.normal(0.5)),
  adapter: [linearParameters(2 * K, 2 * K), linearParameters(2 * K, K)],
  normAdapter: rmaat.layerNormParameters(K),
})
type Weights<T extends () => rmaat.ParameterTree> = rmaat.Parameters<ReturnType<T>>['tensors']

/** What f [E, P, R, k] finds in the banks, whose values s [P, k] has adapted to its parameter -> [E, P, R, k]. */
function recalled(f: Tensor, s: Tensor, { norm, query, keys, values, adapter, normAdapter }: Weights<typeof bankTree>) {
  const slots = [E, s.shape[0], S, K]
  const stored = values.unsqueeze(1).broadcastTo(slots)
  const both = concat([stored, s.unsqueeze(1).broadcastTo(slots)], -1) // [E, P, S, 2 k]
  const adapted = stored.add(layerNorm(linear(linear(both, adapter[0]).relu(), adapter[1]), normAdapter))
  const q = einsum('epri,eio->epro', layerNorm(f, norm), query)
  const scores = einsum('epri,esi->eprs', q, keys).mul(K ** -0.5)
  return einsum('eprs,epsk->eprk', largest(scores, TAKEN).softmax(), adapted)
}

/** A field's value at c [P, R, 2] for parameters x [P] -> [P, R], from 0 to 1. */
export function network(device: rmaat.Device, net: Net, seed: number) {
  const [width, wide] = WIDTHS[net]
  const read = { bank: K, 'no bank': 2 * K, plain: ENCODED + K }[net]
  const tree = {
    line: rmaat.parameter([LINE, K], init.normal(0.5)),
    experts: net === 'plain' ? undefined : expertTree(width),
    bank: net === 'bank' ? bankTree() : undefined,
    decoder: [linearParameters(read, wide), linearParameters(wide, wide), linearParameters(wide, wide)],
    out: linearParameters(wide, 1),
  }
  const parameters = new rmaat.Parameters(device, tree, seed)
  const { line, experts, bank, decoder, out } = parameters.tensors
  const valueAt = (c: Tensor, x: Tensor): Tensor => {
    const [p, r] = c.shape
    const [points, s] = [encoded(c), alongLine(line, x)] // [P, R, 2 + 4 L], [P, k]
    const told = s.unsqueeze(1).broadcastTo([p, r, K])
    let found = concat([points, told], -1)
    if (experts) {
      const hidden = einsum('ni,eio->eno', points.reshape([p * r, ENCODED]), experts.first)
        .add(experts.shift)
        .sin()
      const f = einsum('eni,eio->eno', hidden, experts.second).reshape([E, p, r, K])
      const gate = largest(linear(inGrid(experts.grid, c), experts.gate), CHOSEN).softmax() // [P, R, E]
      const mixed = einsum('pre,eprk->prk', gate, bank ? f.add(recalled(f, s, bank)) : f)
      found = bank ? mixed : concat([mixed, told], -1)
    }
    const last = decoder.reduce((y, layer) => linear(y, layer).relu(), found)
    return linear(last, out).squeeze(-1).sigmoid()
  }
  return { parameters, valueAt }
}
