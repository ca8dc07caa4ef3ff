import type { ParameterSpec } from '../../nn/parameters.ts'
import type { Tensor } from '../../tensor/tensor.ts'

export interface AttentionConfig {
  readonly heads: number
  /** Width of a query or key in each head. */
  readonly features: number
  /** N: memory tokens and tokens of the segment. */
  readonly tokens: number
  readonly alpha: number
  /** Whether the scale of distances is learned, and its (initial) value for a distance of one token. */
  readonly learnScale: boolean
  readonly scale: number
  /** Whether token n attends to the tokens 0 ... n alone. */
  readonly causal?: boolean
}

export interface AttentionInputs {
  /** [B, Q, h, m], of the first Q tokens. */
  readonly query: Tensor
  /** [B, N, h, m] */
  readonly key: Tensor
  /** [B, N, h, v] */
  readonly value: Tensor
  /** 1 for a token, 0 for padding: f32 [B, N]. */
  readonly valid: Tensor
  /** The block's parameters by name, those that `parameters` asks for among them. */
  readonly weights: AttentionWeights
  /** The result of `prepare`. */
  readonly prepared: Tensor | undefined
}

export type AttentionWeights = Readonly<Record<string, Tensor>>

/** A kind of attention within a segment. A new one is a file beside this, and a line in index.ts. */
export interface Attention {
  /** Its own parameters, beside the four projections that all have. */
  readonly parameters: (config: AttentionConfig) => Readonly<Record<string, ParameterSpec>>
  /** What is invariant over the segments: computed once a step, outside of their loop. */
  readonly prepare: (weights: AttentionWeights, config: AttentionConfig) => Tensor | undefined
  /** -> [B, Q, h, v]; no token attends to padding. */
  readonly attend: (inputs: AttentionInputs, config: AttentionConfig) => Tensor
}
