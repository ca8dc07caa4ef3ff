import { takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { DType } from '../tensor/dtype.ts'
import { aTensor, tensorLike } from '../tensor/kinds.ts'
import { broadcastShapes } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import { bent, each, flat, one, positive, two, within } from './domains.ts'
import { constant, constantValue, type Domain, expectDType, noGradient, type OpRow, toTensor } from './row.ts'
import { type ScalarName, scalars } from './scalar.ts'

export interface ElementwiseRow extends OpRow {
  readonly scalar: Required<OpRow>['scalar']
  /** The type of the result, where it is not that of the operands. */
  readonly result?: DType
  /** The operand that changes nothing, on the right and on the left. */
  readonly right?: number
  readonly left?: number
}

const row = (
  scalar: ElementwiseRow['scalar'],
  gradient: OpRow['gradient'],
  more: Omit<ElementwiseRow, 'scalar' | 'gradient'> = {},
): ElementwiseRow => ({ scalar, gradient, ...more })

/** Of both types, under names that differ by an I. */
const both = (
  name: 'abs' | 'add' | 'equal' | 'less' | 'lessEqual' | 'maximum' | 'minimum' | 'mul' | 'neg' | 'sign' | 'sub',
) => ({ f32: name, i32: `${name}I` }) as const
/** g, x, y = f(x) -> g f'(x). From the result y where it can be, so that x need not be kept. */
const smooth = (f32: ScalarName, derivative: (g: Tensor, x: Tensor, y: Tensor) => Tensor): ElementwiseRow =>
  row({ f32 }, ({ cotangent, inputs, output }) => [derivative(cotangent, inputs[0], output)], { scales: 'lanes' })
/** The cotangent goes to the one or to the other. */
const choose = (first: Tensor, g: Tensor): Tensor[] => [where(first, g, 0), where(first, 0, g)]

type UnaryFunction = (x: Tensor) => Tensor
type BinaryFunction = (a: TensorLike, b: TensorLike) => Tensor

/** Element by element: x of any shape, the result has the same. Of f32, where nothing else is said. */
interface Unary {
  /** |x|, also of i32. */
  abs: UnaryFunction
  /** The exponential linear unit (Clevert et al. 2016): x above 0, exp(x) - 1 below. */
  elu: UnaryFunction
  /** elu(x) + 1 with all of its digits: x + 1 above 0, exp(x) below. */
  eluPlusOne: UnaryFunction
  /** The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
  erf: UnaryFunction
  /** e to the power of x. */
  exp: UnaryFunction
  /** As i32: 1 where the number is finite, 0 for NaN and infinities. */
  isFinite: UnaryFunction
  /** The natural logarithm. */
  log: UnaryFunction
  /** log(1 + x), exact for small x too. */
  log1p: UnaryFunction
  /** -x, also of i32. */
  neg: UnaryFunction
  /** 1 / sqrt(x) */
  rsqrt: UnaryFunction
  /** -1, 0 or 1, also of i32; NaN of NaN. Its gradient is 0. */
  sign: UnaryFunction
  /** The square root. */
  sqrt: UnaryFunction
  /** The hyperbolic tangent. */
  tanh: UnaryFunction
}

/** Element by element, over operands broadcast to one shape, which is the result's. Of f32 and i32, where nothing else is said. */
interface Binary {
  /** a + b, broadcast. */
  add: BinaryFunction
  /** a - b, broadcast. */
  sub: BinaryFunction
  /** a times b element by element, broadcast; `matmul` is the product of matrices. */
  mul: BinaryFunction
  /** a / b, broadcast; of f32 alone. */
  div: BinaryFunction
  /** The smaller of a and b, broadcast; NaN where one is. Of two equal ones a gets the gradient. */
  minimum: BinaryFunction
  /** The larger of a and b, broadcast; NaN where one is. Of two equal ones a gets the gradient. */
  maximum: BinaryFunction
  /** As i32: 1 where a < b, else 0; broadcast. */
  less: BinaryFunction
  /** As i32: 1 where a <= b, else 0; broadcast. */
  lessEqual: BinaryFunction
  /** As i32: 1 where a = b, else 0; broadcast. */
  equal: BinaryFunction
}
export type ElementwiseName = keyof Unary | keyof Binary | 'pow' | 'where' | 'toFloat' | 'toInt' | 'philox' | 'uniform'

const unaryRows: Record<keyof Unary, ElementwiseRow> = {
  abs: row(both('abs'), ({ cotangent: g, inputs: [x] }) => [g.mul(x.sign())], { scales: 'lanes' }),
  // the slope is taken from x: elu(x) + 1 has lost its digits where x is far below 0
  elu: smooth('elu', (g, x) => g.mul(x.minimum(0).exp())),
  eluPlusOne: smooth('eluPlusOne', (g, _, y) => g.mul(y.minimum(1))),
  erf: smooth('erf', (g, x) => g.mul(x.mul(x).neg().exp()).mul(2 / Math.sqrt(Math.PI))),
  exp: smooth('exp', (g, _, y) => g.mul(y)),
  isFinite: row({ f32: 'isFinite' }, noGradient, { result: 'i32' }),
  log: smooth('log', (g, x) => g.div(x)),
  log1p: smooth('log1p', (g, x) => g.div(x.add(1))),
  neg: row(both('neg'), ({ cotangent: g }) => [g.neg()]),
  rsqrt: smooth('rsqrt', (g, _, y) => g.mul(-0.5).mul(y.mul(y).mul(y))),
  sign: row(both('sign'), noGradient),
  sqrt: { ...smooth('sqrt', (g, _, y) => g.mul(0.5).div(y)), steep: true },
  tanh: smooth('tanh', (g, _, y) => g.mul(sub(1, y.mul(y)))),
}

const binaryRows: Record<keyof Binary, ElementwiseRow> = {
  add: row(both('add'), ({ cotangent: g }) => [g, g], { right: 0, left: 0 }),
  sub: row(both('sub'), ({ cotangent: g }) => [g, g.neg()], { right: 0 }),
  mul: row(both('mul'), ({ cotangent: g, inputs: [a, b] }) => [g.mul(b), g.mul(a)], {
    right: 1,
    left: 1,
    scales: 'lanes',
  }),
  div: row({ f32: 'div' }, ({ cotangent: g, inputs: [, b], output: y }) => [g.div(b), g.div(b).mul(y).neg()], {
    right: 1,
    scales: 'lanes',
  }),
  // of two equal operands the first gets the gradient
  minimum: row(both('minimum'), ({ cotangent: g, inputs: [a, b] }) => choose(a.lessEqual(b), g), { chooses: true }),
  maximum: row(both('maximum'), ({ cotangent: g, inputs: [a, b] }) => choose(b.lessEqual(a), g), { chooses: true }),
  less: row(both('less'), noGradient, { result: 'i32' }),
  lessEqual: row(both('lessEqual'), noGradient, { result: 'i32' }),
  equal: row(both('equal'), noGradient, { result: 'i32' }),
}

export const elementwiseRows: Record<ElementwiseName, ElementwiseRow> = {
  ...unaryRows,
  ...binaryRows,
  /** The exponent is a literal. */
  pow: row(
    { f32: 'pow' },
    ({ cotangent: g, inputs: [x, exponent] }) => {
      const p = constantValue(exponent)!
      return [g.mul(pow(x, p - 1).mul(p)), undefined]
    },
    { scales: 'lanes', steep: true },
  ),
  where: row(
    { f32: 'where', i32: 'where' },
    ({ cotangent: g, inputs: [condition] }) => [undefined, ...choose(condition, g)],
    { chooses: true },
  ),
  toFloat: row({ i32: 'toFloat' }, noGradient, { result: 'f32' }),
  toInt: row({ f32: 'toInt' }, noGradient, { result: 'i32' }),
  philox: row({ i32: 'philox' }, noGradient),
  uniform: row({ i32: 'uniform' }, noGradient, { result: 'f32' }),
}

/** Broadcasts the operands to one shape and makes the node; folds what literals make known. */
export function elementwise(op: ElementwiseName, operands: readonly TensorLike[], attributes: unknown = {}): Tensor {
  const operation = elementwiseRows[op]
  const valued = op === 'where' ? operands.slice(1) : operands
  const dtype = valued.find((operand) => operand instanceof Tensor)?.dtype ?? 'f32'
  const types = operands.map((_, i) => (op === 'where' && i === 0 ? 'i32' : dtype))
  const inputs = operands.map((operand, i) => expectDType(op, toTensor(op, operand, types[i]), types[i]))
  const scalar = operation.scalar[dtype]
  if (!scalar) throw new RmaatError('dtype', `${op} is not defined for ${dtype}; cast the operand first`)

  const shape = broadcastShapes(op, ...inputs.map((input) => input.shape))
  const result = operation.result ?? dtype
  const values = inputs.map(constantValue)
  if (operation.right !== undefined && values[1] === operation.right) return inputs[0].broadcastTo(shape)
  if (operation.left !== undefined && values[0] === operation.left) return inputs[1].broadcastTo(shape)
  if (op !== 'philox' && values.every((value) => value !== undefined)) {
    const [a, b = 0, c = 0] = values
    return constant(scalars[scalar].evaluate(a, b, c), result).broadcastTo(shape)
  }
  const stretched = inputs.map((input) => input.broadcastTo(shape))
  return new Tensor(op, stretched, attributes, shape, result)
}

/** Where each method is tested. */
export const elementwiseDomains: Readonly<Record<keyof Unary | keyof Binary, readonly Domain[]>> = {
  ...each(one, 'erf', 'exp', 'neg', 'tanh'),
  ...each(bent, 'abs', 'elu', 'eluPlusOne'),
  ...each(positive, 'log', 'rsqrt', 'sqrt'),
  ...each(two, 'add', 'maximum', 'minimum', 'mul', 'sub'),
  ...each(flat(one), 'isFinite', 'sign'),
  ...each(flat(two), 'equal', 'less', 'lessEqual'),
  div: [within(0.5, 2, [3, 5], [5]), within(-2, -0.5, [7], [7])],
  log1p: [within(-0.6, 4, [3, 7])],
}

const functionOf =
  (op: ElementwiseName) =>
  (...operands: TensorLike[]) =>
    elementwise(op, operands)
/** The operations of some rows, as functions of their operands. */
const functionsOf = (rows: object): object =>
  Object.fromEntries(Object.keys(rows).map((op) => [op, functionOf(op as ElementwiseName)]))
export const unary = functionsOf(unaryRows) as Unary
export const binary = functionsOf(binaryRows) as Binary
export const { div, equal, less, lessEqual, maximum, minimum, mul, sub } = binary
/** As i32: 1 where a > b, else 0; broadcast. */
export const greater = (a: TensorLike, b: TensorLike): Tensor => less(b, a)
/** As i32: 1 where a >= b, else 0; broadcast. */
export const greaterEqual = (a: TensorLike, b: TensorLike): Tensor => lessEqual(b, a)
/** As i32: 1 where a and b differ, else 0; broadcast. */
export const notEqual = (a: TensorLike, b: TensorLike): Tensor => sub(1, equal(a, b))
/** As i32: 1 where x is one of 0..count-1, else 0. */
export const isIndex = (x: Tensor, count: number): Tensor => lessEqual(0, x).mul(less(x, count))
/**
 * a where the i32 condition is not 0, b elsewhere. What is not chosen has no influence, not even as NaN; nor in the
 * gradient, through functions of lanes and rows. Products and sums over several lanes (`einsum`) take 0 x NaN as NaN.
 */
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
  [2, (x) => mul(x, x)],
  [3, (x) => mul(mul(x, x), x)],
  [0.5, (x) => x.sqrt()],
  [-0.5, (x) => x.rsqrt()],
  [-1, (x) => div(1, x)],
  [-2, (x) => div(1, mul(x, x))],
])

/** x to the power of a literal number, element by element, as Math.pow; but 0.5 and -0.5 are `sqrt` and `rsqrt`, which are NaN at -Infinity. */
export function pow(x: Tensor, exponent: number): Tensor {
  expectDType('pow', x, 'f32')
  const known = powers.get(exponent)
  return known ? known(x) : elementwise('pow', [x, exponent])
}
