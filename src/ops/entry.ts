import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { checkShape, formatShape, normalizeAxis, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import { checkNumber, lengthOf, valuesOf } from '../tensor/values.ts'
import type { ScalarName } from './rounded.ts'

/**
 * One operation, one entry of the table: everything else is derived from it. The shape rule stands in the function that
 * makes the node, beside the entry, because it needs that function's arguments.
 */
export interface OpEntry {
  /** The vector-Jacobian product, a cotangent for each input; `undefined` where nothing flows. Made of tensor operations. */
  readonly gradient: (node: GradientArguments) => readonly (Tensor | undefined)[]
  /**
   * Where the gradient multiplies the cotangent by what may be infinite or NaN: each element by its own, or by those along
   * the last axis of the first input, or along the axes of a recurrence. There a cotangent of 0 gives 0.
   */
  readonly scales?: 'elements' | 'lastAxis' | 'recurrence'
  /** Whether that is infinite where the result is finite: a factor of 0 behind it, too, leaves the gradient 0. */
  readonly steep?: true
  /** Whether the gradient leaves 0 where something was not chosen. */
  readonly chooses?: true
  // What it is computed by. Without these it is an address calculation, a leaf, or a kernel of its own: `program/` knows it
  // by name.
  /** Elementwise: a scalar operation of a `fused` kernel, by the type of the last input. */
  readonly scalar?: Partial<Record<DType, ScalarName>>
  /** Other operations. */
  // biome-ignore lint/suspicious/noExplicitAny: each entry knows the attributes of its own nodes
  readonly formula?: (inputs: readonly Tensor[], attributes: any) => Tensor
}

export interface GradientArguments {
  readonly inputs: readonly Tensor[]
  readonly output: Tensor
  // biome-ignore lint/suspicious/noExplicitAny: each entry knows the attributes of its own nodes
  readonly attributes: any
  readonly cotangent: Tensor
}

/** Of an operation through which no derivative flows. */
export const noGradient: OpEntry['gradient'] = ({ inputs }) => inputs.map(() => undefined)

/** A scalar literal. */
export const constant = (value: number, dtype: DType = 'f32'): Tensor<{ value: number }> =>
  new Tensor('constant', [], { value }, [], dtype)

/** The value of a tensor that is a literal, broadcast or not. */
export function constantValue(tensor: Tensor): number | undefined {
  let at = tensor
  while (at.op === 'broadcastTo' || at.op === 'reshape' || at.op === 'slice' || at.op === 'transpose') at = at.inputs[0]
  return at.op === 'constant' ? (at as Tensor<{ value: number }>).attributes.value : undefined
}

export const toTensor = (operation: string, value: TensorLike, dtype: DType): Tensor =>
  value instanceof Tensor ? value : constant(checkNumber(value, dtype, operation), dtype)

/** Type and shape in words: `f32[2, 3]`. */
export const typeOf = ({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): string => `${dtype}${formatShape(shape)}`

export function expectDType(operation: string, tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === dtype) return tensor
  throw new RmaatError('dtype', `${operation}: expected ${dtype}, found ${typeOf(tensor)}; use cast('${dtype}')`)
}

/** A tensor of the given values in row-major order; a constant of whatever program uses it. */
export function tensor(values: ArrayLike<number>, shape?: Shape, dtype: DType = 'f32'): Tensor {
  const count = lengthOf(values)
  if (count === undefined) {
    const scalar = typeof values === 'number' ? `: tensor([${values}]), or tensor([${values}], []) without an axis` : ''
    throw new RmaatError(
      'argument',
      `tensor: values is ${shown(values)}; expected a list of numbers in row-major order${scalar}`,
    )
  }
  const filled = shape ?? [count]
  checkShape('tensor', filled)
  // first of all: rows of a list of lists would be counted
  const data = Float64Array.from(valuesOf(values, count, dtype, 'tensor'))
  if (sizeOf(filled) !== count) throw shapeError`tensor: ${count} values do not fill the shape ${filled}`
  return new Tensor('data', [], { values: data }, filled, dtype)
}

/** Zeros of a shape. */
export const zeros = (shape: Shape, dtype: DType = 'f32'): Tensor => {
  checkShape('zeros', shape)
  return constant(0, dtype).broadcastTo(shape)
}

/** The index along one axis, as i32. */
export function iota(shape: Shape, axis: number): Tensor {
  checkShape('iota', shape)
  return new Tensor('iota', [], { axis: normalizeAxis('iota', axis, shape.length) }, shape, 'i32')
}
