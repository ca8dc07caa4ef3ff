import type { ScalarName } from '../../ops/rounded.ts'
import { expressions } from './expressions.ts'
import division from './modules/division.wgsl.ts'
import math from './modules/math.wgsl.ts'
import sine from './modules/sine.wgsl.ts'

/** The functions that such expressions call. */
export const scalarFunctions = [math, division, sine].join('\n')

/**
 * The WGSL expression of a scalar operation, for operands that are names or constants of its argument types; of `philox`
 * seed and site stand behind them.
 */
export function scalarExpression(name: ScalarName, args: readonly string[]): string {
  const expression = expressions[name]
  return expression
    ? expression.replace(/\b[abc]\b/g, (operand) => args['abc'.indexOf(operand)])
    : `op_${name}(${args.join(', ')})`
}
