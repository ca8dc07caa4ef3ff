import { elementsOf, merged } from './axes.ts'
import { placesOf, withPlaces } from './kernels.ts'
import type { Instruction, Kernel, Matmul, Reduce } from './plan.ts'
import { commute, joined, stretchesOf, type Touched, touchedBy, touchedByBoth } from './ranges.ts'

/*
 * Siblings. Products of the same shapes whose operands stand at equal distances are one product with an axis more: the
 * queries, keys and values of a block, whose weights are neighbours in memory, or their gradients. So are sums. They need
 * not be neighbours in time: a call moves past others that have nothing to do with it.
 *
 * This is the last pass, over calls whose addresses are known: two calls may change places where neither writes what the
 * other one touches. Live ranges stay as they were planned.
 */

type Sibling = Matmul | Reduce
/** A call, or several that are to be one: in the order of their results in memory. */
interface Group extends Touched {
  readonly calls: readonly Kernel[]
  /** Equal for calls of the same shapes; undefined for kinds that are never joined. */
  readonly shapes: number | undefined
}

/** Joins siblings between the borders of loops. */
export function joinSiblings(instructions: readonly Instruction[]): Instruction[] {
  const known = new Map<string, number>()
  return Array.from(stretchesOf(instructions), ({ calls, counts, border }) => {
    const groups = calls.map((call) => groupOf(call, counts, known))
    // first those that share an operand: one product reads it once
    const found = joined(joined(groups, together(true)), together(false))
    const results = found.map(({ calls }) => (calls.length === 1 ? calls[0] : oneOf(calls as Sibling[])))
    return border ? [...results, border] : results
  }).flat()
}

function groupOf(call: Kernel, counts: readonly number[], known: Map<string, number>): Group {
  const group = { calls: [call], shapes: undefined, ...touchedBy(call, counts) }
  if (call.kind !== 'matmul' && call.kind !== 'reduce') return group
  const key = JSON.stringify(withPlaces(call, (place) => ({ ...place, offset: 0 })))
  const shapes = known.get(key) ?? known.size
  known.set(key, shapes)
  return { ...group, shapes }
}

/** Two groups as one; undefined where they have nothing in common, or, `sharing`, no operand. */
const together =
  (sharing: boolean) =>
  (one: Group, other: Group): Group | undefined => {
    if (one.shapes === undefined || one.shapes !== other.shapes) return undefined
    const calls = ([...one.calls, ...other.calls] as Sibling[]).sort((a, b) => a.out.offset - b.out.offset)
    const distances = distancesOf(calls)
    if (!distances || (sharing && !Object.values(distances).includes(0))) return undefined
    const [first, ...rest] = calls
    if (rest.some(({ accumulate }) => accumulate !== first.accumulate) || !commute(one, other)) return undefined
    return { calls, shapes: one.shapes, ...touchedByBoth(one, other) }
  }

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
