import type { MemoryUpdate } from './update.ts'

/** A control: every segment starts from the learned initial memory, so that nothing passes between segments. */
export const reset: MemoryUpdate = { coefficients: () => ({ keep: 1, write: 0 }) }
