// Where a step's time goes: its kernels against what bounds them, arithmetic or memory.
import { describe } from '../src/program/listing.ts'
import { COPY_BYTES, machine, PEAK_FLOPS } from './machine.ts'
import { race } from './race.ts'
import type { KernelTime, Remark } from './report.ts'
import { spreadOf } from './spread.ts'
import type { trainer } from './training.ts'
import { bytesOf, callsOf, flopsOf } from './work.ts'

const PROFILES = 5
const ROUNDS = 5
/** Kernels below this share of the time are told together. */
const SMALL = 0.01
/** Above this share a kernel below half of its bound is worth a reason. */
const LARGE = 0.05

interface Group {
  readonly name: string
  calls: number
  milliseconds: number
  flops: number
  bytes: number
  /** Milliseconds at the machine's bounds. */
  bound: number
}

/** The kernels of one training step by their lines in the listing, on one thread, the longest first. */
export async function* kernelTimes({
  program,
  profile,
}: ReturnType<typeof trainer>): AsyncGenerator<KernelTime | Remark> {
  const { peak, copy } = await machine()
  const bounds = await race([peak, copy], ROUNDS)
  const [flopTime, byteTime] = [
    (1e3 * bounds.of('peak').median) / PEAK_FLOPS,
    (1e3 * bounds.of('copy').median) / COPY_BYTES,
  ]
  const profiles: Awaited<ReturnType<typeof profile>>[] = []
  for (let i = 0; i < PROFILES; i++) profiles.push(await profile())

  const groups = new Map<string, Group>()
  callsOf(program.plan).forEach(({ call, times }, at) => {
    const name = describe(call)
    const group = groups.get(name) ?? { name, calls: 0, milliseconds: 0, flops: 0, bytes: 0, bound: 0 }
    const [flops, bytes] = [times * flopsOf(call), times * bytesOf(call)]
    group.calls += times
    group.milliseconds += spreadOf(profiles.map((kernels) => kernels[at].milliseconds)).median
    group.flops += flops
    group.bytes += bytes
    group.bound += Math.max(flops * flopTime, bytes * byteTime)
    groups.set(name, group)
  })

  const total = sum([...groups.values()], 'all kernels')
  const ordered = [...groups.values()].sort((a, b) => b.milliseconds - a.milliseconds)
  const small = ordered.filter(({ milliseconds }) => milliseconds < SMALL * total.milliseconds)
  const products = ordered.filter(({ flops }) => flops > 0)
  const single = ordered.slice(0, ordered.length - small.length)
  const summed = [
    sum(small, `${small.length} more, each below ${100 * SMALL} %`),
    sum(products, 'all matrix products'),
    total,
  ]
  for (const group of [...single, ...summed]) {
    const { name, calls, milliseconds, flops, bytes, bound } = group
    yield {
      kind: 'kernel',
      name,
      calls,
      milliseconds,
      share: milliseconds / total.milliseconds,
      gigaflops: flops / milliseconds / 1e6,
      gigabytes: bytes / milliseconds / 1e6,
      ofBound: bound / milliseconds,
      isSlow: single.includes(group) && milliseconds > LARGE * total.milliseconds && bound < milliseconds / 2,
    }
  }
  const gigaflops = (1e-6 / flopTime).toFixed(1)
  yield {
    kind: 'remark',
    text: `bounds: ${gigaflops} GFLOP/s on registers, ${(1e-6 / byteTime).toFixed(1)} GB/s read and written by a copy`,
  }
}

function sum(groups: readonly Group[], name: string): Group {
  const total: Group = { name, calls: 0, milliseconds: 0, flops: 0, bytes: 0, bound: 0 }
  for (const group of groups) {
    for (const key of ['calls', 'milliseconds', 'flops', 'bytes', 'bound'] as const) total[key] += group[key]
  }
  return total
}
