import { accessesOf } from '../program/kernels.ts'
import type { Scan } from '../program/plan.ts'
import { addressesOf, type Memory } from './instructions.ts'
import { type Interval, LARGEST, SUM, TINY, UNIT } from './intervals.ts'

/**
 * What a recurrence may be off by: each step adds a share of the moduli that it sums, and takes over the error of the step
 * before as it takes over its state. A device that cuts its steps into chunks rounds no path from a term to a state oftener.
 */
export function scanInterval(call: Scan, memory: Memory, exact: Float64Array): Interval {
  const { steps, parts, reverse } = call
  const moduli = accessesOf(call).reads.map(({ view }) => {
    const held = addressesOf({ view }).map((address) => memory[view.buffer][address])
    const [real, imaginary] = [0, 1].map((part) => held.filter((_, i) => i % parts.size === part))
    return parts.size === 2 ? real.map((x, i) => Math.hypot(x, imaginary[i])) : held.map(Math.abs)
  })
  const [factors, terms] = moduli
  const [low, high] = [exact.slice(), exact.slice()]
  const smallest = TINY * terms.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, x) : most), 1)
  for (let lane = 0; lane < terms.length / steps.size; lane++) {
    let [magnitude, error] = [0, 0]
    for (let step = 0; step < steps.size; step++) {
      const t = reverse ? steps.size - 1 - step : step
      const factor = step ? factors[lane * (steps.size - 1) + (reverse ? t : t - 1)] : 0
      magnitude = factor * magnitude + terms[lane * steps.size + t]
      error = factor * error + SUM * UNIT * magnitude + smallest
      for (let part = 0; part < parts.size; part++) {
        const at = (lane * steps.size + t) * parts.size + part
        // so large a sum may be infinite, so may a product on the way
        const free = !(magnitude + error <= LARGEST)
        low[at] = free ? -Infinity : low[at] - error
        high[at] = free ? Infinity : high[at] + error
      }
    }
  }
  return { low, high }
}
