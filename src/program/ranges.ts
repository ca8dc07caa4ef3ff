import { type Access, accessesOf, extentOf, isKernel } from './kernels.ts'
import type { Instruction, Kernel, View } from './plan.ts'

/** A call moves past so many others at most. */
const NEARBY = 32

/** The addresses that a call touches through a view. */
export interface Range {
  readonly buffer: number
  /** First and last address in iteration 0 of the enclosing loops. */
  readonly low: number
  readonly high: number
  /** It is made of runs of addresses that begin so far apart, and how far each goes at most. */
  readonly period: number
  readonly reach: number
  readonly loopStrides: readonly number[]
  /** First and last address over all iterations. */
  readonly lowest: number
  readonly highest: number
}

/** @param counts of the enclosing loops, outermost first */
export function rangeOf(view: View, counts: readonly number[]): Range {
  const { buffer, low, high } = extentOf(view)
  const { loopStrides, axes } = view
  const moves = counts.map((count, depth) => (count - 1) * (loopStrides[depth] ?? 0))
  const lowest = moves.reduce((sum, distance) => sum + Math.min(0, distance), low)
  const highest = moves.reduce((sum, distance) => sum + Math.max(0, distance), high)
  const [{ size, stride: period } = { size: 1, stride: 0 }] = axes
  const reach = high - low - (size - 1) * Math.abs(period)
  return { buffer, low, high, period, reach, loopStrides, lowest, highest }
}

/** Whether two calls may touch the same address within the same iteration of the enclosing loops. */
export function overlap(a: Range, b: Range): boolean {
  if (a.buffer !== b.buffer) return false
  if (sameStrides(a.loopStrides, b.loopStrides)) return a.low <= b.high && b.low <= a.high && !isBetween(a, b)
  return a.lowest <= b.highest && b.lowest <= a.highest
}

/** Whether the runs of one range lie between those of the other, as the parts of a concatenation do. */
function isBetween(a: Range, b: Range): boolean {
  const { period } = a
  const from = (((b.low - a.low) % period) + period) % period
  return b.period === period && from > a.reach && period - from > b.reach
}

const sameStrides = (a: readonly number[], b: readonly number[]): boolean =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) === (b[i] ?? 0)).every(Boolean)

/** What a call reads and writes, or several. */
export interface Touched {
  readonly reads: readonly Range[]
  readonly writes: readonly Range[]
}

/** @param counts of the enclosing loops, outermost first */
export function touchedBy(call: Kernel, counts: readonly number[]): Touched {
  const { reads, writes } = accessesOf(call)
  const ranges = (accesses: readonly Access[]): Range[] => accesses.map(({ view }) => rangeOf(view, counts))
  return { reads: ranges(reads), writes: ranges(writes) }
}

export const touchedByBoth = (one: Touched, other: Touched): Touched => ({
  reads: [...one.reads, ...other.reads],
  writes: [...one.writes, ...other.writes],
})

/** Whether two calls may change places, or run at the same time: neither writes what the other one touches. */
export function commute(a: Touched, b: Touched): boolean {
  const within = (range: Range, ranges: readonly Range[]): boolean => ranges.some((touched) => overlap(range, touched))
  return (
    !a.writes.some((range) => within(range, b.reads) || within(range, b.writes)) &&
    !b.writes.some((range) => within(range, a.reads))
  )
}

/** Calls between two borders of loops. */
interface Stretch {
  readonly calls: readonly Kernel[]
  /** Of the enclosing loops, outermost first. */
  readonly counts: readonly number[]
  /** The begin or the end of a loop that follows. */
  readonly border: Instruction | undefined
}

/** The stretches of a program, some of them empty. */
export function* stretchesOf(instructions: readonly Instruction[]): Generator<Stretch> {
  let counts: readonly number[] = []
  let calls: Kernel[] = []
  for (const border of [...instructions, undefined]) {
    if (border && isKernel(border)) {
      calls.push(border)
      continue
    }
    yield { calls, counts, border }
    calls = []
    counts = border?.kind === 'loop' ? [...counts, border.count] : counts.slice(0, -1)
  }
}

/** Joins groups of calls, wherever `together` makes one of two and all between them can do without it there. */
export function joined<Of extends Touched>(groups: Of[], together: (one: Of, other: Of) => Of | undefined): Of[] {
  for (let at = 0; at < groups.length; at++) {
    for (let next = at + 1; next < groups.length && next <= at + NEARBY; next++) {
      const [one, other] = [groups[at], groups[next]]
      const both = together(one, other)
      if (!both) continue
      const between = groups.slice(at + 1, next)
      if (between.every((group) => commute(group, other))) {
        groups.splice(next--, 1)
        groups[at] = both
      } else if (between.every((group) => commute(one, group))) {
        groups[next] = both
        groups.splice(at--, 1)
        break
      }
    }
  }
  return groups
}
