import type { DType, Shape } from '../tensor/dtype.ts'

/** Where an operation is tested: plain data. `shapes` of the inputs, the interval their values are drawn from, further arguments. */
export interface Domain {
  readonly shapes: readonly Shape[]
  readonly from?: number
  readonly to?: number
  /** Types of the inputs where they are not all f32. */
  readonly dtypes?: readonly DType[]
  readonly arguments?: readonly unknown[]
  /** False where the derivative is zero or undefined in places, so that differences say nothing. */
  readonly differentiable?: boolean
}

export const within = (from: number, to: number, ...shapes: Shape[]): Domain => ({ shapes, from, to })
/** Without a derivative. */
export const flat = (domains: readonly Domain[]): Domain[] =>
  domains.map((domain) => ({ ...domain, differentiable: false }))

export const one = [within(-2, 2, [2, 3, 5]), within(-3, 3, [70])]
export const positive = [within(0.2, 4, [3, 7])]
/** On both sides of a bend at 0. */
export const bent = [within(0.1, 3, [3, 7]), within(-6, -0.1, [3, 7])]
export const two = [within(-2, 2, [3, 5], [3, 5]), within(-2, 2, [4, 1, 5], [3, 1]), within(0.5, 2, [], [6])]
