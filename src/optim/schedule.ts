import { RmaatError } from '../errors.ts'

export const rateSchedules = ['cosine', 'linear', 'constant'] as const

export interface RateOptions {
  readonly schedule: (typeof rateSchedules)[number]
  /** The highest rate. */
  readonly rate: number
  readonly steps: number
  /** The share of the steps in which the rate rises from 0. */
  readonly warmUp: number
  /** The share of the highest rate that is left at the end. */
  readonly floor: number
}

/** The learning rate of step 1 ... steps: a linear rise, then a half cosine, a line, or none. */
export function learningRate(step: number, { schedule, rate, steps, warmUp, floor }: RateOptions): number {
  if (step < 1) throw new RmaatError('config', `steps are counted from 1, found ${step}`)
  const rise = Math.max(1, Math.round(steps * warmUp))
  if (step <= rise) return (rate * step) / rise
  const done = Math.min(1, (step - rise) / Math.max(1, steps - rise))
  const left = schedule === 'constant' ? 1 : schedule === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2
  return rate * (floor + (1 - floor) * left)
}
