import type { ScalarName } from '../../ops/rounded.ts'

/**
 * WGSL expressions as exact as an operation's budget, of the operands a, b and c; where there is none, it is a function of
 * kernels/math.wgsl, `op_` and its name.
 */
export const expressions: Readonly<Partial<Record<ScalarName, string>>> = {
  add: '(a + b)',
  sub: '(a - b)',
  mul: '(a * b)',
  minimum: 'min(a, b)',
  maximum: 'max(a, b)',
  neg: '(-a)',
  abs: 'abs(a)',
  sign: 'sign(a)',
  floor: 'floor(a)',
  ceil: 'ceil(a)',
  round: 'round(a)',
  less: 'i32(a < b)',
  lessEqual: 'i32(a <= b)',
  equal: 'i32(a == b)',
  addI: '(a + b)',
  subI: '(a - b)',
  mulI: '(a * b)',
  minimumI: 'min(a, b)',
  maximumI: 'max(a, b)',
  negI: '(-a)',
  absI: 'abs(a)',
  signI: 'sign(a)',
  lessI: 'i32(a < b)',
  lessEqualI: 'i32(a <= b)',
  equalI: 'i32(a == b)',
  where: 'select(c, b, a != 0)',
  toFloat: 'f32(a)',
}
