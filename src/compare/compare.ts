import {
  aBoolean,
  aCount,
  aFunction,
  anAbortSignal,
  anObject,
  aString,
  listOf,
  maybe,
  oneOf,
  positive,
  takes,
  takesOptions,
  wholeFrom,
} from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { methods } from '../nn/model.ts'
import { aDevice, type Device } from '../program/device.ts'
import type { StepOptions } from '../train/step.ts'
import { kernelEvents } from './conformance.ts'
import {
  type CompareEvent,
  type EndEvent,
  type FailureEvent,
  orFailure,
  type StepEvent,
  type TimeEvent,
} from './events.ts'
import { join, perfect } from './kernels.ts'
import { compiledStep, type Gradient, gradientError, gradientOf, stepKernels, type Workload } from './step.ts'
import { crossings, kernelTimings, medianTime, stepTiming, type Time, type Timing } from './times.ts'

export const parts = ['kernels', 'step', 'times'] as const
export type Part = (typeof parts)[number]

/** What `compareDevices` compares, and with what. */
export interface CompareOptions extends Omit<StepOptions, 'batch'> {
  /** What is compared: every kernel's results, a training step, time against size. */
  readonly parts: readonly Part[]
  /** The model whose training step is compared, and the examples that it is run on. */
  readonly workload: Workload
  /** Sizes grow until a run takes so many milliseconds. */
  readonly longest: number
  /** Ends the comparison after the piece of work that is under way. */
  readonly signal?: AbortSignal
  /** How far a longer piece of work is. */
  readonly progress?: (what: string, done: number, total: number) => void
}

const compareKinds = {
  parts: listOf(oneOf(parts), `parts, each ${oneOf(parts).words}`),
  workload: anObject,
  method: oneOf(methods),
  keep: maybe(wholeFrom(0)),
  hold: maybe(wholeFrom(0)),
  reach: maybe(aCount),
  clip: positive,
  trace: maybe(aBoolean),
  slices: maybe(aCount),
  longest: positive,
  signal: maybe(anAbortSignal),
  progress: maybe(aFunction),
}

/**
 * Compares devices: every kernel on each against its error budget, a training step, and time against size.
 * `reference` judges: it computes each kernel in double precision; it may be one of the devices.
 */
export async function* compareDevices(
  devices: readonly Device[],
  reference: Device,
  options: CompareOptions,
): AsyncGenerator<CompareEvent, void> {
  takes('compareDevices', { devices, reference }, { devices: listOf(aDevice, 'devices'), reference: aDevice })
  takesOptions('compareDevices', options, compareKinds)
  const { name, make } = options.workload
  takes('compareDevices: the workload', { name, make }, { name: aString, make: aFunction })
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
    for (const device of devices) if (device !== reference) yield* kernelEvents(device, reference, options.progress)
  }
  if (options.parts.includes('step')) {
    const exact = await gradientOf(reference, options.workload, options)
    for (const device of devices) {
      yield await orFailure(device, 'training step', () => stepEvent(device, reference, exact, options))
    }
  }
  if (options.parts.includes('times')) {
    const timings = [...kernelTimings, stepTiming(options.workload, options)]
    for (const [i, timing] of timings.entries()) {
      const times: Time[] = []
      for (const [j, device] of devices.entries()) {
        options.progress?.('times', i * devices.length + j, timings.length * devices.length)
        for await (const event of timesOf(device, timing, options.longest)) {
          if (event.kind === 'time') times.push(event)
          yield event
        }
      }
      for (const crossing of crossings(times)) yield { kind: 'crossing', ...crossing }
    }
  }
}

async function stepEvent(
  device: Device,
  reference: Device,
  exact: Gradient,
  options: CompareOptions,
): Promise<StepEvent> {
  const { workload, signal, progress } = options
  const found = device === reference ? exact : await gradientOf(device, workload, options)
  const { loss, gradient, worst } = gradientError(found, exact)
  const step = compiledStep(device, workload, options)
  const milliseconds = await medianTime(step.run).finally(step.close)
  const accuracy = perfect()
  let [kernels, wrong]: [number, string | undefined] = [0, undefined]
  if (device !== reference) {
    for await (const result of stepKernels(device, reference.backend, workload, options)) {
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
  { name, unit, sizes, prepare }: Timing,
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
