import type { ScalarName } from '../../ops/scalar.ts'

/** `seed` and `site`, of `philox` alone, are i32 expressions. */
type Expression = (args: readonly string[], seed?: string, site?: string) => string

const infix =
  (operator: string): Expression =>
  ([a, b]) =>
    `(${a} ${operator} ${b})`
/** WGSL's bool as an i32. */
const comparison =
  (operator: string): Expression =>
  ([a, b]) =>
    `i32(${a} ${operator} ${b})`
const call =
  (name: string): Expression =>
  (args) =>
    `${name}(${args.join(', ')})`
const negated: Expression = ([a]) => `(-${a})`

/**
 * The WGSL expression of each scalar operation, for operands that are names or constants of its argument types. Names
 * that begin with `op_` are functions of kernels/math.wgsl; built-in functions stand where they are as exact as promised.
 */
export const scalarExpressions: Readonly<Record<ScalarName, Expression>> = {
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: call('op_div'),
  minimum: call('min'),
  maximum: call('max'),
  pow: call('op_pow'),
  neg: negated,
  abs: call('abs'),
  sign: call('sign'),
  exp: call('op_exp'),
  log: call('op_log'),
  log1p: call('op_log1p'),
  sqrt: call('op_sqrt'),
  rsqrt: call('op_rsqrt'),
  tanh: call('op_tanh'),
  erf: call('op_erf'),
  gelu: call('op_gelu'),
  geluSlope: call('op_geluSlope'),
  elu: call('op_elu'),
  eluPlusOne: call('op_eluPlusOne'),
  less: comparison('<'),
  lessEqual: comparison('<='),
  equal: comparison('=='),
  addI: infix('+'),
  subI: infix('-'),
  mulI: infix('*'),
  minimumI: call('min'),
  maximumI: call('max'),
  negI: negated,
  absI: call('abs'),
  signI: call('sign'),
  lessI: comparison('<'),
  lessEqualI: comparison('<='),
  equalI: comparison('=='),
  where: ([condition, a, b]) => `select(${b}, ${a}, ${condition} != 0)`,
  toFloat: call('f32'),
  toInt: call('op_toInt'),
  isFinite: call('op_isFinite'),
  philox: (args, seed, site) => `op_philox(${[...args, seed, site].join(', ')})`,
  uniform: call('op_uniform'),
}
