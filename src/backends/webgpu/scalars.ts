import { type ScalarName, type ScalarRow, scalars } from '../../ops/scalar.ts'

/**
 * The WGSL expression of a scalar operation, for operands that are names or constants of its argument types; of `philox`
 * seed and site stand behind them.
 */
export function scalarExpression(name: ScalarName, args: readonly string[]): string {
  const { wgsl }: ScalarRow = scalars[name]
  return wgsl ? wgsl.replace(/\b[abc]\b/g, (operand) => args['abc'.indexOf(operand)]) : `op_${name}(${args.join(', ')})`
}
