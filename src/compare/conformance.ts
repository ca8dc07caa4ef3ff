import type { Device, HostArray } from '../program/device.ts'
import type { Plan } from '../program/plan.ts'
import { type Case, loopCase, operationCases, scalarCases } from './cases.ts'
import { type AccuracyEvent, type FailureEvent, orFailure } from './events.ts'
import { unroll } from './instructions.ts'
import { type Accuracy, checkKernels, join, type KernelResult, perfect } from './kernels.ts'

/** A tally with the first number that was past its budget. */
interface Tally {
  readonly accuracy: Accuracy
  wrong: string | undefined
}

/** Runs every case on a device, and tells how it did in each operation and, at the end, in each kernel. */
export async function* kernelEvents(
  device: Device,
  reference: Device,
  progress?: (what: string, done: number, total: number) => void,
): AsyncGenerator<AccuracyEvent | FailureEvent, void> {
  const kernels = new Map<string, Tally>()
  const add = (tallies: Map<string, Tally>, name: string, accuracy: Accuracy, wrong: string | undefined): void => {
    const tally = tallies.get(name) ?? { accuracy: perfect(), wrong: undefined }
    tallies.set(name, tally)
    join(tally.accuracy, accuracy)
    tally.wrong ??= wrong
  }
  const event = (of: AccuracyEvent['of'], [name, { accuracy, wrong }]: [string, Tally]): AccuracyEvent => {
    return { kind: 'accuracy', device: device.name, of, name, ...accuracy, passed: wrong === undefined, wrong }
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
      for await (const { call, accuracy, wrong } of checkCase(device, reference, one)) {
        add(open, one.operation, accuracy, wrong)
        add(kernels, call.kind, accuracy, wrong && `in ${one.operation}, ${wrong}`)
      }
      if (one !== loop) return
      const { accuracy, wrong } = await checkLoop(device, one)
      add(open, one.operation, accuracy, wrong)
      add(kernels, 'loop', accuracy, wrong)
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
): AsyncGenerator<KernelResult, void> {
  const written = unroll(plan)
  const loaded = device.backend.load(written)
  try {
    yield* checkKernels({ loaded, plan: written, inputs, reset: () => {} }, reference.backend)
  } finally {
    loaded.close()
  }
}

/** A loop must do what its iterations do when they are written out, bit for bit. */
async function checkLoop(device: Device, { plan, inputs }: Case): Promise<Tally> {
  const run = async (one: Plan): Promise<HostArray[]> => {
    const loaded = device.backend.load(one)
    try {
      return await loaded.run(inputs)
    } finally {
      loaded.close()
    }
  }
  const [looped, written] = [await run(plan), await run(unroll(plan))]
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
  return { accuracy, wrong }
}
