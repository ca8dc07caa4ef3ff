import type { MemoryUpdate } from './update.ts'

/** A control: every segment begins with the learned initial memory and hears nothing of the ones before. */
export const reset: MemoryUpdate = { coefficients: () => ({ keep: 1, write: 0 }) }
