import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { DType } from './dtype.ts'

/** Whatever an object that inherits from a typed array calls its length. */
const typedLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')!.get!
const isTyped = (values: unknown): values is ArrayLike<number> =>
  ArrayBuffer.isView(values) &&
  !(values instanceof DataView || values instanceof BigInt64Array || values instanceof BigUint64Array)
/** Whose elements are 32-bit integers, so that none needs to be looked at. */
const integers = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array]

/** How many numbers a list holds, read once; undefined for what is no list. */
export function lengthOf(values: unknown): number | undefined {
  if (isTyped(values)) return typedLength.call(values) as number
  if (typeof values !== 'object' || values === null || ArrayBuffer.isView(values)) return undefined
  const { length } = values as { length?: unknown }
  return Number.isSafeInteger(length) && Number(length) >= 0 ? Number(length) : undefined
}

const isOf = (value: unknown, dtype: DType): value is number =>
  typeof value === 'number' && (dtype === 'f32' || (value | 0) === value)

export function checkNumber(value: unknown, dtype: DType, where: string): number {
  if (!isOf(value, dtype)) throw wrong(value, dtype, where)
  return value
}

const wrong = (value: unknown, dtype: DType, where: string): RmaatError =>
  typeof value === 'number'
    ? new RmaatError('dtype', `${where}: ${value} is no 32-bit integer; i32 was expected`)
    : new RmaatError(
        'dtype',
        `${where}: expected ${dtype === 'i32' ? 'an integer' : 'a number'}, found ${shown(value)}`,
      )

/**
 * `count` numbers, the `lengthOf` a list: a typed array as it is, all else copied, each element read once. So nothing that
 * a list does when it is read reaches a device.
 * @throws RmaatError 'dtype' for an element that is no number, or of i32 no 32-bit integer
 */
export function valuesOf(values: ArrayLike<number>, count: number, dtype: DType, where: string): ArrayLike<number> {
  if (isTyped(values) && (dtype === 'f32' || integers.some((type) => values instanceof type))) return values
  const copy = dtype === 'i32' ? new Int32Array(count) : new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const value: unknown = values[i]
    if (!isOf(value, dtype)) throw wrong(value, dtype, `${where}, element ${i}`)
    copy[i] = value
  }
  return copy
}
