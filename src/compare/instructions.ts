import { addresses, addressOf, walk } from '../backends/cursor.ts'
import { type Access, accessesOf, extentOf, withPlaces } from '../program/kernels.ts'
import type { Fused, FusedOperand, Kernel, Plan } from '../program/plan.ts'

/** The elements of each buffer of a plan. */
export type Memory = readonly Float64Array[]

export type Unrolled = Omit<Plan, 'instructions'> & { readonly instructions: readonly Kernel[] }

/** The plan with its loops written out: what each iteration does, at the addresses where it does it. */
export function unroll(plan: Plan): Unrolled {
  const instructions: Kernel[] = []
  walk(plan.instructions, plan.instructions.length, (call, _, iterations) => {
    // as this iteration sees it
    instructions.push(
      withPlaces(call, (place) => ({ ...place, offset: addressOf(place, iterations), loopStrides: [] })),
    )
  })
  return { ...plan, instructions }
}

/**
 * The call alone: the same on buffers of its own, which hold what it touches and nothing else. `sizes` are theirs in
 * elements; buffer 0, the arena, is empty.
 */
export function isolate(call: Kernel): { readonly call: Kernel; readonly sizes: readonly number[] } {
  const { reads, writes } = accessesOf(call)
  const pieces: { buffer: number; low: number; high: number }[] = []
  for (const next of [...reads, ...writes].map(({ view }) => extentOf(view)).sort(byAddress)) {
    const last = pieces.at(-1)
    if (last && last.buffer === next.buffer && next.low <= last.high) last.high = Math.max(last.high, next.high)
    else pieces.push(next)
  }
  const moved = withPlaces(call, (place) => {
    const piece = pieces.findIndex(
      ({ buffer, low, high }) => buffer === place.buffer && low <= place.offset && place.offset <= high,
    )
    return piece < 0 ? place : { ...place, buffer: piece + 1, offset: place.offset - pieces[piece].low }
  })
  return {
    call: moved.kind === 'fused' && call.kind === 'fused' ? { ...moved, operands: keepIndices(moved, call) } : moved,
    sizes: [0, ...pieces.map(({ low, high }) => high - low + 1)],
  }
}

/** An index operand is its own address. */
const keepIndices = (moved: Fused, { operands }: Fused): FusedOperand[] =>
  moved.operands.map((operand, i) => (operand.kind === 'index' ? operands[i] : operand))

const byAddress = (a: { buffer: number; low: number }, b: { buffer: number; low: number }): number =>
  a.buffer - b.buffer || a.low - b.low

export const addressesOf = ({ view }: Pick<Access, 'view'>): number[] => [...addresses(view.offset, view.axes)]
