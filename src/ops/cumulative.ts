import { normalizeAxis, toBack } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { add, lessEqual, mul } from './binary.ts'
import { where } from './elementwise.ts'
import { constant, expectDType, iota } from './entry.ts'
import { scan } from './scan.ts'
import { concat, stack } from './views.ts'

/** So many elements follow one another in a block, and so many blocks, before there are blocks of blocks. */
const BLOCK = 32
/** A block that divides the elements evenly may be as short as this. */
const SHORT = 16

interface Accumulation {
  /** What each element of the axis and all before it make together, of one block. */
  readonly within: (x: Tensor, axis: number) => Tensor
  readonly join: (before: Tensor, after: Tensor) => Tensor
  /** The identity element, which is before the first block, and fills the last one. */
  readonly identity: number
}

/**
 * What each element of an axis and all before it make together. By blocks: each element with those before it in its
 * block, and with what the blocks before make, which is found in the same way. So many elements take few roundings one after
 * another, log(n) / log(32) times those of a block, and what comes after an element has no influence on it, not even as NaN.
 */
function accumulated(x: Tensor, axis: number, how: Accumulation): Tensor {
  const { shape } = x
  const length = shape[axis]
  if (length <= BLOCK) return length < 2 ? x : how.within(x, axis)
  const size = blockOf(length)
  const count = Math.ceil(length / size)
  const identities = (along: number): Tensor => constant(how.identity, x.dtype).broadcastTo(shape.with(axis, along))
  const rest = count * size - length
  const filled = rest ? concat([x, identities(rest)], axis) : x
  const blocks = how.within(filled.reshape(shape.toSpliced(axis, 1, count, size)), axis + 1)
  const ends = accumulated(blocks.select(axis + 1, size - 1), axis, how)
  const before = concat([identities(1), ends.narrow(axis, 0, count - 1)], axis)
  const joined = how.join(before.unsqueeze(axis + 1).broadcastTo(blocks.shape), blocks)
  return joined.reshape(shape.with(axis, count * size)).narrow(axis, 0, length)
}

/** The largest that needs no filling, else the largest of all. */
function blockOf(length: number): number {
  for (let size = BLOCK; size >= SHORT; size--) if (length % size === 0) return size
  return BLOCK
}

/** Each element of a block with those before it, all of them at once. */
const byMask =
  (reduce: (all: Tensor) => Tensor, identity: number): Accumulation['within'] =>
  (x, axis) => {
    const order = toBack(axis, x.rank)
    const { [axis]: size } = x.shape
    const mask = lessEqual(iota([size, size], 1), iota([size, size], 0))
    return reduce(where(mask, x.transpose(order).unsqueeze(-2), identity)).transpose(order)
  }

/** The sums of each element and all before it along an axis. Of f32 and i32. */
export function cumsum(x: Tensor, axis: number): Tensor {
  const along = normalizeAxis('cumsum', axis, x.rank)
  const whole = byMask((all) => all.sum(-1), 0)
  const within: typeof whole = (part, axis) =>
    x.dtype === 'f32' ? scan(constant(1), part, { axis }) : whole(part, axis)
  return accumulated(x, along, { within, join: add, identity: 0 })
}

/** The products of each element and all before it along an axis. Of f32 and i32. */
export function cumprod(x: Tensor, axis: number): Tensor {
  const along = normalizeAxis('cumprod', axis, x.rank)
  const whole = byMask((all) => all.prod(-1), 1)
  /** x - 0 is x, also where it is -0. */
  const first = (part: Tensor, axis: number): Tensor => where(lessEqual(iota(part.shape, axis), 0), part, -0)
  const within: typeof whole = (part, axis) =>
    x.dtype === 'f32' ? scan(part, first(part, axis), { axis }) : whole(part, axis)
  return accumulated(x, along, { within, join: mul, identity: 1 })
}

/** log(sum exp(x)) of each element and all before it along an axis. */
export const logCumSumExp = (x: Tensor, axis: number): Tensor =>
  accumulated(expectDType('logCumSumExp', x, 'f32'), normalizeAxis('logCumSumExp', axis, x.rank), {
    within: byMask((all) => all.logSumExp(), -Infinity),
    join: (before, after) => stack([before, after], -1).logSumExp(),
    identity: -Infinity,
  })
