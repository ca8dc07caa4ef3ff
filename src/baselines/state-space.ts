import type { ModelKind } from '../nn/kind.ts'
import { linear, linearParameters } from '../nn/linear.ts'
import { layerNorm, layerNormParameters } from '../nn/norm.ts'
import type { ParameterTree } from '../nn/parameters.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Layer, type Weights, type WholeConfig, wholeKind } from './whole.ts'

/** A linear recurrence over the tokens, x [B, N, d] -> the same. */
export interface Recurrence {
  readonly parameters: (config: WholeConfig) => ParameterTree
  /** `valid` is f32 [B, N]: padding, which comes first, adds nothing, so that the state of nothing stays. */
  readonly apply: (x: Tensor, weights: Weights, valid: Tensor) => Tensor
}

/**
 * Layers of a state-space model: norm, recurrence, gelu, gated linear unit, and the residual sum. `used` are the settings of a
 * block of attention that the recurrence has a use for.
 */
export function stateSpaceKind(
  name: string,
  description: string,
  { parameters, apply }: Recurrence,
  used: readonly string[] = [],
): ModelKind {
  const layer: Layer = {
    positions: false,
    parameters: (config) => ({
      norm: layerNormParameters(config.width),
      ...parameters(config),
      gate: linearParameters(config.width, 2 * config.width),
    }),
    apply: (x, weights, { valid, drop }) => {
      const y = drop(apply(layerNorm(x, weights.norm), weights, valid).gelu(), 'recurrence')
      const [value, gate] = linear(y, weights.gate).split(x.shape[2], -1)
      return x.add(drop(value.mul(gate.sigmoid()), 'gate'))
    },
  }
  const useless = ['alpha', 'features', 'feedForward', 'heads', 'learnScale', 'norm', 'scale'].filter(
    (setting) => !used.includes(setting),
  )
  return wholeKind(name, description, layer, useless, { heads: 1, norm: 'pre' })
}
