import { wholeKind } from './whole.ts'

/** The transformer (Vaswani et al. 2017): softmax over the whole sequence; quadratic in its length. */
export const transformer = wholeKind('transformer', 'softmax over the whole sequence', 'softmax', [
  'alpha',
  'learnScale',
  'scale',
])
