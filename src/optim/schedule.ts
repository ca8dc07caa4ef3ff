import { aCount, anObject, aShare, notNegative, oneOf, takes } from '../checks.ts'

export const rateSchedules = ['cosine', 'linear', 'constant'] as const

/** The schedule of the learning rate. */
export interface RateOptions {
  readonly schedule: (typeof rateSchedules)[number]
  /** The highest rate. */
  readonly rate: number
  /** How many there are in all. */
  readonly steps: number
  /** The fraction of the steps in which the rate rises from 0. */
  readonly warmUp: number
  /** The final rate as a fraction of the highest. */
  readonly floor: number
}

export const rateKinds = {
  schedule: oneOf(rateSchedules),
  rate: notNegative,
  steps: aCount,
  warmUp: aShare,
  floor: aShare,
}

/** The learning rate of step 1 ... steps: a linear rise, then a half cosine, a line, or none. */
export function learningRate(step: number, options: RateOptions): number {
  takes('learningRate', { step }, { step: aCount }, 'config')
  takes('learningRate', { options }, { options: anObject }, 'config')
  takes('learningRate', options, rateKinds, 'config')
  const { schedule, rate, steps, warmUp, floor } = options
  const rise = Math.max(1, Math.round(steps * warmUp))
  if (step <= rise) return (rate * step) / rise
  const done = Math.min(1, (step - rise) / Math.max(1, steps - rise))
  const left = schedule === 'constant' ? 1 : schedule === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2
  return rate * (floor + (1 - floor) * left)
}
