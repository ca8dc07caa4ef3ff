import type { ParameterSpec } from '../../nn/parameters.ts'
import type { Tensor } from '../../tensor/tensor.ts'

export interface AttentionConfig {
  readonly heads: number
  /** Width of a query or key in each head. */
  readonly features: number
  /** Tokens that attend to each other: memory and segment. */
  readonly tokens: number
  readonly alpha: number
  /** Whether the scale of distances is learned, and its (first) value for a distance of one token. */
  readonly learnScale: boolean
  readonly scale: number
}

export interface AttentionInputs {
  /** [B, Q, h, m], as projected, of the first Q tokens. */
  readonly query: Tensor
  /** [B, N, h, m] */
  readonly key: Tensor
  /** [B, N, h, v] */
  readonly value: Tensor
  /** 1 for a token, 0 for padding: f32 [B, N]. */
  readonly valid: Tensor
  /** What `prepare` made. */
  readonly prepared: Tensor | undefined
}

/** One way to attend within a segment. A new one is a file beside this, and a line in index.ts. */
export interface Attention {
  /** Parameters of its own, beside the four projections that all have. */
  readonly parameters: (config: AttentionConfig) => Readonly<Record<string, ParameterSpec>>
  /** What does not depend on the tokens: computed once a step, outside of the loop over segments. */
  readonly prepare: (weights: Readonly<Record<string, Tensor>>, config: AttentionConfig) => Tensor | undefined
  /** -> [B, Q, h, v]; padding reaches no token. */
  readonly attend: (inputs: AttentionInputs, config: AttentionConfig) => Tensor
}
