import { type Access, accessesOf, extentOf, type Kernel } from '../../program/accesses.ts'
import type { Instruction, Loop, Plan, Rows, Step } from '../../program/plan.ts'
import { endOf } from '../cursor.ts'
import { kernelOf } from './kernels.ts'

/**
 * How threads share a program. Nothing of it depends on how many they are. Of a loop whose iterations need nothing of each
 * other they take whole iterations, each alone; of all else a part of each kernel.
 */
export interface Sharing {
  /** Into how many parts each instruction is worth splitting; one part is thread 0's. */
  readonly parts: readonly number[]
  /** Whether all threads meet before the instruction: it touches what others than its own thread have touched. */
  readonly barriers: readonly boolean[]
  /** Whether the program as a whole is worth waking the threads for. */
  readonly worthwhile: boolean
}

/** Nanoseconds of work that a part is worth: some times what it costs to meet. */
const GRAIN = 2000
/** And those of a whole program, in parts: some times what it costs to wake a thread. */
const WAKE = 50
/** What fits beside an opcode; every thread has a part then. */
const MOST_PARTS = 255

/** @param grain nanoseconds of work that a part is worth; 0 splits everything */
export function share(plan: Plan, grain = GRAIN): Sharing {
  const { instructions } = plan
  const parts = instructions.map((call) => (isControl(call) ? 1 : partsOf(call, grain)))
  let gain = 0
  let shared = false
  const loops: Loop[] = []
  instructions.forEach((call, i) => {
    if (call.kind === 'loop') loops.push(call)
    else if (call.kind === 'end') loops.pop()
    else {
      const apart = loops.some(({ own }) => own)
      if (apart) parts[i] = 1
      else if (parts[i] === 1) return
      shared = true
      gain += kernelOf(call).cost(call) * loops.reduce((product, { count }) => product * count, 1)
    }
  })
  return { parts, barriers: barriersOf(plan, parts), worthwhile: shared && gain >= WAKE * grain }
}

const isControl = (call: Instruction): call is Exclude<Instruction, Kernel> =>
  call.kind === 'loop' || call.kind === 'end'

function partsOf(call: Kernel, grain: number): number {
  if (call.kind === 'rows' && !rowsAreIndependent(call)) return 1
  return Math.max(1, Math.min(MOST_PARTS, Math.floor(kernelOf(call).cost(call) / grain) || 0))
}

/** Whether blocks of rows may be computed in any order: what one stores, no other loads. */
function rowsAreIndependent(call: Rows): boolean {
  const viewsOf = (list: readonly Step[], wanted: 'load' | 'store') =>
    list.flatMap((step) =>
      step.op === wanted && call.operands[step.operand].kind === 'memory' ? [call.operands[step.operand].view] : [],
    )
  const common = viewsOf(call.prologue, 'load')
  const loads = viewsOf(call.steps, 'load')
  return viewsOf(call.steps, 'store').every((store) => {
    const meets = (view: typeof store): boolean => {
      const [a, b] = [extentOf(store), extentOf(view)]
      return a.buffer === b.buffer && a.low <= b.high && b.low <= a.high
    }
    const words = JSON.stringify(store)
    return !common.some(meets) && loads.every((load) => !meets(load) || JSON.stringify(load) === words)
  })
}

/** What was touched since the threads have met. */
interface Touched {
  readonly buffer: number
  /** First and last address, but for the loops around. */
  readonly low: number
  readonly high: number
  readonly steps: readonly number[]
  /** The same over all iterations of the loops around. */
  readonly lowest: number
  readonly highest: number
  readonly writes: boolean
  readonly alone: boolean
}

function barriersOf({ instructions }: Plan, parts: readonly number[]): boolean[] {
  const barriers = instructions.map(() => false)
  /** Of the loops around: iterations, and whether more than thread 0 works in them. */
  const loops: { count: number; shared: boolean }[] = []
  let touched: Touched[] = []
  const meet = (at: number): void => {
    barriers[at] = touched.length > 0
    touched = []
  }
  let apart = -1 // the end of a loop at whose ends all threads meet, and nowhere within
  instructions.forEach((call, at) => {
    if (at <= apart) return
    if (call.kind === 'loop' && call.own) {
      apart = endOf(instructions, at)
      touched = []
    } else if (call.kind === 'loop') {
      const shared = parts.slice(at, endOf(instructions, at)).some((count) => count > 1)
      loops.push({ count: call.count, shared })
      // so that each iteration begins as the others do, with all threads together
      if (shared) meet(at)
    } else if (call.kind === 'end') {
      if (loops.pop()!.shared) meet(at)
    } else {
      const counts = loops.map(({ count }) => count)
      const { reads, writes } = accessesOf(call)
      const alone = parts[at] === 1
      const next = [
        ...reads.map((access) => touch(access, counts, false, alone)),
        ...writes.map((access) => touch(access, counts, true, alone)),
      ]
      if (next.some((one) => touched.some((other) => disturb(one, other)))) meet(at)
      touched.push(...next)
    }
  })
  return barriers
}

function touch({ view }: Access, counts: readonly number[], writes: boolean, alone: boolean): Touched {
  const { buffer, low, high } = extentOf(view)
  const reach = counts.map((count, depth) => (count - 1) * (view.steps[depth] ?? 0))
  const lowest = reach.reduce((sum, distance) => sum + Math.min(0, distance), low)
  const highest = reach.reduce((sum, distance) => sum + Math.max(0, distance), high)
  return { buffer, low, high, steps: view.steps, lowest, highest, writes, alone }
}

/** Whether two calls must not run at the same time: they touch the same memory, and not both to read it. */
function disturb(a: Touched, b: Touched): boolean {
  if (a.buffer !== b.buffer || (!a.writes && !b.writes) || (a.alone && b.alone)) return false
  // both in the same iteration of the loops around
  if (sameSteps(a.steps, b.steps)) return a.low <= b.high && b.low <= a.high
  return a.lowest <= b.highest && b.lowest <= a.highest
}

const sameSteps = (a: readonly number[], b: readonly number[]): boolean =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) === (b[i] ?? 0)).every(Boolean)
