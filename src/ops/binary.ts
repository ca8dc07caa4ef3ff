import type { Tensor, TensorLike } from '../tensor/tensor.ts'
import { binary, both, choose } from './elementwise.ts'

// Element by element, over operands broadcast to one shape, which is the result's. Of f32 and i32, where nothing else is
// said.

/** a + b, broadcast. */
export const add = binary(both('add'), (g) => [g, g], { rightIdentity: 0, leftIdentity: 0 })
/** a - b, broadcast. */
export const sub = binary(both('sub'), (g) => [g, g.neg()], { rightIdentity: 0 })
/** a times b element by element, broadcast; `matmul` is the product of matrices. */
export const mul = binary(both('mul'), (g, a, b) => [g.mul(b), g.mul(a)], {
  rightIdentity: 1,
  leftIdentity: 1,
  scales: 'elements',
})
/** a / b, broadcast; of f32 alone. */
export const div = binary({ f32: 'div' }, (g, _, b, y) => [g.div(b), g.div(b).mul(y).neg()], {
  rightIdentity: 1,
  scales: 'elements',
})
/**
 * floor(a / b), broadcast: the quotient is not rounded before, so that `a = floorDivide(a, b) b + mod(a, b)`. Of f32 it is
 * NaN or infinite where b is 0; of i32 it is 0 there, and -2^31 by -1 wraps around, as in NumPy. Its gradient is 0.
 */
export const floorDivide = binary(both('floorDivide'))
/**
 * What division leaves, broadcast: a - b floor(a / b), without a rounding error of the quotient. It has the sign of b, as
 * Python's `%` and PyTorch's `remainder`; a result of 0 has that of a. Where b is 0 it is NaN of f32 and 0 of i32. The
 * gradient is 1 to a, -floor(a / b) to b.
 */
export const mod = binary(both('mod'), (g, a, b) => [g, g.mul(a.floorDivide(b)).neg()], {
  scales: 'elements',
})
/** The smaller of a and b, broadcast; NaN where one is. Of two equal ones a gets the gradient. */
export const minimum = binary(both('minimum'), (g, a, b) => choose(a.lessEqual(b), g), { chooses: true })
/** The larger of a and b, broadcast; NaN where one is. Of two equal ones a gets the gradient. */
export const maximum = binary(both('maximum'), (g, a, b) => choose(b.lessEqual(a), g), { chooses: true })
/** As i32: 1 where a < b, else 0; broadcast. */
export const less = binary(both('less'), undefined, { result: 'i32' })
/** As i32: 1 where a <= b, else 0; broadcast. */
export const lessEqual = binary(both('lessEqual'), undefined, { result: 'i32' })
/** As i32: 1 where a = b, else 0; broadcast. */
export const equal = binary(both('equal'), undefined, { result: 'i32' })
/** As i32: 1 where a > b, else 0; broadcast. */
export const greater = (a: TensorLike, b: TensorLike): Tensor => less(b, a)
/** As i32: 1 where a >= b, else 0; broadcast. */
export const greaterEqual = (a: TensorLike, b: TensorLike): Tensor => lessEqual(b, a)
/** As i32: 1 where a and b differ, else 0; broadcast. */
export const notEqual = (a: TensorLike, b: TensorLike): Tensor => sub(1, equal(a, b))
