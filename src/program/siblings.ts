import { elementsOf, merged } from './axes.ts'
import { accessesOf, isKernel, placesOf, withPlaces } from './kernels.ts'
import type { Instruction, Kernel, Matmul, Reduce } from './plan.ts'
import { overlap, type Range, rangeOf } from './ranges.ts'

/*
 * Siblings. Products of the same shapes whose operands stand at equal distances are one product with an axis more: the
 * queries, keys and values of a block, whose weights are neighbours in memory, or their gradients. So are sums. They need
 * not be neighbours in time: a call moves past others that have nothing to do with it.
 *
 * This is the last pass, over calls whose addresses are known: two calls may change places where neither writes what the
 * other one touches. Live ranges stay as they were planned.
 */

/** A call moves past so many others at most. */
const NEARBY = 16

type Sibling = Matmul | Reduce
/** A call, or several that are to be one: in the order of their results in memory. */
interface Group {
  readonly calls: readonly Kernel[]
  /** Equal for calls of the same shapes; undefined for kinds that are never joined. */
  readonly shapes: number | undefined
  /** Made when it is asked for, before the loops around it change: most calls have no sibling nearby. */
  readonly touched: () => Touched
}
interface Touched {
  readonly reads: readonly Range[]
  readonly writes: readonly Range[]
}

/** Joins siblings between the borders of loops. */
export function joinSiblings(instructions: readonly Instruction[]): Instruction[] {
  const result: Instruction[] = []
  const counts: number[] = []
  const known = new Map<string, number>()
  let groups: Group[] = []
  const end = (): void => {
    // first those that share an operand: one product reads it once
    for (const { calls } of joined(joined(groups, true), false))
      result.push(calls.length === 1 ? calls[0] : oneOf(calls as Sibling[]))
    groups = []
  }
  for (const instruction of instructions) {
    if (isKernel(instruction)) {
      groups.push(groupOf(instruction, counts, known))
      continue
    }
    end()
    if (instruction.kind === 'loop') counts.push(instruction.count)
    else counts.pop()
    result.push(instruction)
  }
  end()
  return result
}

function groupOf(call: Kernel, counts: readonly number[], known: Map<string, number>): Group {
  const touched = once(() => {
    const { reads, writes } = accessesOf(call)
    const ranges = (accesses: typeof reads): Range[] => accesses.map(({ view }) => rangeOf(view, counts))
    return { reads: ranges(reads), writes: ranges(writes) }
  })
  if (call.kind !== 'matmul' && call.kind !== 'reduce') return { calls: [call], shapes: undefined, touched }
  const key = JSON.stringify(withPlaces(call, (place) => ({ ...place, offset: 0 })))
  const shapes = known.get(key) ?? known.size
  known.set(key, shapes)
  return { calls: [call], shapes, touched }
}

function once<Result>(make: () => Result): () => Result {
  let made: Result | undefined
  return () => {
    made ??= make()
    return made
  }
}

function joined(groups: Group[], sharing: boolean): Group[] {
  for (let at = 0; at < groups.length; at++) {
    for (let next = at + 1; next < groups.length && next <= at + NEARBY; next++) {
      const [one, other] = [groups[at], groups[next]]
      const both = together(one, other, sharing)
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

/** Two groups as one; undefined where they have nothing in common. */
function together(one: Group, other: Group, sharing: boolean): Group | undefined {
  if (one.shapes === undefined || one.shapes !== other.shapes) return undefined
  const calls = [...one.calls, ...other.calls].sort((a, b) => outOf(a) - outOf(b))
  const distances = distancesOf(calls as Sibling[])
  if (!distances || (sharing && !Object.values(distances).includes(0)) || !commute(one, other)) return undefined
  const [a, b] = [one.touched(), other.touched()]
  const touched = { reads: [...a.reads, ...b.reads], writes: [...a.writes, ...b.writes] }
  return { calls, shapes: one.shapes, touched: () => touched }
}

function commute(one: Group, other: Group): boolean {
  const [a, b] = [one.touched(), other.touched()]
  const within = (range: Range, ranges: readonly Range[]): boolean => ranges.some((touched) => overlap(range, touched))
  return (
    !a.writes.some((range) => within(range, b.reads) || within(range, b.writes)) &&
    !b.writes.some((range) => within(range, a.reads))
  )
}

const outOf = (call: Kernel): number => (call as Sibling).out.offset

/** From each call to the next one, how far apart each operand is, by name; undefined where a distance changes. */
function distancesOf(calls: readonly Sibling[]): Readonly<Record<string, number>> | undefined {
  const offsets = calls.map((call) => new Map(placesOf(call).map(([name, { offset }]) => [name, offset])))
  const distances: Record<string, number> = {}
  for (const [name, first] of offsets[0]) {
    distances[name] = offsets[1].get(name)! - first
    if (offsets.some((at, i) => at.get(name) !== first + i * distances[name])) return undefined
  }
  // the results of a sum are contiguous
  const [call] = calls
  return call.kind === 'reduce' && distances.out !== elementsOf(call.kept) ? undefined : distances
}

/** The one call. What all products share is an operand of one product with more columns, or rows. */
function oneOf(calls: readonly Sibling[]): Kernel {
  const [call] = calls
  const { a, b, out, x } = distancesOf(calls)!
  const size = calls.length
  if (call.kind === 'reduce') return { ...call, kept: merged([{ size, stride: x }, ...call.kept]) }
  const side = a === 0 ? 'n' : b === 0 ? 'm' : 'batch'
  return { ...call, [side]: merged([{ size, a, b, out }, ...call[side]]) }
}
