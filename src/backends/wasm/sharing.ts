import { accessesOf, isKernel } from '../../program/kernels.ts'
import type { Kernel, Loop, Plan } from '../../program/plan.ts'
import { overlap, type Range, rangeOf } from '../../program/ranges.ts'
import { endOf } from '../cursor.ts'
import { kernelOf } from './kernels.ts'

/**
 * How threads share a program, whatever their number. They fork at a loop with independent iterations and take whole
 * iterations; outside of it each takes a part of each kernel, with barriers where a kernel needs results of other parts.
 */
export interface Sharing {
  /** The most parts that each instruction is split into; thread 0 computes a single part. */
  readonly parts: readonly number[]
  /** Whether a barrier comes before the instruction: it depends on memory accesses of other threads. */
  readonly barriers: readonly boolean[]
  /** Whether the program is large enough to wake the other threads. */
  readonly worthwhile: boolean
}

/** The least work of a part in nanoseconds: a few times the cost of a barrier. */
const GRAIN = 2000
/** The least work of a program, in parts: a few times the cost of waking a thread. */
const WAKE = 50
/** The most that fits into an instruction's first word; every thread has a part then. */
const MOST_PARTS = 255

/** @param grain the least work of a part in nanoseconds; 0 splits everything */
export function share(plan: Plan, grain = GRAIN): Sharing {
  const { instructions } = plan
  const parts = instructions.map((call) => (isKernel(call) ? partsOf(call, grain) : 1))
  let gain = 0
  let shared = false
  const loops: Loop[] = []
  instructions.forEach((call, i) => {
    if (call.kind === 'loop') loops.push(call)
    else if (call.kind === 'end') loops.pop()
    else {
      const forked = loops.some(({ threadPrivate }) => threadPrivate)
      if (forked) parts[i] = 1
      else if (parts[i] === 1) return
      shared = true
      gain += kernelOf(call).cost(call) * loops.reduce((product, { count }) => product * count, 1)
    }
  })
  return { parts, barriers: barriersOf(plan, parts), worthwhile: shared && gain >= WAKE * grain }
}

function partsOf(call: Kernel, grain: number): number {
  const { cost, sequential } = kernelOf(call)
  if (sequential?.(call)) return 1
  return Math.max(1, Math.min(MOST_PARTS, Math.floor(cost(call) / grain) || 0))
}

/** A memory access since the last barrier. */
interface Recent extends Range {
  readonly writes: boolean
  readonly alone: boolean
}

function barriersOf({ instructions }: Plan, parts: readonly number[]): boolean[] {
  const barriers = instructions.map(() => false)
  /** Of the enclosing loops: iterations, and whether more than thread 0 works in them. */
  const loops: { count: number; shared: boolean }[] = []
  let since = none()
  const barrierAt = (at: number): void => {
    barriers[at] = Object.values(since).some(({ length }) => length > 0)
    since = none()
  }
  let joined = -1 // the end of a parallel loop: fork and join are its barriers, and there are none within
  instructions.forEach((call, at) => {
    if (at <= joined) return
    if (call.kind === 'loop' && call.threadPrivate) {
      joined = endOf(instructions, at)
      since = none()
    } else if (call.kind === 'loop') {
      const shared = parts.slice(at, endOf(instructions, at)).some((count) => count > 1)
      loops.push({ count: call.count, shared })
      // every iteration begins with a barrier, like the first
      if (shared) barrierAt(at)
    } else if (call.kind === 'end') {
      if (loops.pop()!.shared) barrierAt(at)
    } else {
      const counts = loops.map(({ count }) => count)
      const { reads, writes } = accessesOf(call)
      const alone = parts[at] === 1
      const next = [
        ...reads.map((access) => ({ ...rangeOf(access.view, counts), writes: false, alone })),
        ...writes.map((access) => ({ ...rangeOf(access.view, counts), writes: true, alone })),
      ]
      if (next.some((one) => isDependent(one, since))) barrierAt(at)
      for (const one of next) since[kindOf(one)].push(one)
    }
  })
  return barriers
}

/** The accesses since the last barrier, apart: most programs have many that depend on few. */
type Since = Record<'sharedReads' | 'sharedWrites' | 'aloneReads' | 'aloneWrites', Recent[]>
const none = (): Since => ({ sharedReads: [], sharedWrites: [], aloneReads: [], aloneWrites: [] })
const kindOf = ({ alone, writes }: Recent): keyof Since =>
  alone ? (writes ? 'aloneWrites' : 'aloneReads') : writes ? 'sharedWrites' : 'sharedReads'

/** Whether an access depends on one of those: they overlap, one of the two writes, and the threads may differ. */
function isDependent(one: Recent, since: Since): boolean {
  const within = (others: readonly Recent[]): boolean => others.some((other) => overlap(one, other))
  return (
    within(since.sharedWrites) ||
    (one.writes && within(since.sharedReads)) ||
    (!one.alone && (within(since.aloneWrites) || (one.writes && within(since.aloneReads))))
  )
}
