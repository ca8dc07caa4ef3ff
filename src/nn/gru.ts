import { loop } from '../autograd/loop.ts'
import { aBoolean, maybe, takesOptions } from '../checks.ts'
import { sub } from '../ops/binary.ts'
import { zeros } from '../ops/entry.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { init } from './init.ts'
import { takesLayer, takesSizes } from './layer.ts'
import { type LinearWeights, linear, linearParameters } from './linear.ts'

/** What `gru` takes: the reset gate, the update gate and the candidate state concatenated, each `hidden` wide. */
export interface GruWeights {
  /** From the inputs: w [inputs, 3 hidden], b [3 hidden]. */
  readonly input: LinearWeights
  /** From the previous state: w [hidden, 3 hidden], b [3 hidden]. */
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
 * One step of a gated recurrent unit (Cho et al. 2014, with the reset gate after the product): x [B, inputs] and the state
 * h [B, hidden] -> the next state. r, z = sigmoid(...), n = tanh(x W + b + r (h U + c)), h' = (1 - z) n + z h.
 */
export function gruCell(x: Tensor, h: Tensor, weights: GruWeights): Tensor {
  takesLayer('gruCell', x, weights)
  takesLayer('gruCell', h, weights)
  return nextState(linear(x, weights.input), h, weights.state)
}

function nextState(fromInput: Tensor, h: Tensor, state: LinearWeights): Tensor {
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

/** The options of `gru`. */
export interface GruOptions {
  /** The initial state, [B, hidden]; zeros by default. */
  readonly first?: Tensor
  /** As in `loop`: the gradient keeps every step's intermediates instead of recomputing them. */
  readonly unroll?: boolean
}

/** x [B, T, inputs] -> the states of all T steps, [B, T, hidden]. The gradient replays the steps (see `loop`). */
export function gru(x: Tensor, weights: GruWeights, options: GruOptions = {}): Tensor {
  takesLayer('gru', x, weights)
  takesOptions('gru', options, { first: maybe(aTensor), unroll: maybe(aBoolean) }, 'argument')
  if (x.rank !== 3) throw shapeError`gru: x is ${x.shape}; expected [batch, steps, inputs]`
  const { input, state } = weights
  const [batch, count] = x.shape
  const gates = linear(x, input)
  const stateShape = [batch, gates.shape[2] / 3]
  const { first = zeros(stateShape), unroll = false } = options
  if (!sameShape(first.shape, stateShape))
    throw shapeError`gru: the first state is ${first.shape}; expected ${stateShape}`
  const inputs = [gates.transpose([1, 0, 2])]
  const { outputs } = loop({ count, carry: [first], inputs, unroll }, ([h], [fromInput]) => {
    const updated = nextState(fromInput, h, state)
    return { carry: [updated], outputs: [updated] }
  })
  return outputs[0].transpose([1, 0, 2])
}
