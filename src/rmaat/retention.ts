import { aCount, anObject, kind, oneOf, positive, takes, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { type MacroModel, macroDefaults } from './macro-model.ts'

/**
 * The schedule of the retention factor, the share of the new memory that is kept after segment t of T:
 * - `fixed`, the paper's: one cycle of the macro model for each segment;
 * - `stretched`: the whole simulated time divided into T cycles, which keeps late segments alive;
 * - `infinite`: shares of the capacity at saturation; needs no T;
 * - `running`: shares of what has been stored so far; needs no T;
 * - `none`: 1, no compression.
 */
export type RetentionSchedule = (typeof retentionSchedules)[number]
export const retentionSchedules = ['fixed', 'stretched', 'none', 'infinite', 'running'] as const

/** The constants of the macro model that shape the long-term curve; its amplitude cancels. */
export type LongTermConstants = Pick<MacroModel, 'tauLongTerm' | 'leakLongTerm' | 'cycleDuration' | 'cycles'>

const aSchedule = oneOf(retentionSchedules)
const constantKinds = { tauLongTerm: positive, leakLongTerm: positive, cycleDuration: positive, cycles: aCount }
const batchKinds = {
  valid: kind('an Int32Array', (value) => value instanceof Int32Array),
  rows: aCount,
  segments: aCount,
  segmentLength: aCount,
  schedule: aSchedule,
}

/**
 * The retention factor RF(t, T) = Δp_t / Σ_i Δp_i, t = 1..T, where Δp_t is the growth of p^l in cycle t. Eq. 3 is linear
 * in p^l and its drive repeats with the cycle, so the increments are geometric, Δp_t ∝ ρ^(t-1), and
 * RF(t, T) = (1 - ρ) ρ^(t-1) / (1 - ρ^T) with ρ = exp(-γ^l τ_cycle / τ_p^l). The factor is not learned.
 */
export function retention(
  t: number,
  T: number,
  schedule: RetentionSchedule,
  constants: LongTermConstants = macroDefaults,
): number {
  takes('retention', { t, schedule, constants }, { t: aCount, schedule: aSchedule, constants: anObject })
  if (schedule === 'fixed' || schedule === 'stretched') takes('retention', { T }, { T: wholeFrom(t) })
  const { tauLongTerm, leakLongTerm, cycleDuration, cycles } = constants
  takes('retention', { tauLongTerm, leakLongTerm, cycleDuration, cycles }, constantKinds, 'config')
  return factorOf(t, T, schedule, constants)
}

function factorOf(
  t: number,
  T: number,
  schedule: RetentionSchedule,
  { tauLongTerm, leakLongTerm, cycleDuration, cycles }: LongTermConstants,
): number {
  const rate = (leakLongTerm * cycleDuration) / tauLongTerm // decay of p^l in a cycle
  const rho = Math.exp(schedule === 'stretched' ? -(rate * cycles) / T : -rate)
  const share = (1 - rho) * rho ** (t - 1)
  switch (schedule) {
    case 'fixed':
    case 'stretched':
      return share / (1 - rho ** T)
    case 'infinite':
      return share
    case 'running':
      return share / (1 - rho ** t)
    case 'none':
      return 1
  }
}

/** RF(t, T) as simulated: each cycle's increment of p^l over the sum of all, [cycles]. */
export function retentionFromCurve(cycleEnds: readonly { readonly longTerm: number }[]): Float64Array {
  const total = cycleEnds[cycleEnds.length - 1].longTerm
  return Float64Array.from(cycleEnds, ({ longTerm }, t) => (longTerm - (t ? cycleEnds[t - 1].longTerm : 0)) / total)
}

export interface RetentionFactors {
  /** 1 where a row has a valid token in a segment, else 0: [B, T]. */
  readonly live: Int32Array
  /** RF of each row and segment, [B, T]; under a 0 of `live` a number without meaning. */
  readonly factor: Float64Array
  /** The number of live segments of each sequence, [B]. */
  readonly liveCount: Int32Array
}

/**
 * Retention factors of a batch whose sequences are aligned at their ends. t and T of RF(t, T) count the sequence's live
 * segments only, so that its factors do not depend on the batch. `valid` is a mask of 0 and 1, [B, T, S].
 * Errors: code `shape` for a mask of another size, `data` for a row without a valid token in its last segment.
 */
export function retentionFactors(
  valid: Int32Array,
  sizes: { rows: number; segments: number; segmentLength: number },
  schedule: RetentionSchedule,
): RetentionFactors {
  takes('retention', { sizes }, { sizes: anObject })
  const { rows, segments, segmentLength } = sizes
  takes('retention', { valid, rows, segments, segmentLength, schedule }, batchKinds)
  if (valid.length !== rows * segments * segmentLength) {
    const expected = `${rows} x ${segments} x ${segmentLength} = ${rows * segments * segmentLength}`
    throw new RmaatError('shape', `retention: the mask has ${valid.length} elements: expected ${expected}`)
  }
  const live = new Int32Array(rows * segments)
  const factor = new Float64Array(rows * segments)
  const liveCount = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    const own = live.subarray(row * segments, (row + 1) * segments)
    for (let segment = 0; segment < segments; segment++) {
      const from = (row * segments + segment) * segmentLength
      const isLive = valid.subarray(from, from + segmentLength).some((one) => one !== 0)
      own[segment] = Number(isLive)
      liveCount[row] += Number(isLive)
    }
    if (!own[segments - 1]) {
      throw new RmaatError(
        'data',
        `retention: row ${row} has no valid token in its last segment: sequences end where the batch ends, padding comes first`,
      )
    }
    let passed = 0
    own.forEach((isLive, segment) => {
      passed += isLive
      factor[row * segments + segment] = factorOf(Math.max(passed, 1), liveCount[row], schedule, macroDefaults)
    })
  }
  return { live, factor, liveCount }
}
