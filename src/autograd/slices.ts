import type { Tensor } from '../tensor/tensor.ts'
import { loop } from './loop.ts'

/** What all slices leave to be added up may take, in bytes: the gradients of the parameters, where there are any. */
const SUMMANDS = 2 ** 26
/** Threads take whole slices: fewer than these leave too many without work, more than the kernels of a whole batch do. */
const FEWEST = 4

/**
 * Into how many slices a batch is cut: so many that an activation of a slice takes `bytes` at most or is one row's, which
 * takes `rowBytes`, unless the sums of all slices, so many numbers each, would take too much memory; 1 where these would be
 * few.
 */
export function slicesOf(batch: number, rowBytes: number, summands: number, bytes = Infinity): number {
  if (batch * rowBytes <= bytes) return 1
  const most = Math.min(batch, Math.floor(SUMMANDS / (summands * 4)))
  let largest = 1
  for (let slices = FEWEST; slices <= most; slices++) {
    if (batch % slices !== 0) continue
    if ((batch / slices) * rowBytes <= bytes) return slices
    largest = slices
  }
  return largest
}

/** A slice of a batch: the number of its first row, and how many it has. */
interface Slice {
  readonly firstRow: Tensor
  readonly rows: number
}
let underWay: Slice | undefined
/** The slice whose formula is being written; none where that is of a whole batch. */
export const sliceUnderWay = (): Slice | undefined => underWay

/**
 * A formula that sums over the rows of its inputs, the first axis of each, as the sum of what it yields for slices of them:
 * what one kernel writes is still in the cache when the next one takes it up, and a thread takes whole slices.
 */
export function sumOverSlices<Sums extends Readonly<Record<string, Tensor>>>(
  inputs: Readonly<Record<string, Tensor>>,
  slices: number,
  compute: (inputs: Readonly<Record<string, Tensor>>) => Sums,
): Sums {
  if (slices === 1) return compute(inputs)
  const names = Object.keys(inputs)
  let keys: string[] = []
  const cut = names.map((name) => {
    const [rows, ...rest] = inputs[name].shape
    return inputs[name].reshape([slices, rows / slices, ...rest])
  })
  const { outputs } = loop({ count: slices, carry: [], inputs: cut }, (_, parts, index) => {
    const slice = Object.fromEntries(names.map((name, i) => [name, parts[i]]))
    const { 0: rows } = parts[0].shape
    const outer = underWay
    underWay = { firstRow: index.mul(rows), rows }
    try {
      const sums = compute(slice)
      keys = Object.keys(sums)
      return { carry: [], outputs: keys.map((key) => sums[key]) }
    } finally {
      underWay = outer
    }
  })
  return Object.fromEntries(keys.map((key, i) => [key, outputs[i].sum(0)])) as Sums
}
