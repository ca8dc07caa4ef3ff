import { loop } from '../ops/loop.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import type { BatchTensors, Slice } from '../rmaat/model.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** What all slices leave to be added up may take, in bytes: the gradients of the parameters, where there are any. */
const SUMMANDS = 2 ** 26
/** Threads take whole slices: fewer than these leave too many without work, more than the kernels of a whole batch do. */
const FEWEST = 4

/**
 * Into how many slices a batch is cut: so many that an activation of a slice takes `bytes` at most or is one row's, unless
 * what they leave to be added up, so many numbers each, would take too much memory; 1 where these would be few.
 */
export function slicesOf(
  { memory, segmentLength, width }: Pick<ModelConfig, 'memory' | 'segmentLength' | 'width'>,
  batch: number,
  summands: number,
  bytes = Infinity,
): number {
  const row = (memory + segmentLength) * width * 4
  if (batch * row <= bytes) return 1
  const most = Math.min(batch, Math.floor(SUMMANDS / (summands * 4)))
  let largest = 1
  for (let slices = FEWEST; slices <= most; slices++) {
    if (batch % slices !== 0) continue
    if ((batch / slices) * row <= bytes) return slices
    largest = slices
  }
  return largest
}

/** The axis of the rows in each input. */
const ROWS: Readonly<Record<keyof BatchTensors, number>> = {
  tokens: 0,
  valid: 0,
  labels: 0,
  weights: 0,
  retention: 1,
  live: 1,
}

/**
 * What `compute` yields for a few rows of a batch, summed over all of them: what one kernel writes is still in the cache when
 * the next one reads it, and a thread takes whole slices.
 */
export function sumOverSlices(
  inputs: BatchTensors,
  slices: number,
  compute: (inputs: BatchTensors, slice?: Slice) => Tensor[],
): Tensor[] {
  if (slices === 1) return compute(inputs)
  const rows = inputs.labels.shape[0] / slices
  const total = inputs.weights.sum()
  const names = Object.keys(ROWS) as (keyof BatchTensors)[]
  const cut = names.map((name) => {
    const { [name]: x } = inputs
    const axis = ROWS[name]
    const pieces = x.reshape([...x.shape.slice(0, axis), slices, rows, ...x.shape.slice(axis + 1)])
    return axis === 0 ? pieces : pieces.transpose([1, 0, 2])
  })
  const { outputs } = loop({ count: slices, carry: [], inputs: cut }, (_, parts, index) => {
    const slice = Object.fromEntries(names.map((name, i) => [name, parts[i]])) as BatchTensors
    return { carry: [], outputs: compute(slice, { first: index.mul(rows), total }) }
  })
  return outputs.map((output) => output.sum(0))
}
