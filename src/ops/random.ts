import { aWord, maybe, takesOptions, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { Shape } from '../tensor/dtype.ts'
import { tensorLike } from '../tensor/kinds.ts'
import { checkShape, sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import { lessEqual, mul } from './binary.ts'
import { elementwise, where } from './elementwise.ts'
import { expectDType, iota } from './entry.ts'

/**
 * Random numbers are counted, not drawn: Philox-4x32-10 with key = seed and counter = (element / 4, site, segment, step).
 * Whoever asks again for the same counter gets the same number, which is how replay gets its dropout masks again.
 */
export interface RandomSource {
  /** 0 to 2^32 - 1. */
  readonly seed: number
  /** Which layer asks: a number made from its name, never from the order of tracing; taken modulo 2^32. */
  readonly site: number
  readonly segment?: TensorLike
  readonly step?: TensorLike
  /** Where the tensor's first element stands in the whole batch: not 0 in a slice of it. */
  readonly firstElement?: TensorLike
}

/** 32 random bits an element, as i32. */
export const randomBits = (shape: Shape, source: RandomSource): Tensor => bitsFor('randomBits', shape, source)

/** The same for another function, which errors name. */
function bitsFor(where: string, shape: Shape, source: RandomSource): Tensor {
  checkShape(where, shape)
  takesOptions(where, source, sourceKinds)
  const { seed, site, segment = 0, step = 0, firstElement = 0 } = source
  for (const [name, value] of Object.entries({ segment, step, firstElement }))
    if (value instanceof Tensor) expectDType(`${where}: ${name}`, value, 'i32')
  const element = iota([sizeOf(shape)], 0)
    .reshape(shape)
    .add(firstElement)
  const bits = elementwise('philox', [element, segment, step], { seed, site: site >>> 0 })
  if (!sameShape(bits.shape, shape))
    throw shapeError`${where}: segment, step and firstElement make ${bits.shape} of ${shape}; expected scalars`
  return bits
}

const sourceKinds = {
  seed: aWord,
  site: wholeFrom(Number.MIN_SAFE_INTEGER),
  segment: maybe(tensorLike),
  step: maybe(tensorLike),
  firstElement: maybe(tensorLike),
}

/** Uniform in [0, 1): a multiple of 2^-24. */
export const randomUniform = (shape: Shape, source: RandomSource): Tensor => uniformFor('randomUniform', shape, source)

const uniformFor = (where: string, shape: Shape, source: RandomSource): Tensor =>
  elementwise('uniform', [bitsFor(where, shape, source)])

/**
 * Normal with mean 0 and deviation 1 (Box & Muller 1958), of two uniform numbers each, which are the source's elements 2 i and
 * 2 i + 1; none is beyond 6.01.
 */
export function randomNormal(shape: Shape, source: RandomSource): Tensor {
  checkShape('randomNormal', shape)
  takesOptions('randomNormal', source, sourceKinds)
  const { firstElement = 0 } = source
  const first = typeof firstElement === 'number' ? 2 * firstElement : mul(firstElement, 2)
  const pairs = uniformFor('randomNormal', [...shape, 2], { ...source, firstElement: first })
  const [radius, angle] = [0, 1].map((i) => pairs.select(-1, i))
  // no logarithm of 0, nor of more than 1
  return mul(
    radius
      .add(2 ** -26)
      .log()
      .mul(-2)
      .sqrt(),
    angle.mul(2 * Math.PI).cos(),
  )
}

/** Zero with the probability `rate`, else x / (1 - rate). The mask is never stored. */
export function dropout(x: Tensor, rate: number, source: RandomSource): Tensor {
  if (!(rate >= 0 && rate < 1))
    throw new RmaatError('config', `a dropout rate is at least 0 and below 1, found ${rate}`)
  takesOptions('dropout', source, sourceKinds)
  if (rate === 0) return x
  return where(lessEqual(rate, uniformFor('dropout', x.shape, source)), x.mul(1 / (1 - rate)), 0)
}
