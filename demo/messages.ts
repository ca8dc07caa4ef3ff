import type { CompareEvent } from '../src/index.ts'
import type { Settings } from './settings.ts'

/** What the page asks of the engine, which stands in a worker. */
export type Request =
  /** Trains; a run that is under way ends first, and where the model stays so do its weights. */
  | { readonly kind: 'start'; readonly settings: Settings; readonly content?: Blob }
  | { readonly kind: 'pause' | 'resume' | 'stop' | 'reset' | 'save' }
  /** A file: weights, or golden values. */
  | {
      readonly kind: 'open'
      readonly name: string
      readonly bytes: Uint8Array
      readonly settings: Settings
      readonly content?: Blob
    }
  | { readonly kind: 'explain'; readonly id: string; readonly settings: Settings }
  /** The shaders of a kernel of what was explained last. */
  | { readonly kind: 'shader'; readonly program: number; readonly at: number }
  /** The memory of training steps over so many segments. */
  | { readonly kind: 'plan'; readonly settings: Settings; readonly threads: number }
  /** The macro model of astrocytes, with the paper's cycles. */
  | { readonly kind: 'simulate' }
  /** Holds the devices of this browser against the reference. */
  | { readonly kind: 'compare'; readonly settings: Settings }

export type State = 'idle' | 'preparing' | 'training' | 'paused' | 'testing' | 'stopped' | 'done'

/** One step, or the mean of several. */
export interface Step {
  readonly step: number
  readonly loss: number
  readonly accuracy: number
}

/** A sequence that is held out, and what the model says of it. */
export interface Answer {
  readonly text: string
  readonly label: string
  readonly found: string
  readonly share: number
}

/** A kernel of a program, with its time in milliseconds where it was measured. */
export interface KernelLine {
  /** Among the instructions of the plan. */
  readonly at: number
  readonly kind: string
  readonly words: string
  readonly operands: string
  /** What its results may be off by. */
  readonly budget: string
  readonly milliseconds: number | undefined
}

/** A result in the arena: its elements, and the instructions from the one that writes it to the last that reads it. */
export interface Lifetime {
  readonly low: number
  readonly high: number
  readonly from: number
  readonly to: number
}

export interface Explained {
  readonly title: string
  readonly lifetimes: readonly Lifetime[]
  readonly instructions: number
  readonly arenaBytes: number
  readonly kernels: readonly KernelLine[]
  /** The nodes of the graph that it was compiled of, oldest first, a line each. */
  readonly nodes: readonly string[]
}

/** One way of finding the gradient, with the bytes that it takes. */
export interface PlanPoint {
  readonly method: string
  readonly kept: number
  readonly peak: number
  readonly kernels: number
}

export type Reply =
  | { readonly kind: 'state'; readonly state: State; readonly words: string }
  | { readonly kind: 'device'; readonly name: string; readonly description: string; readonly note: string }
  /** The weights are new ones. */
  | { readonly kind: 'fresh' }
  | { readonly kind: 'task'; readonly chance: number; readonly notes: readonly string[] }
  | {
      readonly kind: 'begin'
      readonly parameters: number
      readonly kernels: number
      readonly peak: number
      readonly method: string
    }
  | {
      readonly kind: 'steps'
      readonly steps: readonly Step[]
      readonly tokensPerSecond: number
      readonly memoryGradients: readonly number[]
    }
  | {
      readonly kind: 'seen'
      readonly answers: readonly Answer[]
      /** [T, M, d] as it enters the segments. */
      readonly memory: Float32Array
      readonly sizes: readonly [number, number, number]
    }
  | {
      readonly kind: 'tested'
      readonly accuracy: number
      readonly loss: number
      readonly examples: number
      readonly majority: number
    }
  | { readonly kind: 'saved'; readonly bytes: Uint8Array }
  | { readonly kind: 'loaded'; readonly settings: Settings }
  | {
      readonly kind: 'verified'
      readonly name: string
      readonly worst: string
      readonly error: number
      readonly tensors: number
    }
  | {
      readonly kind: 'explained'
      readonly id: string
      readonly device: string
      readonly programs: readonly Explained[]
    }
  | { readonly kind: 'shader'; readonly program: number; readonly at: number; readonly sources: readonly string[] }
  | {
      readonly kind: 'planned'
      readonly segments: number
      readonly points: readonly PlanPoint[]
      readonly whole: boolean
    }
  | {
      readonly kind: 'simulated'
      /** In seconds, and the mean of each process at that time. */
      readonly times: readonly number[]
      readonly shortTerm: readonly number[]
      readonly longTerm: readonly number[]
    }
  | { readonly kind: 'comparing'; readonly words: string }
  | { readonly kind: 'compared'; readonly event: CompareEvent }
  /** Losses of the same twenty steps, and of the CPU with plain SIMD the hash of the weights. */
  | { readonly kind: 'curve'; readonly device: string; readonly losses: readonly number[]; readonly hash?: string }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
