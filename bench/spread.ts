/** The middle of several measurements, and the range that holds the middle half of them. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const place = share * (sorted.length - 1)
    const left = Math.floor(place)
    return sorted[left] + (sorted[Math.min(left + 1, sorted.length - 1)] - sorted[left]) * (place - left)
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

export const scaled = ({ median, low, high }: Spread, factor: number): Spread => ({
  median: median * factor,
  low: low * factor,
  high: high * factor,
})
