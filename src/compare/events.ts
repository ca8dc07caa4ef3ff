import { RmaatError } from '../errors.ts'
import type { Device } from '../program/device.ts'
import type { Accuracy } from './kernels.ts'
import type { Crossing, Time } from './times.ts'

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
  /** What its kernels took in all cases, and the reference's time as a multiple of it. */
  readonly milliseconds: number
  readonly speedUp: number
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

/** What a device's refusal of a piece of work is: a finding, and no end of the comparison. */
export async function orFailure<Event>(
  device: Device,
  what: string,
  work: () => Promise<Event>,
): Promise<Event | FailureEvent> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RmaatError)) throw error
    return { kind: 'failure', device: device.name, what, message: error.message }
  }
}
