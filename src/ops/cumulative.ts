import { normalizeAxis, toBack } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { add, lessEqual, mul } from './binary.ts'
import { where } from './elementwise.ts'
import { constant, expectDType, iota } from './entry.ts'
import { concat, stack } from './views.ts'

/** How many elements are combined with all before them at once: each is read so many times. */
const BLOCK = 32

interface Accumulation {
  /** What all elements of the last axis make together. */
  readonly reduce: (x: Tensor) => Tensor
  readonly join: (before: Tensor, after: Tensor) => Tensor
  /** The identity element, which fills the last block. */
  readonly identity: number
}

/**
 * What each element of an axis and all before it make together. By blocks: each element with those before it in its
 * block, and with what the blocks before make, which is found in the same way. So n elements take log(n) / log(32) levels,
 * and what comes after an element has no influence on it, not even as NaN.
 */
function accumulated(operation: string, x: Tensor, axis: number, how: Accumulation): Tensor {
  const order = toBack(normalizeAxis(operation, axis, x.rank), x.rank)
  return overLast(x.transpose(order), how).transpose(order)
}

function overLast(x: Tensor, how: Accumulation): Tensor {
  const [outer, length] = [x.shape.slice(0, -1), x.shape[x.rank - 1]]
  const size = Math.min(length, BLOCK)
  const mask = lessEqual(iota([size, size], 1), iota([size, size], 0))
  /** Of [..., B]: for each element of a block it and those before it. */
  const within = (part: Tensor): Tensor => how.reduce(where(mask, part.unsqueeze(-2), how.identity))
  if (length <= BLOCK) return length < 2 ? x : within(x)
  const count = Math.ceil(length / BLOCK)
  const rest = count * BLOCK - length
  const filled = rest ? concat([x, constant(how.identity, x.dtype).broadcastTo([...outer, rest])], -1) : x
  const blocks = within(filled.reshape([...outer, count, BLOCK]))
  const ends = overLast(blocks.select(-1, BLOCK - 1), how).reshape([...outer, count, 1])
  const joined = how.join(ends.narrow(-2, 0, count - 1).broadcastTo([...outer, count - 1, BLOCK]), blocks.narrow(-2, 1))
  return concat([blocks.narrow(-2, 0, 1), joined], -2)
    .reshape([...outer, count * BLOCK])
    .narrow(-1, 0, length)
}

/** The sums of each element and all before it along an axis. Of f32 and i32. */
export const cumsum = (x: Tensor, axis: number): Tensor =>
  accumulated('cumsum', x, axis, { reduce: (all) => all.sum(-1), join: add, identity: 0 })

/** The products of each element and all before it along an axis. Of f32 and i32. */
export const cumprod = (x: Tensor, axis: number): Tensor =>
  accumulated('cumprod', x, axis, { reduce: (all) => all.prod(-1), join: mul, identity: 1 })

/** log(sum exp(x)) of each element and all before it along an axis. */
export const logCumSumExp = (x: Tensor, axis: number): Tensor =>
  accumulated('logCumSumExp', expectDType('logCumSumExp', x, 'f32'), axis, {
    reduce: (all) => all.logSumExp(),
    join: (before, after) => stack([before, after], -1).logSumExp(),
    identity: -Infinity,
  })
