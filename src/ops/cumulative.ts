import { normalizeAxis, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { add, lessEqual, maximum, minimum, mul } from './binary.ts'
import { where } from './elementwise.ts'
import { constant, expectDType, iota } from './entry.ts'
import { scan } from './scan.ts'
import { concat } from './views.ts'

/** So many elements follow one another in a block, and so many blocks, before there are blocks of blocks. */
const BLOCK = 32
/** A block that divides the elements evenly may be as short as this. */
const SHORT = 16

interface Accumulation {
  /** What each element of [A, N, C] and all before it along N make together, of one block. */
  readonly within: (x: Tensor) => Tensor
  readonly join: (before: Tensor, after: Tensor) => Tensor
  /** The identity element, which is before the first block, and fills the last one. */
  readonly identity: number
}

/** What each element of an axis and all before it make together. */
function along(operation: string, x: Tensor, axis: number, how: Accumulation): Tensor {
  const at = normalizeAxis(operation, axis, x.rank)
  const [a, c] = [x.shape.slice(0, at), x.shape.slice(at + 1)].map(sizeOf)
  const parts = x.reshape([a, x.shape[at], c])
  return (x.dtype === 'f32' ? accumulated(parts, how) : swapped(doubled(parts, how.join))).reshape(x.shape)
}

/**
 * Of [A, N, C] along N, by blocks: each element with those before it in its block, and with what the blocks before make,
 * which is found in the same way. So many elements take few roundings one after another, log(n) / log(32) times those of a
 * block, and what comes after an element has no influence on it, not even as NaN.
 */
function accumulated(x: Tensor, how: Accumulation): Tensor {
  const [a, length, c] = x.shape
  if (length <= BLOCK) return length < 2 ? x : how.within(x)
  const size = blockOf(length)
  const count = Math.ceil(length / size)
  const identities = (n: number): Tensor => constant(how.identity).broadcastTo([a, n, c])
  const rest = count * size - length
  const filled = rest ? concat([x, identities(rest)], 1) : x
  const blocks = how.within(filled.reshape([a * count, size, c])).reshape([a, count, size, c])
  const ends = accumulated(blocks.select(2, size - 1), how)
  const before = concat([identities(1), ends.narrow(1, 0, -1)], 1)
  return how.join(before.unsqueeze(2), blocks).reshape(filled.shape).narrow(1, 0, length)
}

/** The largest that needs no filling, else the largest of all. */
function blockOf(length: number): number {
  for (let size = BLOCK; size >= SHORT; size--) if (length % size === 0) return size
  return BLOCK
}

/** The same of what is exact in any order, as [N, A, C]: each element with the one before it, then twos, then fours. */
function doubled(x: Tensor, join: Accumulation['join']): Tensor {
  let y = swapped(x)
  for (let step = 1; step < x.shape[1]; step *= 2)
    y = concat([y.narrow(0, 0, step), join(y.narrow(0, 0, -step), y.narrow(0, step))], 0)
  return y
}

/** Rows are joined faster with each other than within. */
const swapped = (x: Tensor): Tensor => x.transpose([1, 0, 2])

/** The sums of each element and all before it along an axis. Of f32 and i32. */
export const cumsum = (x: Tensor, axis: number): Tensor =>
  along('cumsum', x, axis, { within: (part) => scan(constant(1), part, { axis: 1 }), join: add, identity: 0 })

/** The products of each element and all before it along an axis. Of f32 and i32. */
export const cumprod = (x: Tensor, axis: number): Tensor =>
  along('cumprod', x, axis, {
    // x - 0 is x, also where it is -0
    within: (part) => scan(part, where(lessEqual(iota(part.shape, 1), 0), part, -0), { axis: 1 }),
    join: mul,
    identity: 1,
  })

const LARGEST = 2 ** 128 - 2 ** 104
/** What exponentials of x are taken relative to: as large, but finite, so that NaN stays where it is. */
const scaleOf = (x: Tensor): Tensor =>
  new Tensor('stopGradient', [where(x.equal(x), minimum(maximum(x, -LARGEST), LARGEST), -LARGEST)], {}, x.shape, 'f32')

/** log(sum exp(x)) of each element and all before it along an axis. */
export const logCumSumExp = (x: Tensor, axis: number): Tensor =>
  along('logCumSumExp', expectDType('logCumSumExp', x, 'f32'), axis, {
    // of sums relative to the largest so far, which shrink when that grows
    within: (x) => {
      const scale = doubled(scaleOf(x), maximum)
      const before = concat([scale.narrow(0, 0, 1), scale.narrow(0, 0, -1)], 0)
      const sums = scan(before.sub(scale).exp(), swapped(x).sub(scale).exp(), { axis: 0 })
      return swapped(sums.log().add(scale))
    },
    join: (before, after) => {
      const scale = scaleOf(maximum(before, after))
      return before.sub(scale).exp().add(after.sub(scale).exp()).log().add(scale)
    },
    identity: -Infinity,
  })
