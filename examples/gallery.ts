import type { Device } from 'rmaat'

/** What an example runs on and with. */
export interface Run {
  readonly device: Device
  /** The shortened form that the tests run: a few seconds on one core. */
  readonly short: boolean
  /** Says how far it is. */
  progress(line: string): void
}

/** A line that the example must reach, and what was found. */
export interface Acceptance {
  readonly claim: string
  readonly measured: string
  readonly holds: boolean
}

/** The table that an example ends with. */
export interface Outcome {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
  readonly acceptance: readonly Acceptance[]
}

/** A system around RMAAT in small, with its claim put to the test. */
export interface Example {
  readonly title: string
  /** How long it takes on two cores. */
  readonly minutes: number
  /** What its authors claim, in a line. */
  readonly claim: string
  run(run: Run): Promise<Outcome>
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Mean and standard deviation of the sample, such as `0.93 ± 0.02`; the mean alone of one value. */
export function spread(values: readonly number[], digits = 2): string {
  const middle = mean(values)
  if (values.length === 1) return middle.toFixed(digits)
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1))
  return `${middle.toFixed(digits)} ± ${deviation.toFixed(digits)}`
}

/** Random numbers on the host: the same for the same seed (mulberry32). */
export class Random {
  private state: number
  constructor(seed: number) {
    this.state = Math.imul(seed + 1, 0x9e3779b9)
  }
  /** From 0 to below 1. */
  uniform(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let word = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
  /** 0 to below the limit. */
  integer(limit: number): number {
    return Math.floor(this.uniform() * limit)
  }
  /** Of mean 0 and deviation 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }
  /** Some of the whole numbers below the limit, all different, in random order. */
  choose(count: number, limit: number): number[] {
    const all = Array.from({ length: limit }, (_, i) => i)
    for (let i = 0; i < count; i++) {
      const j = i + this.integer(limit - i)
      ;[all[i], all[j]] = [all[j], all[i]]
    }
    return all.slice(0, count)
  }
}
