import type { MemoryUpdate } from './update.ts'

/** Ours: m + RF m'. Memory adds up, so that the gradient reaches the first segment undiminished. */
export const additive: MemoryUpdate = { coefficients: ({ retention }) => ({ keep: 1, write: retention }) }
