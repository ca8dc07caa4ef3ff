import { takesInOrder } from '../checks.ts'
import { Tensor } from '../tensor/tensor.ts'
import * as binary from './binary.ts'
import type * as contraction from './contraction.ts'
import { matmul } from './contraction.ts'
import type * as cumulative from './cumulative.ts'
import { cumprod, cumsum, logCumSumExp } from './cumulative.ts'
import type * as elementwise from './elementwise.ts'
import { cast, pow } from './elementwise.ts'
import type * as formulas from './formulas.ts'
import {
  clamp,
  crossEntropy,
  gelu,
  layerNorm,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  logSumExp,
  normalize,
  relu,
  sigmoid,
  silu,
  softmax,
  softplus,
  square,
} from './formulas.ts'
import type * as indexing from './indexing.ts'
import { gather, scatterAdd, scatterUpdate, takeAlong } from './indexing.ts'
import './inspect.ts'
import type * as masks from './masks.ts'
import { maskedFill, oneHot, tril, triu } from './masks.ts'
import type * as order from './order.ts'
import { sort, topK } from './order.ts'
import type * as random from './random.ts'
import { dropout } from './random.ts'
import type * as reductions from './reductions.ts'
import { all, any, argmax, argmin, max, mean, min, prod, std, sum, variance } from './reductions.ts'
import type * as recurrences from './scan.ts'
import { scan } from './scan.ts'
import { signatures } from './signatures.ts'
import * as unary from './unary.ts'
import type * as views from './views.ts'
import {
  broadcastTo,
  flip,
  narrow,
  pad,
  reshape,
  select,
  slice,
  split,
  squeeze,
  tile,
  transpose,
  unsqueeze,
} from './views.ts'

/** The types are taken from the modules that declare them: an editor shows a docstring where it finds its declaration. */
type All = typeof unary &
  typeof binary &
  typeof contraction &
  typeof cumulative &
  typeof elementwise &
  typeof formulas &
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

// each by its name: an object of a whole module would hold what is no method, too
export const methods: Functions = {
  ...{ ...unary, ...binary, matmul, cumprod, cumsum, logCumSumExp, cast, pow, clamp, crossEntropy, gelu, layerNorm },
  ...{ leakyRelu, logSigmoid, logSoftmax, logSumExp, normalize, relu, sigmoid, silu, softmax, softplus, square },
  ...{ gather, scatterAdd, scatterUpdate, takeAlong, maskedFill, oneHot, tril, triu, sort, topK },
  ...{ dropout, all, any, argmax, argmin, max, mean, min, prod, std, sum, var: variance, scan },
  ...{ broadcastTo, flip, narrow, pad, reshape, select, slice, split, squeeze, tile, transpose, unsqueeze },
}

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
