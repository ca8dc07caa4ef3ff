import type { MemoryUpdate } from './update.ts'

/** The paper's: m_{t+1} = RF m' (section 3.3). Each segment's memory replaces the one before. */
export const scaled: MemoryUpdate = { coefficients: ({ retention }) => ({ keep: 0, write: retention }) }
