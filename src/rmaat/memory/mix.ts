import { sub } from '../../ops/binary.ts'
import type { MemoryUpdate } from './update.ts'

/** Ours: (1 - RF) m + RF m'. */
export const mix: MemoryUpdate = { coefficients: ({ retention }) => ({ keep: sub(1, retention), write: retention }) }
