import { accessesOf, extentOf, isKernel } from '../src/program/kernels.ts'
import type { Plan, View } from '../src/program/plan.ts'
import type { Lifetime } from './messages.ts'

interface OpenLoop {
  readonly from: number
  readonly end: number
  readonly count: number
}

/** Where the loop that begins at an instruction ends. */
function endOf({ instructions }: Plan, from: number): number {
  let depth = 0
  for (let at = from; ; at++) {
    const { kind } = instructions[at]
    if (kind === 'loop') depth++
    if (kind === 'end' && --depth === 0) return at
  }
}

/**
 * What lies where in the arena (buffer 0), and when: each result from the kernel that writes it to the last one that reads it.
 * What stood before a loop that reads it is needed to the loop's end.
 */
export function lifetimesOf(plan: Plan): Lifetime[] {
  const live: { low: number; high: number; from: number; to: number }[] = []
  const done: Lifetime[] = []
  const loops: OpenLoop[] = []
  /** All elements that a view covers in the loops around it. */
  const extent = (view: View): { low: number; high: number } | undefined => {
    const { buffer, low, high } = extentOf(view)
    const further = view.loopStrides.map((stride, depth) => stride * ((loops[depth]?.count ?? 1) - 1))
    const least = further.reduce((sum, far) => sum + Math.min(0, far), low)
    return buffer === 0 ? { low: least, high: further.reduce((sum, far) => sum + Math.max(0, far), high) } : undefined
  }
  const read = (view: View, at: number): void => {
    const found = extent(view)
    if (!found) return
    for (const one of live)
      if (one.low <= found.high && one.high >= found.low)
        one.to = Math.max(one.to, loops.find(({ from }) => from > one.from)?.end ?? at)
  }
  plan.instructions.forEach((call, at) => {
    if (call.kind === 'loop') loops.push({ from: at, end: endOf(plan, at), count: call.count })
    if (call.kind === 'end') loops.pop()
    if (!isKernel(call)) return
    const { reads, writes } = accessesOf(call)
    for (const { view } of reads) read(view, at)
    for (const { view } of writes) {
      const found = extent(view)
      if (!found) continue
      // what is written over is gone
      const gone = live.filter(({ low, high }) => low >= found.low && high <= found.high)
      for (const one of gone) live.splice(live.indexOf(one), 1)
      done.push(...gone)
      live.push({ ...found, from: at, to: at })
    }
  })
  for (const { view } of plan.outputs) read(view, plan.instructions.length)
  return [...done, ...live].map(({ low, high, from, to }) => ({ low, high: high + 1, from, to: to + 1 }))
}
