import type { Shape } from '../tensor/dtype.ts'
import type { Domain } from './row.ts'

// Where operations are tested: what their rows are made of.

/** Inputs from -2 to 2, and further arguments. */
export const fit = (shapes: Domain['shapes'], ...rest: unknown[]): Domain => ({
  shapes,
  from: -2,
  to: 2,
  arguments: rest,
})
export const within = (from: number, to: number, ...shapes: Shape[]): Domain => ({ shapes, from, to })
/** Of indices, labels: whole numbers from 0 to 4 after values from the same range. */
export const indexed = (...shapes: Shape[]): Domain => ({ ...within(0, 4.99, ...shapes), dtypes: ['f32', 'i32'] })
export const given = (domain: Domain, ...rest: unknown[]): Domain => ({ ...domain, arguments: rest })
/** Without a derivative. */
export const flat = (domains: readonly Domain[]): Domain[] =>
  domains.map((domain) => ({ ...domain, differentiable: false }))

export const one = [within(-2, 2, [2, 3, 5]), within(-3, 3, [70])]
export const positive = [within(0.2, 4, [3, 7])]
/** On both sides of a bend at 0. */
export const bent = [within(0.1, 3, [3, 7]), within(-6, -0.1, [3, 7])]
export const two = [within(-2, 2, [3, 5], [3, 5]), within(-2, 2, [4, 1, 5], [3, 1]), within(0.5, 2, [], [6])]

export const each = <Name extends string>(domains: readonly Domain[], ...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, domains])) as Record<Name, readonly Domain[]>
