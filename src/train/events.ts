import type { Memory } from '../program/plan.ts'
import type { TrainState } from './checkpoint.ts'

/** The events of a training: one stream for the progress bar, the log and a chart. */
export type TrainEvent =
  | {
      readonly kind: 'begin'
      readonly parameters: number
      readonly memory: Memory & { readonly workspace: number }
      readonly kernels: number
    }
  | StepEvent
  | { readonly kind: 'checkpoint'; readonly state: TrainState }
  | {
      readonly kind: 'end'
      readonly steps: number
      /** How many of them changed nothing. */
      readonly skipped: number
      /** Whether it ended before the last step that was asked for. */
      readonly stopped: boolean
      readonly medianStep: number
      readonly heldBytes: number
    }

export interface StepEvent {
  readonly kind: 'step'
  readonly step: number
  readonly loss: number
  readonly gradientNorm: number
  /** Share of the batch that was right, before the step; of models that tell classes apart. */
  readonly accuracy?: number
  readonly rate: number
  readonly milliseconds: number
  /**
   * How long the device stood still before it, while examples were drawn and laid out and the events before it were handled, saved
   * and tested.
   */
  readonly waitMilliseconds: number
  readonly validTokens: number
  readonly tokensPerSecond: number
  /** The loss, the gradient or what it would have changed was not finite, and all stayed as it was. */
  readonly skipped: boolean
  /** Mean over the rows of the norm of m_t, t = 1..T. */
  readonly memoryNorms?: number[]
  /** Mean over the rows of the norm of dL/dm_t of their own loss, t = 1..T. */
  readonly memoryGradients?: number[]
}
