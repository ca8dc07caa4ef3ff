import { takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { DType } from '../tensor/dtype.ts'
import { aTensor, tensorLike } from '../tensor/kinds.ts'
import { broadcastShapes } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import { constant, constantValue, expectDType, noGradient, type OpEntry, toTensor, typeOf } from './entry.ts'
import type { Scalar } from './methods.ts'
import { type Evaluate, rounded, type ScalarName } from './rounded.ts'

export interface ElementwiseEntry extends OpEntry {
  readonly scalar: Required<OpEntry>['scalar']
  /** The type of the result, where it is not that of the operands. */
  readonly result?: DType
  /** The identity element: the literal operand, on that side, for which the result is the other operand. */
  readonly rightIdentity?: number
  readonly leftIdentity?: number
}

/** By the names of their operations, which are those of their scalar operations. */
export const elementwiseEntries = new Map<ScalarName, ElementwiseEntry>()

type More = Partial<Omit<ElementwiseEntry, 'scalar' | 'gradient'>>
function enter(scalar: ElementwiseEntry['scalar'], gradient = noGradient, more: More = {}) {
  const name = (scalar.f32 ?? scalar.i32)!
  elementwiseEntries.set(name, { scalar, gradient, ...more })
  return name
}

type OfBoth<Name extends string> = Name extends `${infer Float}I` ? Extract<ScalarName, Float> : never
/** Of both types, under names that differ by an I. */
export const both = (name: OfBoth<ScalarName>) => ({ f32: name, i32: `${name}I` }) as const
/** The cotangent goes to the one or to the other. */
export const choose = (first: Tensor, g: Tensor): Tensor[] => [where(first, g, 0), where(first, 0, g)]

type Unary = (x: Tensor) => Tensor
/** g, x, y = f(x) -> g f'(x). From the result y where it can be, so that x need not be kept. */
type Derivative = (g: Tensor, x: Tensor, y: Tensor) => Tensor

/** An operation of one operand; without a derivative nothing flows back through it. */
export function unary(scalar: ElementwiseEntry['scalar'], derivative?: Derivative, more: More = {}): Unary {
  const name = enter(
    scalar,
    derivative && (({ cotangent, inputs, output }) => [derivative(cotangent, inputs[0], output)]),
    more,
  )
  return (x) => elementwise(name, [x])
}
/** One of f32 with a slope that the cotangent is multiplied by. */
export const smooth = (f32: ScalarName, derivative: Derivative, more: More = {}): Unary =>
  unary({ f32 }, derivative, { scales: 'elements', ...more })

/** An operation of two operands; the derivative with respect to each is made of g, a, b and the result y. */
export function binary(
  scalar: ElementwiseEntry['scalar'],
  derivatives?: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor[],
  more: More = {},
): (a: TensorLike, b: TensorLike) => Tensor {
  const name = enter(
    scalar,
    derivatives && (({ cotangent, inputs: [a, b], output }) => derivatives(cotangent, a, b, output)),
    more,
  )
  return (a, b) => elementwise(name, [a, b])
}

smooth('gelu', (g, x) => g.mul(geluSlope(x)))
const geluSlope = smooth('geluSlope', (g, x) => {
  const squared = x.mul(x)
  return g
    .mul(elementwise('sub', [2, squared]))
    .mul(squared.mul(-0.5).exp())
    .mul(1 / Math.sqrt(2 * Math.PI))
})
enter({ f32: 'pow' }, ({ cotangent: g, inputs, output: y }) => powerGradient(g, inputs, y), {
  scales: 'elements',
  steep: true,
})
enter({ f32: 'where', i32: 'where' }, ({ cotangent: g, inputs: [condition] }) => [undefined, ...choose(condition, g)], {
  chooses: true,
})
enter({ i32: 'toFloat' }, noGradient, { result: 'f32' })
enter({ f32: 'toInt' }, noGradient, { result: 'i32' })
enter({ i32: 'philox' })
enter({ i32: 'uniform' }, noGradient, { result: 'f32' })

/**
 * The value of an operation on literals, where that is the same for every device: correctly rounded, and of rounded
 * operands no other than of those in double precision. So no formula has another value because a leaf of it is a literal.
 */
function folded(scalar: ScalarName, values: readonly number[], types: readonly DType[], result: DType) {
  const evaluate: Evaluate | undefined = rounded[scalar as keyof typeof rounded]
  if (!evaluate) return undefined
  const of = ([a, b = 0, c = 0]: readonly number[]): number => evaluate(a, b, c)
  const float = (value: number, dtype: DType): number => (dtype === 'f32' ? Math.fround(value) : value)
  const value = of(values)
  const onDevice = float(of(values.map((operand, i) => float(operand, types[i]))), result)
  return Object.is(float(value, result), onDevice) ? value : undefined
}

/** Broadcasts the operands to one shape and makes the node; folds what literals make known. */
export function elementwise(op: ScalarName, operands: readonly TensorLike[], attributes: unknown = {}): Tensor {
  const operation = elementwiseEntries.get(op)!
  const valued = op === 'where' ? operands.slice(1) : operands
  const [a, b] = valued.filter((operand) => operand instanceof Tensor)
  const dtype = a?.dtype ?? 'f32'
  const types = operands.map((_, i) => (op === 'where' && i === 0 ? 'i32' : dtype))
  const inputs = operands.map((operand, i) => toTensor(op, operand, types[i]))
  if (a && b && a.dtype !== b.dtype)
    throw new RmaatError('dtype', `${op}: of ${typeOf(a)} and ${typeOf(b)}; cast one to the type of the other`)
  for (const [i, input] of inputs.entries()) expectDType(op, input, types[i])
  const scalar = operation.scalar[dtype]
  if (!scalar) throw new RmaatError('dtype', `${op} is not defined for ${dtype}; cast the operand first`)

  const shape = broadcastShapes(op, ...inputs.map((input) => input.shape))
  const result = operation.result ?? dtype
  const values = inputs.map(constantValue)
  if (operation.rightIdentity !== undefined && values[1] === operation.rightIdentity)
    return inputs[0].broadcastTo(shape)
  if (operation.leftIdentity !== undefined && values[0] === operation.leftIdentity) return inputs[1].broadcastTo(shape)
  const value = values.every((value) => value !== undefined) ? folded(scalar, values, types, result) : undefined
  if (value !== undefined) return constant(value, result).broadcastTo(shape)
  const operandsOfOneShape = inputs.map((input) => input.broadcastTo(shape))
  return new Tensor(op, operandsOfOneShape, attributes, shape, result)
}

/** As i32: 1 where x is one of 0..count-1, else 0. */
export const isIndex = (x: Tensor, count: number): Tensor => x.greaterEqual(0).mul(x.less(count))
/**
 * a where the i32 condition is not 0, b elsewhere. What is not chosen has no influence, not even as NaN; nor in the
 * gradient, through elementwise functions and functions over an axis. Contractions (`einsum`) take 0 x NaN as NaN.
 */
export function where(condition: Scalar, a: Scalar | number, b: Scalar | number): Scalar
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  takes('where', { condition, a, b }, { condition: aTensor, a: tensorLike, b: tensorLike })
  return elementwise('where', [condition, a, b])
}
/** x as another type: i32 becomes the nearest f32; f32 is cut towards 0, saturates, and NaN becomes 0. No gradient passes. */
export const cast = (x: Tensor, dtype: DType): Tensor =>
  x.dtype === dtype ? x : elementwise(dtype === 'f32' ? 'toFloat' : 'toInt', [x])

/** Powers that are cheaper as something else. */
const powers = new Map<number, (x: Tensor) => Tensor>([
  [0, (x) => constant(1).broadcastTo(x.shape)],
  [1, (x) => x],
  [2, (x) => x.mul(x)],
  [3, (x) => x.mul(x).mul(x)],
  [0.5, (x) => x.sqrt()],
  [-0.5, (x) => x.rsqrt()],
  [-1, (x) => elementwise('div', [1, x])],
  [-2, (x) => elementwise('div', [1, x.mul(x)])],
])

/**
 * x to the power of a number or of a tensor, broadcast; as `pow` of IEEE 754: 1 where the exponent is 0 or x is 1, NaN where
 * x is negative and the exponent no whole number. But the literals 0.5 and -0.5 are `sqrt` and `rsqrt`, which are NaN at
 * -Infinity. The gradient to x is 0 where the exponent is 0; that to the exponent, x^e log(x), is 0 where x is 0 and the
 * exponent is not negative, as in PyTorch.
 */
export function pow(x: Tensor, exponent: TensorLike): Tensor {
  expectDType('pow', x, 'f32')
  const known = typeof exponent === 'number' ? powers.get(exponent) : undefined
  return known ? known(x) : elementwise('pow', [x, exponent])
}

function powerGradient(g: Tensor, [x, exponent]: readonly Tensor[], y: Tensor): (Tensor | undefined)[] {
  const literal = constantValue(exponent)
  if (literal !== undefined) return [g.mul(pow(x, literal - 1).mul(literal)), undefined]
  const slope = where(exponent.equal(0), 0, pow(x, exponent.sub(1)).mul(exponent))
  const still = x.equal(0).mul(exponent.greaterEqual(0))
  return [g.mul(slope), g.mul(where(still, 0, y.mul(x.log())))]
}
