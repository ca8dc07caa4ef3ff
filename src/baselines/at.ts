import { wholeKind } from './whole.ts'

/** The astromorphic transformer (RMAAT section 4): its attention over the whole sequence, without recurrence. */
export const at = wholeKind('at', 'astromorphic attention over the whole sequence, no recurrence', 'astro', [])
