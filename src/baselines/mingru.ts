import { feedForward, feedForwardParameters } from '../nn/feed-forward.ts'
import { linear, linearParameters } from '../nn/linear.ts'
import { layerNorm, layerNormParameters } from '../nn/norm.ts'
import { lessEqual, sub } from '../ops/binary.ts'
import { where } from '../ops/elementwise.ts'
import { scan } from '../ops/scan.ts'
import { type Layer, wholeKind } from './whole.ts'

/**
 * The minimal gated recurrent unit (Feng et al. 2024): h_t = (1 - z_t) h_(t-1) + z_t c_t, where z_t = sigmoid(x_t W_z) and
 * c_t = g(x_t W_c) know nothing of the state, so that it is a scan; g(c) is c + 1/2 from 0 on, sigmoid(c) below. A projection
 * and the feed-forward layer follow, norms before and residual sums behind, as in its block.
 */
const layer: Layer = {
  positions: false,
  parameters: ({ width, feedForward }) => ({
    norm1: layerNormParameters(width),
    gates: linearParameters(width, 2 * width),
    out: linearParameters(width, width),
    norm2: layerNormParameters(width),
    ...feedForwardParameters(width, feedForward),
  }),
  apply: (x, weights, { valid, drop }) => {
    const [gate, candidate] = linear(layerNorm(x, weights.norm1), weights.gates).split(x.shape[2], -1)
    const z = gate.sigmoid()
    const c = where(lessEqual(0, candidate), candidate.add(0.5), candidate.sigmoid())
    // padding adds nothing, so that the state of nothing stays
    const states = scan(sub(1, z), z.mul(c).mul(valid.unsqueeze(-1)), { axis: 1 })
    const y = x.add(drop(linear(states, weights.out), 'recurrence'))
    return y.add(drop(feedForward(layerNorm(y, weights.norm2), weights), 'feedForward'))
  },
}

/** A gated recurrent unit whose gates do not see the state. */
export const minGru = wholeKind(
  'mingru',
  'the minimal gated recurrent unit: what is kept depends on the token',
  layer,
  ['alpha', 'features', 'heads', 'learnScale', 'norm', 'scale'],
  { heads: 1, norm: 'pre' },
)
