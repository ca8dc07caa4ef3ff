import type { Device, HostArray, Loaded } from '../program/device.ts'
import type { Plan } from '../program/plan.ts'
import { type Case, loopCase, operationCases, scalarCases } from './cases.ts'
import { type AccuracyEvent, type FailureEvent, orFailure } from './events.ts'
import { unroll } from './instructions.ts'
import { type Accuracy, checkKernels, join, type KernelResult, perfect } from './kernels.ts'

/** A tally with the first number that was past its budget, and the time that kernels took, here and on the reference. */
interface Tally {
  readonly accuracy: Accuracy
  wrong: string | undefined
  milliseconds: number
  reference: number
}

interface TimedResult extends KernelResult {
  readonly milliseconds: number
  readonly reference: number
}

/** Runs every case on a device, and tells how it did in each operation and, at the end, in each kernel. */
export async function* kernelEvents(
  device: Device,
  reference: Device,
  progress?: (what: string, done: number, total: number) => void,
): AsyncGenerator<AccuracyEvent | FailureEvent, void> {
  const kernels = new Map<string, Tally>()
  const add = (
    tallies: Map<string, Tally>,
    name: string,
    { accuracy, wrong, milliseconds, reference }: Tally,
  ): void => {
    const tally = tallies.get(name) ?? { accuracy: perfect(), wrong: undefined, milliseconds: 0, reference: 0 }
    tallies.set(name, tally)
    join(tally.accuracy, accuracy)
    tally.wrong ??= wrong
    tally.milliseconds += milliseconds
    tally.reference += reference
  }
  const event = (of: AccuracyEvent['of'], [name, tally]: [string, Tally]): AccuracyEvent => {
    const { accuracy, wrong, milliseconds } = tally
    const speedUp = tally.reference / milliseconds
    const passed = wrong === undefined
    return { kind: 'accuracy', device: device.name, of, name, ...accuracy, milliseconds, speedUp, passed, wrong }
  }
  const loop = loopCase()
  const cases = [
    ...[...scalarCases()].map((one) => ({ of: 'scalar' as const, one })),
    ...[...operationCases(), loop].map((one) => ({ of: 'operation' as const, one })),
  ]
  let open = new Map<string, Tally>()
  for (const [i, { of, one }] of cases.entries()) {
    progress?.(`kernels of ${device.name}`, i, cases.length)
    const failure = await orFailure(device, one.operation, async () => {
      for await (const result of checkCase(device, reference, one)) {
        const { wrong } = result
        add(open, one.operation, result)
        add(kernels, result.call.kind, { ...result, wrong: wrong && `in ${one.operation}, ${wrong}` })
      }
      if (one !== loop) return
      const tally = await checkLoop(device, reference, one)
      add(open, one.operation, tally)
      add(kernels, 'loop', tally)
    })
    if (failure) yield failure
    if (cases[i + 1]?.one.operation === one.operation) continue
    for (const tally of open) yield event(of, tally)
    open = new Map()
  }
  for (const tally of kernels) yield event('kernel', tally)
}

async function* checkCase(
  device: Device,
  reference: Device,
  { plan, inputs }: Case,
): AsyncGenerator<TimedResult, void> {
  const written = unroll(plan)
  const loaded: Loaded[] = []
  try {
    for (const { backend } of [device, reference]) loaded.push(backend.load(written))
    const [found, expected] = loaded
    const results: KernelResult[] = []
    for await (const result of checkKernels(
      { loaded: found, plan: written, inputs, reset: () => {} },
      reference.backend,
    ))
      results.push(result)
    // both have run by now, or run once before they are timed
    const milliseconds = await found.profile(inputs)
    await expected.run(inputs)
    const times = await expected.profile(inputs)
    for (const result of results)
      yield { ...result, milliseconds: milliseconds[result.at], reference: times[result.at] }
  } finally {
    for (const one of loaded) one.close()
  }
}

/** A loop must do what its iterations do when they are written out, bit for bit. */
async function checkLoop(device: Device, reference: Device, { plan, inputs }: Case): Promise<Tally> {
  const run = async ({ backend }: Device, one: Plan): Promise<{ results: HostArray[]; milliseconds: number }> => {
    const loaded = backend.load(one)
    try {
      const results = await loaded.run(inputs)
      const begin = performance.now()
      await loaded.run(inputs)
      return { results, milliseconds: performance.now() - begin }
    } finally {
      loaded.close()
    }
  }
  const { results: looped, milliseconds } = await run(device, plan)
  const { results: written } = await run(device, unroll(plan))
  const accuracy = perfect()
  let wrong: string | undefined
  looped.forEach((values, output) => {
    accuracy.lanes += values.length
    const lane = values.findIndex((value, i) => !Object.is(value, written[output][i]))
    if (lane < 0) return
    accuracy.budget = Infinity
    const { name } = plan.outputs[output]
    wrong ??= `element ${lane} of ${name} is ${values[lane]} in a loop, ${written[output][lane]} written out`
  })
  return { accuracy, wrong, milliseconds, reference: (await run(reference, plan)).milliseconds }
}
