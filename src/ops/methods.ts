import { takesInOrder } from '../checks.ts'
import { Tensor } from '../tensor/tensor.ts'
import * as binary from './binary.ts'
import * as contraction from './contraction.ts'
import * as cumulative from './cumulative.ts'
import * as elementwise from './elementwise.ts'
import * as formulas from './formulas.ts'
import * as fourier from './fourier.ts'
import * as indexing from './indexing.ts'
import './inspect.ts'
import * as masks from './masks.ts'
import * as order from './order.ts'
import * as random from './random.ts'
import * as reductions from './reductions.ts'
import * as recurrences from './scan.ts'
import { signatures } from './signatures.ts'
import * as unary from './unary.ts'
import * as views from './views.ts'

/** The types are taken from the modules that declare them: an editor shows a docstring where it finds its declaration. */
type All = typeof unary &
  typeof binary &
  typeof contraction &
  typeof cumulative &
  typeof elementwise &
  typeof formulas &
  typeof fourier &
  typeof indexing &
  typeof masks &
  typeof order &
  typeof random &
  typeof recurrences &
  typeof reductions &
  reductions.Variance &
  typeof views
/** The functions of this folder that have a signature: the first argument is the tensor. */
type Functions = Pick<All, keyof typeof signatures>

const all: All = {
  ...{ ...unary, ...binary, ...contraction, ...cumulative, ...elementwise, ...formulas, ...fourier },
  ...{ ...indexing, ...masks, ...order, ...random, ...recurrences, ...reductions, ...views, var: reductions.variance },
}
export const { concat, einsum, stack, where } = all
export const methods = Object.fromEntries(
  Object.keys(signatures).map((name) => [name, all[name as keyof Functions]]),
) as unknown as Functions

/** The operations as methods: a face over the functions, which hold their descriptions. */
type Methods = {
  readonly [Name in keyof Functions]: (Name extends Reduction ? () => Scalar : unknown) & Method<Name>
}
/** Without axes they give a scalar. */
type Reduction = 'all' | 'any' | 'max' | 'mean' | 'min' | 'prod' | 'std' | 'sum' | 'var'
// biome-ignore lint/suspicious/noExplicitAny: the first argument is the tensor itself
type Method<Name extends keyof Functions> = Functions[Name] extends (x: any, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never

type Activation = 'gelu' | 'leakyRelu' | 'logSigmoid' | 'relu' | 'sigmoid' | 'silu' | 'softplus'
type Pointwise = keyof typeof unary | Activation | 'cast' | 'clamp' | 'pow' | 'square'
/** Element by element: of scalars they give a scalar. */
type ScalarMethods = {
  readonly [Name in Pointwise]: (...rest: Parameters<Method<Name>>) => Scalar
} & {
  readonly [Name in keyof typeof binary]: (other: Scalar | number) => Scalar
}

/**
 * A tensor without axes, where the types know it: `x.sum()`, `x.mean()`, an input `f32()`, and what is computed of such
 * element by element. As the result of a program it has the type number.
 */
export type Scalar = ScalarMethods & Tensor & { readonly shape: readonly [] }

declare module '../tensor/tensor.ts' {
  interface Tensor extends Methods {}
}

for (const [name, kinds] of Object.entries(signatures)) {
  const operation = methods[name as keyof Functions] as (x: Tensor, ...rest: never[]) => unknown
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      takesInOrder(name, rest, kinds)
      return operation(this, ...rest)
    },
  })
}
