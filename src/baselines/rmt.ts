import { special } from '../rmaat/kind.ts'

/**
 * The recurrent memory transformer (Bulatov, Kuratov and Burtsev 2022) on RMAAT's block: softmax over memory tokens and
 * segment, and a memory that is what its pass has made of it. One set of memory tokens is read and written, as in their
 * encoder; causal, there are two, as in their decoder. Trained by `bptt`, as theirs, or by replay.
 */
export const rmt = special(
  'rmt',
  'the recurrent memory transformer: softmax, memory handed on as it is',
  { attention: 'softmax', update: 'scaled', retention: 'none' },
  ['alpha', 'learnScale', 'scale'],
)
