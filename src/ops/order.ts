import { normalizeAxis, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { add, equal, less, mod, notEqual, sub } from './binary.ts'
import { where } from './elementwise.ts'
import { constant, iota } from './entry.ts'
import { takeAlong } from './indexing.ts'
import { concat } from './views.ts'

/** The elements of an axis in their order, and where each one stood, as i32. */
export interface Ordered {
  readonly values: Tensor
  readonly indices: Tensor
}

/** So many of the largest are found one after another, more by ordering all. */
const FEW = 8

/** What orders elements: keys that are no NaN, and of equal keys whole numbers, each but once. */
interface Keyed {
  readonly keys: Tensor
  readonly tags: Tensor
}

/** 1 where a stands before b. */
const precedes = (a: Keyed, b: Keyed): Tensor =>
  where(equal(a.keys, b.keys), less(a.tags, b.tags), less(a.keys, b.keys))

/** The elements of an axis, made to be ordered by `order`, which gives tags. */
function ordered(x: Tensor, axis: number, descending: boolean, order: (keyed: Keyed, size: number) => Tensor): Ordered {
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, x.shape[axis])))
  const place = iota(x.shape, axis)
  const falling = descending ? sub(x.dtype === 'i32' ? -1 : 0, x) : x // -1 - x has no overflow
  const isNone = notEqual(x, x)
  // NaN counts as an infinity that stands beyond those that are some
  const keys = x.dtype === 'i32' ? falling : where(isNone, descending ? -Infinity : Infinity, falling)
  const tags = x.dtype === 'i32' ? place : where(isNone, add(place, descending ? -size : size), place)
  const indices = mod(order({ keys, tags }, size), size)
  return { values: takeAlong(x, indices, axis), indices }
}

/** What no other one stands behind. */
const last = ({ dtype }: Tensor): Tensor => constant(dtype === 'i32' ? 2 ** 31 - 1 : Infinity, dtype)

/** The first tags in the order of an axis, one after another. */
function first(count: number, { keys, tags }: Keyed, axis: number): Tensor {
  const found: Tensor[] = []
  let [left, names] = [keys, tags]
  for (let i = 0; i < count; i++) {
    const next = where(equal(left, left.min(axis, true)), names, last(tags)).min(axis, true)
    const isNext = equal(names, next)
    ;[left, names] = [where(isNext, last(keys), left), where(isNext, last(tags), names)]
    found.push(next)
  }
  return concat(found, axis)
}

/**
 * All tags in the order of an axis: a bitonic network (Batcher 1968), which merges neighbouring parts that are in order, one of
 * them read backwards, into parts of twice the size. The elements are filled up to `size`, a power of two. Their axis goes to the
 * front, so that neighbours in memory are exchanged alike.
 */
function byNetwork({ keys, tags }: Keyed, axis: number, size: number): Tensor {
  const { shape } = tags
  const order = shape.map((_, i) => (i === 0 ? axis : i === axis ? 0 : i)) // of which the inverse is itself
  const { [axis]: length } = shape
  const filled = (x: Tensor): Tensor => concat([x.transpose(order), last(x).broadcastTo([size - length, ...rest])])
  const rest = shape.with(axis, shape[0]).slice(1)
  let all: Keyed = { keys: filled(keys), tags: filled(tags) }
  for (let part = 1; part < size; part *= 2)
    for (let half = part; half >= 1; half /= 2) all = exchanged(all, half, half === part)
  return all.tags.narrow(0, 0, length).transpose(order)
}

/** Of parts of twice the size [2 half, ...], one after another: the first half with the lesser of each pair, the second with the other. */
function exchanged({ keys, tags }: Keyed, half: number, isBackwards: boolean): Keyed {
  const [size, ...rest] = keys.shape
  const halvesOf = (x: Tensor): Tensor[] => {
    const [one, other] = x.reshape([size / (2 * half), 2, half, ...rest]).split([1, 1], 1)
    return [one, isBackwards ? other.flip(2) : other]
  }
  const [[key, otherKey], [tag, otherTag]] = [keys, tags].map(halvesOf)
  const stays = precedes({ keys: key, tags: tag }, { keys: otherKey, tags: otherTag })
  const exchange = (one: Tensor, other: Tensor): Tensor =>
    concat([where(stays, one, other), where(stays, other, one)], 1).reshape(keys.shape)
  return { keys: exchange(key, otherKey), tags: exchange(tag, otherTag) }
}

/**
 * The elements of an axis from the least to the largest, or the other way round, and where each one stood. Equal ones stay
 * in their order; NaN is above all numbers. The gradient flows to the values. Takes n log²(n) / 4 comparisons for n elements.
 */
export function sort(x: Tensor, axis = -1, descending = false): Ordered {
  const along = normalizeAxis('sort', axis, x.rank)
  return ordered(x, along, descending, (keyed, size) => byNetwork(keyed, along, size))
}

/**
 * The k largest elements of an axis from the largest on, and where each one stood. Of equal ones the first comes first; NaN
 * is above all numbers. The gradient flows to the values. Up to eight are found one by one; for more, all are ordered.
 * @throws RmaatError 'shape' for an axis of fewer than k elements
 */
export function topK(x: Tensor, k: number, axis = -1): Ordered {
  const along = normalizeAxis('topK', axis, x.rank)
  if (!Number.isInteger(k) || k < 0 || k > x.shape[along])
    throw shapeError`topK: ${k} elements of axis ${along} of ${x.shape}; expected 0 to ${x.shape[along]}`
  return ordered(x, along, true, (keyed, size) =>
    0 < k && k <= FEW ? first(k, keyed, along) : byNetwork(keyed, along, size).narrow(along, 0, k),
  )
}
