import { special } from '../rmaat/kind.ts'

/**
 * The recurrent linear transformer that the paper compares with (RMAAT section 4): as the recurrent memory transformer, with
 * linear attention (Katharopoulos et al. 2020).
 */
export const rlt = special(
  'rlt',
  'the recurrent linear transformer: linear attention, memory handed on as it is',
  { attention: 'linear', update: 'scaled', retention: 'none' },
  ['alpha', 'learnScale', 'scale'],
)
