import { RmaatError } from '../errors.ts'
import type { DType } from '../tensor/dtype.ts'
import { broadcastShapes } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import { constant, constantValue, expectDType, noGradient, type OpRow, toTensor } from './row.ts'
import { type ScalarName, scalars } from './scalar.ts'

type Gradient = OpRow['gradient']

const row = (scalar: Partial<Record<DType, ScalarName>>, gradient: Gradient): OpRow => ({
  lowering: { kind: 'elementwise', scalar },
  gradient,
})
/** g, x, y = f(x) -> g f'(x). From the result y where it can be, so that x need not be kept. */
const unary = (scalar: ScalarName, derivative: (g: Tensor, x: Tensor, y: Tensor) => Tensor): OpRow =>
  row({ f32: scalar }, ({ cotangent, inputs, output }) => [derivative(cotangent, inputs[0], output)])

const atMost = (a: Tensor, b: Tensor): Tensor => a.lessEqual(b)
const atLeast = (a: Tensor, b: Tensor): Tensor => b.lessEqual(a)
/** Of two equal operands the first gets the gradient. */
const choose =
  (firstWins: (a: Tensor, b: Tensor) => Tensor): Gradient =>
  ({ cotangent: g, inputs: [a, b] }) => {
    const first = firstWins(a, b)
    return [where(first, g, 0), where(first, 0, g)]
  }

export const elementwiseRows = {
  add: row({ f32: 'add', i32: 'addI' }, ({ cotangent: g }) => [g, g]),
  sub: row({ f32: 'sub', i32: 'subI' }, ({ cotangent: g }) => [g, g.neg()]),
  mul: row({ f32: 'mul', i32: 'mulI' }, ({ cotangent: g, inputs: [a, b] }) => [g.mul(b), g.mul(a)]),
  div: row({ f32: 'div' }, ({ cotangent: g, inputs: [, b], output: y }) => {
    const da = g.div(b)
    return [da, da.mul(y).neg()]
  }),
  minimum: row({ f32: 'minimum', i32: 'minimumI' }, choose(atMost)),
  maximum: row({ f32: 'maximum', i32: 'maximumI' }, choose(atLeast)),
  /** The exponent is a literal. */
  pow: row({ f32: 'pow' }, ({ cotangent: g, inputs: [x, exponent] }) => {
    const p = constantValue(exponent)!
    return [g.mul(pow(x, p - 1).mul(p)), undefined]
  }),
  neg: row({ f32: 'neg', i32: 'negI' }, ({ cotangent: g }) => [g.neg()]),
  abs: row({ f32: 'abs', i32: 'absI' }, ({ cotangent: g, inputs: [x] }) => [g.mul(x.sign())]),
  sign: row({ f32: 'sign', i32: 'signI' }, noGradient),
  exp: unary('exp', (g, _, y) => g.mul(y)),
  log: unary('log', (g, x) => g.div(x)),
  log1p: unary('log1p', (g, x) => g.div(x.add(1))),
  sqrt: unary('sqrt', (g, _, y) => g.mul(0.5).div(y)),
  rsqrt: unary('rsqrt', (g, _, y) => g.mul(-0.5).mul(y.mul(y).mul(y))),
  tanh: unary('tanh', (g, _, y) => g.mul(sub(1, y.mul(y)))),
  erf: unary('erf', (g, x) => g.mul(exp(neg(mul(x, x))).mul(2 / Math.sqrt(Math.PI)))),
  /** elu'(x) = min(elu(x) + 1, 1) */
  elu: unary('elu', (g, _, y) => g.mul(y.add(1).minimum(1))),
  less: row({ f32: 'less', i32: 'lessI' }, noGradient),
  lessEqual: row({ f32: 'lessEqual', i32: 'lessEqualI' }, noGradient),
  equal: row({ f32: 'equal', i32: 'equalI' }, noGradient),
  where: row({ f32: 'where', i32: 'where' }, ({ cotangent: g, inputs: [condition] }) => [
    undefined,
    where(condition, g, 0),
    where(condition, 0, g),
  ]),
  toFloat: row({ i32: 'toFloat' }, noGradient),
  toInt: row({ f32: 'toInt' }, noGradient),
  isFinite: row({ f32: 'isFinite' }, noGradient),
  philox: row({ i32: 'philox' }, noGradient),
  uniform: row({ i32: 'uniform' }, noGradient),
} satisfies Record<string, OpRow>

export type ElementwiseName = keyof typeof elementwiseRows

const compares: ReadonlySet<string> = new Set(['less', 'lessEqual', 'equal', 'toInt', 'isFinite', 'philox'])
const floats: ReadonlySet<string> = new Set(['toFloat', 'uniform'])

/** Broadcasts the operands to one shape and makes the node; folds it where all operands are literals. */
export function elementwise(op: ElementwiseName, operands: readonly TensorLike[], attributes: unknown = {}): Tensor {
  const valued = op === 'where' ? operands.slice(1) : operands
  const dtype = valued.find((operand) => operand instanceof Tensor)?.dtype ?? 'f32'
  const inputs = operands.map((operand, i) => toTensor(operand, op === 'where' && i === 0 ? 'i32' : dtype))
  const scalar = (elementwiseRows[op].lowering as { scalar: Partial<Record<DType, ScalarName>> }).scalar[dtype]
  if (!scalar) throw new RmaatError('dtype', `${op} is not defined for ${dtype}; cast the operand first`)
  inputs.forEach((input, i) => {
    expectDType(op, input, op === 'where' && i === 0 ? 'i32' : dtype)
  })

  const shape = broadcastShapes(op, ...inputs.map((input) => input.shape))
  const result = compares.has(op) ? 'i32' : floats.has(op) ? 'f32' : dtype
  const values = inputs.map(constantValue)
  if (op !== 'philox' && values.every((value) => value !== undefined)) {
    const [a, b = 0, c = 0] = values as number[]
    return constant(scalars[scalar].evaluate(a, b, c), result).broadcastTo(shape)
  }
  return new Tensor(
    op,
    inputs.map((input) => input.broadcastTo(shape)),
    attributes,
    shape,
    result,
  )
}

const isConstant = (operand: TensorLike, value: number): boolean =>
  operand === value || (operand instanceof Tensor && constantValue(operand) === value)
/** x itself, where it has the shape that the operation would have. */
const unchanged = (operation: string, x: TensorLike, other: TensorLike): Tensor | undefined =>
  x instanceof Tensor && (typeof other === 'number' || other.dtype === x.dtype)
    ? x.broadcastTo(broadcastShapes(operation, x.shape, typeof other === 'number' ? [] : other.shape))
    : undefined

export const add = (a: TensorLike, b: TensorLike): Tensor =>
  (isConstant(b, 0) && unchanged('add', a, b)) ||
  (isConstant(a, 0) && unchanged('add', b, a)) ||
  elementwise('add', [a, b])
export const sub = (a: TensorLike, b: TensorLike): Tensor =>
  (isConstant(b, 0) && unchanged('sub', a, b)) || elementwise('sub', [a, b])
export const mul = (a: TensorLike, b: TensorLike): Tensor =>
  (isConstant(b, 1) && unchanged('mul', a, b)) ||
  (isConstant(a, 1) && unchanged('mul', b, a)) ||
  elementwise('mul', [a, b])
export const div = (a: TensorLike, b: TensorLike): Tensor =>
  (isConstant(b, 1) && unchanged('div', a, b)) || elementwise('div', [a, b])
export const minimum = (a: TensorLike, b: TensorLike): Tensor => elementwise('minimum', [a, b])
export const maximum = (a: TensorLike, b: TensorLike): Tensor => elementwise('maximum', [a, b])
export const neg = (x: Tensor): Tensor => elementwise('neg', [x])
export const abs = (x: Tensor): Tensor => elementwise('abs', [x])
export const sign = (x: Tensor): Tensor => elementwise('sign', [x])
export const exp = (x: Tensor): Tensor => elementwise('exp', [x])
export const log = (x: Tensor): Tensor => elementwise('log', [x])
export const log1p = (x: Tensor): Tensor => elementwise('log1p', [x])
export const sqrt = (x: Tensor): Tensor => elementwise('sqrt', [x])
export const rsqrt = (x: Tensor): Tensor => elementwise('rsqrt', [x])
export const tanh = (x: Tensor): Tensor => elementwise('tanh', [x])
export const erf = (x: Tensor): Tensor => elementwise('erf', [x])
/** x above 0, exp(x) - 1 below. */
export const elu = (x: Tensor): Tensor => elementwise('elu', [x])
export const less = (a: TensorLike, b: TensorLike): Tensor => elementwise('less', [a, b])
export const lessEqual = (a: TensorLike, b: TensorLike): Tensor => elementwise('lessEqual', [a, b])
export const greater = (a: TensorLike, b: TensorLike): Tensor => elementwise('less', [b, a])
export const greaterEqual = (a: TensorLike, b: TensorLike): Tensor => elementwise('lessEqual', [b, a])
export const equal = (a: TensorLike, b: TensorLike): Tensor => elementwise('equal', [a, b])
export const notEqual = (a: TensorLike, b: TensorLike): Tensor => sub(1, equal(a, b))
/** a where the i32 condition is not 0, b elsewhere. What is not chosen has no influence, not even as NaN. */
export const where = (condition: Tensor, a: TensorLike, b: TensorLike): Tensor =>
  elementwise('where', [condition, a, b])
/** 1 where the number is finite, 0 for NaN and infinities, as i32. */
// biome-ignore lint/suspicious/noShadowRestrictedNames: the operation's name, on tensors
export const isFinite = (x: Tensor): Tensor => elementwise('isFinite', [x])
export const cast = (x: Tensor, dtype: DType): Tensor =>
  x.dtype === dtype ? x : elementwise(dtype === 'f32' ? 'toFloat' : 'toInt', [x])

/** x to the power of a literal. */
export function pow(x: Tensor, exponent: number): Tensor {
  expectDType('pow', x, 'f32')
  switch (exponent) {
    case 0:
      return constant(1).broadcastTo(x.shape)
    case 1:
      return x
    case 2:
      return mul(x, x)
    case 3:
      return mul(mul(x, x), x)
    case 0.5:
      return sqrt(x)
    case -0.5:
      return rsqrt(x)
    case -1:
      return div(1, x)
    case -2:
      return div(1, mul(x, x))
    default: {
      if (!Number.isInteger(exponent)) return elementwise('pow', [x, exponent])
      // devices take the logarithm of the base: its sign is set aside
      const size = elementwise('pow', [abs(x), exponent])
      return exponent % 2 ? where(less(x, 0), neg(size), size) : size
    }
  }
}
