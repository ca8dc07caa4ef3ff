import type { ParameterSpec } from '../../nn/parameters.ts'
import type { Tensor, TensorLike } from '../../tensor/tensor.ts'

export interface MemoryInputs {
  /** RF(t, T) of each sequence, [B, 1, 1] */
  readonly retention: Tensor
  /** m_t, the memory before the segment, and m'_{t+1}, the segment's output at the memory positions: [B, M, d] */
  readonly memory: Tensor
  readonly fresh: Tensor
  /** The update's own parameters. */
  readonly weights: Readonly<Record<string, Tensor>>
}

/**
 * How memory goes from one segment to the next: m_{t+1} = keep x m_t + write x m'_{t+1}, where m' is the segment's output at
 * the memory positions. A new update is a file beside this, and a line in index.ts.
 */
export interface MemoryUpdate {
  /** Its own parameters, for example of a learned gate. */
  readonly parameters?: (sizes: {
    readonly slots: number
    readonly width: number
  }) => Readonly<Record<string, ParameterSpec>>
  /** Broadcast to [B, M, d]; the numbers 0 and 1 cost nothing. */
  readonly coefficients: (inputs: MemoryInputs) => { readonly keep: TensorLike; readonly write: TensorLike }
}

export function updateMemory({ coefficients }: MemoryUpdate, inputs: MemoryInputs): Tensor {
  const { keep, write } = coefficients(inputs)
  if (keep === 0) return inputs.fresh.mul(write)
  if (write === 0) return inputs.memory.mul(keep)
  return inputs.memory.mul(keep).add(inputs.fresh.mul(write))
}
