import { finite, notNegative, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { Shape } from '../tensor/dtype.ts'
import { shapeError, sizeOf } from '../tensor/shape.ts'
import { lengthOf, valuesOf } from '../tensor/values.ts'
import { normal as normals, type Stream, uniform as uniforms } from './random.ts'

/**
 * The initial values of a parameter in row-major order, computed on the host in double precision. `stream` is the
 * parameter's random stream: its name and the seed of the run.
 */
export type Initializer = (shape: Shape, stream: Stream) => ArrayLike<number>

/** Every element the same number. */
function constant(value: number): Initializer {
  takes('init.constant', { value }, { value: finite })
  return (shape) => new Float64Array(sizeOf(shape)).fill(value)
}

/** Normally distributed, with a standard deviation around a mean. */
export function normal(std: number, mean = 0): Initializer {
  takes('init.normal', { std, mean }, { std: notNegative, mean: finite })
  return (shape, stream) => normals(sizeOf(shape), { ...stream, std, mean })
}

/** Uniformly distributed between two numbers. */
function uniform(low: number, high: number): Initializer {
  takes('init.uniform', { low, high }, { low: finite, high: finite })
  if (low > high)
    throw new RmaatError('argument', `init.uniform: from ${low} to ${high}; expected the smaller one first`)
  return (shape, stream) => uniforms(sizeOf(shape), { ...stream, low, high })
}

/** Fan-in and fan-out of weights [..., inputs, outputs]. */
function fans(where: string, shape: Shape): { inputs: number; outputs: number } {
  if (shape.length < 2) throw shapeError`${where}: the parameter is ${shape}; expected [inputs, outputs]`
  const outputs = shape[shape.length - 1]
  return { inputs: Math.max(1, sizeOf(shape.slice(0, -1))), outputs }
}

/** Uniform within ±sqrt(6 / (inputs + outputs)) (Glorot & Bengio 2010), for weights [..., inputs, outputs] before tanh. */
const xavier = (): Initializer => (shape, stream) => {
  const { inputs, outputs } = fans('init.xavier', shape)
  const bound = Math.sqrt(6 / (inputs + outputs))
  return uniforms(sizeOf(shape), { ...stream, low: -bound, high: bound })
}

/** Normal with the deviation sqrt(2 / inputs) (He et al. 2015), for weights [..., inputs, outputs] before relu. */
const he = (): Initializer => (shape, stream) =>
  normals(sizeOf(shape), { ...stream, std: Math.sqrt(2 / fans('init.he', shape).inputs) })

/** Values of your own in row-major order, as many as the parameter has elements. */
function values(own: ArrayLike<number>): Initializer {
  const count = lengthOf(own)
  if (count === undefined)
    throw new RmaatError('argument', 'init.values: expected a list of numbers in row-major order')
  const copy = Float64Array.from(valuesOf(own, count, 'f32', 'init.values'))
  return (shape) => {
    if (sizeOf(shape) !== count) throw shapeError`init.values: ${count} values do not fill the shape ${shape}`
    return copy
  }
}

/** The initialisers. */
export const init = {
  constant,
  he,
  normal,
  /** Every element 1. */
  ones: (): Initializer => constant(1),
  uniform,
  values,
  xavier,
  /** Every element 0. */
  zeros: (): Initializer => constant(0),
}

/** The values of an initialiser, checked: as many finite numbers as the shape has elements. */
export function initialValues(where: string, initializer: Initializer, shape: Shape, stream: Stream): Float64Array {
  const [given, count] = [initializer(shape, stream), sizeOf(shape)]
  const found = lengthOf(given)
  if (found !== count) throw shapeError`${where}: the initialiser gives ${found ?? 'no list of'} numbers for ${shape}`
  const result = Float64Array.from(valuesOf(given, count, 'f32', where))
  const wrong = result.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0)
    throw new RmaatError(
      'argument',
      `${where}: the initialiser gives ${result[wrong]} at element ${wrong}; expected finite numbers`,
    )
  return result
}
