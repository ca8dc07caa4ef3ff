import { aBoolean, maybe, takesOptions } from '../checks.ts'
import { sub } from '../ops/elementwise.ts'
import { loop } from '../ops/loop.ts'
import { zeros } from '../ops/row.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { init } from './init.ts'
import { takesLayer, takesSizes } from './layer.ts'
import { type LinearWeights, linear, linearParameters } from './linear.ts'

/** What `gru` takes: the gates reset and update and the new state side by side, each `hidden` wide. */
export interface GruWeights {
  /** From the inputs: w [inputs, 3 hidden], b [3 hidden]. */
  readonly input: LinearWeights
  /** From the state before: w [hidden, 3 hidden], b [3 hidden]. */
  readonly state: LinearWeights
}

/** Weights of a gated recurrent unit, uniform within ±1 / sqrt(hidden); biases of zeros. */
export function gruParameters(inputs: number, hidden: number) {
  takesSizes('gruParameters', { inputs, hidden })
  const bound = hidden ** -0.5
  const uniform = init.uniform(-bound, bound)
  return { input: linearParameters(inputs, 3 * hidden, uniform), state: linearParameters(hidden, 3 * hidden, uniform) }
}

/**
 * One step of a gated recurrent unit (Cho et al. 2014, with the reset gate behind the product): x [B, inputs] and the state
 * h [B, hidden] -> the next state. r, z = sigmoid(...), n = tanh(x W + b + r (h U + c)), h' = (1 - z) n + z h.
 */
export function gruCell(x: Tensor, h: Tensor, weights: GruWeights): Tensor {
  takesLayer('gruCell', x, weights)
  takesLayer('gruCell', h, weights)
  return next(linear(x, weights.input), h, weights.state)
}

function next(fromInput: Tensor, h: Tensor, state: LinearWeights): Tensor {
  const fromState = linear(h, state)
  const width = h.shape[h.rank - 1]
  for (const { shape } of [fromInput, fromState])
    if (shape[shape.length - 1] !== 3 * width)
      throw shapeError`gru: the gates are ${shape} for a state of ${h.shape}; expected three times its width`
  const [[xr, xz, xn], [hr, hz, hn]] = [fromInput, fromState].map((x) =>
    [0, 1, 2].map((gate) => x.narrow(-1, gate * width, (gate + 1) * width)),
  )
  const z = xz.add(hz).sigmoid()
  const n = xn.add(xr.add(hr).sigmoid().mul(hn)).tanh()
  return sub(1, z).mul(n).add(z.mul(h))
}

/** How `gru` begins, and how its gradient is found. */
export interface GruOptions {
  /** The first state, [B, hidden]; zeros where none is given. */
  readonly first?: Tensor
  /** Of `loop`: the gradient keeps every step's results instead of computing them again. */
  readonly unroll?: boolean
}

/** x [B, T, inputs] -> the states of all T steps, [B, T, hidden]. The gradient replays the steps (see `loop`). */
export function gru(x: Tensor, weights: GruWeights, options: GruOptions = {}): Tensor {
  takesLayer('gru', x, weights)
  takesOptions('gru', options, { first: maybe(aTensor), unroll: maybe(aBoolean) }, 'argument')
  if (x.rank !== 3) throw shapeError`gru: x is ${x.shape}; expected [rows, steps, inputs]`
  const { input, state } = weights
  const [rows, count] = x.shape
  const gates = linear(x, input)
  const own = [rows, gates.shape[2] / 3]
  const { first = zeros(own), unroll = false } = options
  if (!sameShape(first.shape, own)) throw shapeError`gru: the first state is ${first.shape}; expected ${own}`
  const inputs = [gates.transpose([1, 0, 2])]
  const { outputs } = loop({ count, carry: [first], inputs, unroll }, ([h], [fromInput]) => {
    const after = next(fromInput, h, state)
    return { carry: [after], outputs: [after] }
  })
  return outputs[0].transpose([1, 0, 2])
}
