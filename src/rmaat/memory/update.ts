import type { Tensor, TensorLike } from '../../tensor/tensor.ts'

/**
 * How memory goes from one segment to the next: m_{t+1} = keep x m_t + write x m'_{t+1}, where m' is what the segment's
 * pass has made of its memory tokens. Coefficients broadcast to [B, M, 1]; the numbers 0 and 1 cost nothing.
 * `retention` is the factor RF(t, T) of each row, [B, 1, 1]. A new update is a file beside this, and a line in index.ts.
 */
export type MemoryUpdate = (
  retention: Tensor,
  slots: number,
) => { readonly keep: TensorLike; readonly write: TensorLike }

/** memory, fresh [B, M, d] */
export function updateMemory(update: MemoryUpdate, memory: Tensor, fresh: Tensor, retention: Tensor): Tensor {
  const { keep, write } = update(retention.reshape([retention.shape[0], 1, 1]), memory.shape[1])
  if (keep === 0) return fresh.mul(write)
  if (write === 0) return memory.mul(keep)
  return memory.mul(keep).add(fresh.mul(write))
}
