import { type RetentionSchedule, retentionFactors } from '../rmaat/retention.ts'
import type { Batch } from '../tasks/task.ts'

/** The inputs of a program over a batch, by the names that `batchInputs` gives them. */
export interface ModelInputs extends Pick<Batch, 'tokens' | 'valid' | 'labels' | 'weights'> {
  readonly retention: Float64Array
  readonly live: Int32Array
}

/** The inputs of a program over a batch, as the model wants them. `B` rows of `segments` x `segmentLength` tokens. */
export function modelInputs(
  { tokens, valid, labels, weights }: Pick<Batch, 'tokens' | 'valid' | 'labels' | 'weights'>,
  sizes: { readonly segments: number; readonly segmentLength: number },
  schedule: RetentionSchedule,
): ModelInputs {
  const { live, factor } = retentionFactors(valid, { ...sizes, rows: labels.length }, schedule)
  return { tokens, valid, labels, weights, retention: factor, live }
}
