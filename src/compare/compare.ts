import { RmaatError } from '../errors.ts'
import type { Device, HostArray } from '../program/device.ts'
import type { Plan } from '../program/plan.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import { type Case, loopCase, operationCases, scalarCases } from './cases.ts'
import { unroll } from './instructions.ts'
import { type Accuracy, checkKernels, join, type KernelResult, perfect } from './kernels.ts'
import {
  compiledStep,
  type Gradient,
  gradientError,
  gradientOf,
  type ModelBatch,
  type StepOptions,
  stepKernels,
} from './step.ts'
import {
  type Crossing,
  crossings,
  kernelWorkloads,
  medianTime,
  stepWorkload,
  type Time,
  type Workload,
} from './times.ts'

export const parts = ['kernels', 'step', 'times'] as const
export type Part = (typeof parts)[number]

export interface CompareOptions extends StepOptions {
  /** What is compared: every kernel's results, a training step, time against size. */
  readonly parts: readonly Part[]
  /** Of the model whose training step is compared. */
  readonly config: ModelConfig
  /** What the step is run on. */
  readonly data: ModelBatch
  /** Sizes grow until a run takes so many milliseconds. */
  readonly longest: number
  /** Ends the comparison after the piece of work that is under way. */
  readonly signal?: AbortSignal
  /** How far a longer piece of work is. */
  readonly progress?: (what: string, done: number, total: number) => void
}

/** What a comparison tells: a stream that the terminal, lines of JSON and the page read alike. */
export type CompareEvent =
  | {
      readonly kind: 'device'
      readonly device: string
      readonly description: string
      readonly details: Readonly<Record<string, string | number | boolean>>
    }
  | AccuracyEvent
  | StepEvent
  | FailureEvent
  | TimeEvent
  | (Crossing & { readonly kind: 'crossing' })
  | EndEvent

/** How a device did in one scalar operation, one operation of tensors with its gradient, or one kernel over all cases. */
export interface AccuracyEvent extends Accuracy {
  readonly kind: 'accuracy'
  readonly device: string
  readonly of: 'scalar' | 'operation' | 'kernel'
  readonly name: string
  readonly passed: boolean
  /** The first number that is past its budget, in words. */
  readonly wrong?: string
}

export interface StepEvent {
  readonly kind: 'step'
  readonly device: string
  readonly loss: number
  readonly milliseconds: number
  /** Relative to the reference: the loss, and the gradient's largest difference by its largest element. */
  readonly lossError: number
  readonly gradientError: number
  /** The parameter whose gradient is farthest off, by its own largest element. */
  readonly worst: { readonly parameter: string; readonly error: number }
  /** Kernels that were held against the reference one by one, and the largest part of a budget that one takes. */
  readonly kernels: number
  readonly budget: number
  readonly passed: boolean
  /** The first kernel that is past its budget, in words. */
  readonly wrong?: string
}

export interface TimeEvent extends Time {
  readonly kind: 'time'
}

/** A device could not do something at all. */
export interface FailureEvent {
  readonly kind: 'failure'
  readonly device: string
  readonly what: string
  readonly message: string
}

export interface EndEvent {
  readonly kind: 'end'
  readonly passed: boolean
  readonly stopped: boolean
  /** What was past its budget or failed, in words. */
  readonly failures: readonly string[]
}

/**
 * Compares devices: every kernel on each against its error budget, a training step of RMAAT, and time against size.
 * `reference` judges: it computes each kernel in double precision; it may be one of the devices.
 */
export async function* compareDevices(
  devices: readonly Device[],
  reference: Device,
  options: CompareOptions,
): AsyncGenerator<CompareEvent, void> {
  const failures: string[] = []
  let stopped = false
  for await (const event of events(devices, reference, options)) {
    if (event.kind === 'failure') failures.push(`${event.device}: ${event.what}: ${event.message}`)
    // a case counts under its operation and under its kernels
    if (event.kind === 'accuracy' && event.of !== 'kernel' && !event.passed) {
      failures.push(`${event.device}: ${event.name}: ${event.wrong}`)
    }
    if (event.kind === 'step' && !event.passed) failures.push(`${event.device}: training step: ${event.wrong}`)
    yield event
    await new Promise((resolve) => setTimeout(resolve, 0)) // signals and timers get their turn
    stopped = options.signal?.aborted ?? false
    if (stopped) break
  }
  yield { kind: 'end', passed: failures.length === 0, stopped, failures }
}

async function* events(
  devices: readonly Device[],
  reference: Device,
  options: CompareOptions,
): AsyncGenerator<Exclude<CompareEvent, EndEvent>, void> {
  for (const { name, backend } of devices) {
    yield { kind: 'device', device: name, description: backend.description, details: backend.details ?? {} }
  }
  if (options.parts.includes('kernels')) {
    for (const device of devices) if (device !== reference) yield* kernelEvents(device, reference, options)
  }
  if (options.parts.includes('step')) {
    const exact = await gradientOf(reference, options.config, options, options.data)
    for (const device of devices) {
      yield await orFailure(device, 'training step', () => stepEvent(device, reference, exact, options))
    }
  }
  if (options.parts.includes('times')) {
    const workloads = [...kernelWorkloads, stepWorkload(options.config, options)]
    for (const [i, workload] of workloads.entries()) {
      const times: Time[] = []
      for (const [j, device] of devices.entries()) {
        options.progress?.('times', i * devices.length + j, workloads.length * devices.length)
        for await (const event of timesOf(device, workload, options.longest)) {
          if (event.kind === 'time') times.push(event)
          yield event
        }
      }
      for (const crossing of crossings(times)) yield { kind: 'crossing', ...crossing }
    }
  }
}

/** What a device's refusal of a piece of work is: a finding, and no end of the comparison. */
async function orFailure<Event>(
  device: Device,
  what: string,
  work: () => Promise<Event>,
): Promise<Event | FailureEvent> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RmaatError) || error.code === 'internal') throw error
    return { kind: 'failure', device: device.name, what, message: error.message }
  }
}

/** A tally with the first number that was past its budget. */
interface Tally {
  readonly accuracy: Accuracy
  wrong: string | undefined
}

async function* kernelEvents(
  device: Device,
  reference: Device,
  { progress }: CompareOptions,
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

async function stepEvent(
  device: Device,
  reference: Device,
  exact: Gradient,
  options: CompareOptions,
): Promise<StepEvent> {
  const { config, data, signal, progress } = options
  const found = device === reference ? exact : await gradientOf(device, config, options, data)
  const { loss, gradient, worst } = gradientError(found, exact)
  const step = compiledStep(device, config, options, data)
  const milliseconds = await medianTime(step.run).finally(step.close)
  const accuracy = perfect()
  let [kernels, wrong]: [number, string | undefined] = [0, undefined]
  if (device !== reference) {
    for await (const result of stepKernels(device, reference.backend, config, options, data)) {
      kernels++
      progress?.(`training step of ${device.name}`, kernels, result.of)
      join(accuracy, result.accuracy)
      wrong = result.wrong
      await new Promise((resolve) => setTimeout(resolve, 0))
      if (wrong !== undefined || signal?.aborted) break
    }
  }
  return {
    kind: 'step',
    device: device.name,
    loss: found.loss,
    milliseconds,
    lossError: loss,
    gradientError: gradient,
    worst,
    kernels,
    budget: accuracy.budget,
    passed: wrong === undefined,
    wrong,
  }
}

/** Times at growing sizes, until the next one would take longer than `longest` or the device has no memory for it. */
async function* timesOf(
  device: Device,
  { name, unit, sizes, prepare }: Workload,
  longest: number,
): AsyncGenerator<TimeEvent | FailureEvent, void> {
  let [before, last] = [1, 0]
  for (const size of sizes) {
    // the next one takes as much longer as this one did; a time that jumps is noise
    if (last * Math.min(8, last / before) > longest) return
    const event = await orFailure(device, `${name}, ${size} ${unit}`, async (): Promise<TimeEvent | undefined> => {
      try {
        const { run, close } = prepare(device, size)
        const milliseconds = await medianTime(run).finally(close)
        return { kind: 'time', device: device.name, workload: name, unit, size, milliseconds }
      } catch (error) {
        if (error instanceof RmaatError && error.code === 'memory') return undefined
        throw error
      }
    })
    if (event) yield event
    if (event?.kind !== 'time') return
    ;[before, last] = [last || event.milliseconds, event.milliseconds]
  }
}
