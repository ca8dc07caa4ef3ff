import { aBoolean, aCount, anObject, maybe, takes, wholeFrom } from '../checks.ts'
import { expectDType } from '../ops/entry.ts'
import { f32, type InputSpec, i32 } from '../program/program.ts'
import type { Batch } from '../tasks/batch.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { ModelConfig } from './config.ts'
import { type RetentionSchedule, retentionFactors } from './retention.ts'

type Sizes = Pick<ModelConfig, 'segments' | 'segmentLength'> & Partial<Pick<ModelConfig, 'causal' | 'towers'>>

/**
 * The inputs of a program over a batch: B rows of T segments of S tokens, aligned at their ends. Of two towers, tokens, valid,
 * retention and live have an axis of 2 behind the rows.
 */
export function batchInputs(rows: number, sizes: Sizes) {
  takes('batchInputs', { rows, sizes }, { rows: aCount, sizes: anObject })
  const { segments, segmentLength, causal, towers = 1 } = sizes
  const kinds = { segments: aCount, segmentLength: aCount, causal: maybe(aBoolean), towers: wholeFrom(1, 2) }
  takes('batchInputs', { segments, segmentLength, causal, towers }, kinds)
  const texts = towers === 1 ? [rows] : [rows, 2]
  return {
    tokens: i32(...texts, segments, segmentLength),
    /** 1 for a token, 0 for padding. */
    valid: i32(...texts, segments, segmentLength),
    /** The class of each row; of a causal model that of each token, [rows, segments, segmentLength], -1 where none is asked for. */
    labels: causal ? i32(rows, segments, segmentLength) : i32(rows),
    /** The share of each row in the batch's loss: 1 / B in a full one, 0 for the rows that only fill it. */
    weights: f32(rows),
    /** RF of each row and segment. */
    retention: f32(...texts, segments),
    /** 1 where a row has a token in a segment. */
    live: i32(...texts, segments),
  }
}
export type BatchTensors = { readonly [Name in keyof ReturnType<typeof batchInputs>]: Tensor }

/** A segment of B sequences: token ids, and 1 for a token, 0 for padding, i32 [B, S]. */
export interface Segment {
  readonly tokens: Tensor
  readonly valid: Tensor
}

/** A segment, and RF(t, T) of each row, f32 [B]. */
export interface RetainedSegment extends Segment {
  readonly retention: Tensor
}

/** The inputs of a program over one segment of B sequences. */
export const segmentInputs = (rows: number, { segmentLength }: Pick<Sizes, 'segmentLength'>) => ({
  tokens: i32(rows, segmentLength),
  valid: i32(rows, segmentLength),
  retention: f32(rows),
})

/** Throws where tensors are not of the shapes and types that are expected by their names. */
export function checkTensors(where: string, given: object, expected: Readonly<Record<string, InputSpec>>): void {
  for (const [name, { shape, dtype }] of Object.entries(expected)) {
    const found = given[name as keyof typeof given] as Tensor
    takes(where, { [name]: found }, { [name]: aTensor })
    expectDType(`${where}: ${name}`, found, dtype)
    if (!sameShape(found.shape, shape)) throw shapeError`${where}: ${name} is ${found.shape}; expected ${shape}`
  }
}

type Rows = Pick<Batch, 'tokens' | 'valid' | 'labels' | 'weights'>
interface BatchValues extends Rows {
  readonly retention: Float64Array
  readonly live: Int32Array
}

/** The values of these inputs. */
export function batchValues(
  { tokens, valid, labels, weights }: Rows,
  sizes: Sizes,
  schedule: RetentionSchedule,
): BatchValues {
  const { live, factor } = retentionFactors(valid, { ...sizes, rows: weights.length * (sizes.towers ?? 1) }, schedule)
  return { tokens, valid, labels, weights, retention: factor, live }
}
