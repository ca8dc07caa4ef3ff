import type { HostArray } from '../../program/device.ts'
import type { DType } from '../../tensor/dtype.ts'
import type { Piece } from '../heap.ts'
import type { Abilities } from './dispatch.ts'
import type { GpuMemory } from './memory.ts'
import type { Pipelines } from './pipelines.ts'

export type HostData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>
/** A copy of numbers as the heap holds them. */
export const hostData = (dtype: DType, values: ArrayLike<number>): HostData =>
  dtype === 'f32' ? new Float32Array(values) : new Int32Array(values)

/** A job's turn ends when its work is submitted; `done` settles when its results are here. */
export interface Submitted<Result> {
  readonly done: Promise<Result>
}

export type Job<Result> = () => Promise<Submitted<Result>>

/** The owner of a part of the heap, which the GPU may still refuse. */
export interface Owner {
  /** The error if the GPU has refused it; its users get it. */
  readonly refused: unknown
  /** Gives its part back. */
  refuse(error: unknown): void
}

/** What a job needs at its turn. */
export interface Needs {
  /** How long the heap must be. */
  readonly bytes: number
  readonly uses?: readonly Owner[]
  /** Is refused where the job fails. */
  readonly owner?: Owner
}

/** Buffers beside the heap. */
export interface OwnBuffers {
  readonly ownBytes: number
  destroy(): void
}

/** What programs share. */
export interface Shared {
  readonly device: GPUDevice
  readonly abilities: Abilities
  readonly pipelines: Pipelines
  readonly memory: GpuMemory
  /** Where the scratch begins, in bytes. */
  readonly scratch: number
  /** Where the arena begins, in bytes. */
  readonly arena: number
  /** When the last run ended, by the host's clock in milliseconds. */
  lastEnd: number
  variable(id: number): Owner & { readonly piece: Piece }
  /** Gives `job` its turn when all earlier ones have submitted their work. */
  enqueue<Result>(needs: Needs, job: Job<Result>): Promise<Result>
  /** Reads a part of the heap through a buffer of its own. */
  readHeap(piece: Piece, dtype: DType, uses: readonly Owner[]): Promise<HostArray>
  /** Forgets a program and destroys its buffers, after all that is under way. */
  unload(program: OwnBuffers): void
}
