import { normalizeAxis, toBack } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { lessEqual, where } from './elementwise.ts'
import { constant, expectDType, iota } from './row.ts'
import { concat, stack } from './views.ts'

/** How many elements are combined with all before them at once: each is read so many times. */
const BLOCK = 32

interface Accumulation {
  /** Of x [..., B] and mask [B, B]: for each row of the mask what the chosen elements of x make together, [..., B]. */
  readonly within: (x: Tensor, mask: Tensor) => Tensor
  readonly join: (before: Tensor, after: Tensor) => Tensor
  /** What fills the last block. */
  readonly neutral: number
}

/**
 * What each element of an axis and all before it make together. By blocks: each element with those before it in its
 * block, and with what the blocks before make, which is found in the same way. So n elements take log(n) / log(32) levels,
 * and what comes after an element has no influence on it, not even as NaN.
 */
function accumulated(x: Tensor, along: number, how: Accumulation): Tensor {
  const order = toBack(along, x.rank)
  return overLast(x.transpose(order), how).transpose(order)
}

function overLast(x: Tensor, how: Accumulation): Tensor {
  const [outer, length] = [x.shape.slice(0, -1), x.shape[x.rank - 1]]
  const size = Math.min(length, BLOCK)
  const mask = lessEqual(iota([size, size], 1), iota([size, size], 0))
  if (length <= BLOCK) return length < 2 ? x : how.within(x, mask)
  const count = Math.ceil(length / BLOCK)
  const rest = count * BLOCK - length
  const filled = rest ? concat([x, constant(how.neutral, x.dtype).broadcastTo([...outer, rest])], -1) : x
  const within = how.within(filled.reshape([...outer, count, BLOCK]), mask)
  const ends = overLast(within.select(-1, BLOCK - 1), how).reshape([...outer, count, 1])
  const joined = how.join(ends.narrow(-2, 0, count - 1).broadcastTo([...outer, count - 1, BLOCK]), within.narrow(-2, 1))
  return concat([within.narrow(-2, 0, 1), joined], -2)
    .reshape([...outer, count * BLOCK])
    .narrow(-1, 0, length)
}

/** x [..., B] -> [..., 1, B], which the mask [B, B] meets. */
const facing = (x: Tensor): Tensor => x.unsqueeze(-2)

/** The sums of each element and all before it along an axis. Of f32 and i32. */
export const cumsum = (x: Tensor, axis: number): Tensor =>
  accumulated(x, normalizeAxis('cumsum', axis, x.rank), {
    within: (part, mask) => where(mask, facing(part), 0).sum(-1),
    join: (before, after) => before.add(after),
    neutral: 0,
  })

/** The products of each element and all before it along an axis. Of f32 and i32. */
export const cumprod = (x: Tensor, axis: number): Tensor =>
  accumulated(x, normalizeAxis('cumprod', axis, x.rank), {
    within: (part, mask) => where(mask, facing(part), 1).prod(-1),
    join: (before, after) => before.mul(after),
    neutral: 1,
  })

/** log(sum exp(x)) of each element and all before it along an axis. */
export const logCumSumExp = (x: Tensor, axis: number): Tensor =>
  accumulated(expectDType('logCumSumExp', x, 'f32'), normalizeAxis('logCumSumExp', axis, x.rank), {
    within: (part, mask) => where(mask, facing(part), -Infinity).logSumExp(),
    join: (before, after) => stack([before, after], -1).logSumExp(),
    neutral: -Infinity,
  })
