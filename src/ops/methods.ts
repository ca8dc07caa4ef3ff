import { takesInOrder } from '../checks.ts'
import type { Shape } from '../tensor/dtype.ts'
import { Tensor } from '../tensor/tensor.ts'
import type * as contraction from './contraction.ts'
import { einsum, matmul } from './contraction.ts'
import type * as elementwise from './elementwise.ts'
import { binary, cast, greater, greaterEqual, notEqual, pow, unary, where } from './elementwise.ts'
import * as formulas from './formulas.ts'
import * as indexing from './indexing.ts'
import type * as random from './random.ts'
import { dropout } from './random.ts'
import * as reductions from './reductions.ts'
import type { Domain } from './row.ts'
import { signatures } from './signatures.ts'
import * as views from './views.ts'

const { formulaRows: _formulas, ...formulaFunctions } = formulas
const { indexingRows: _indexing, ...indexingFunctions } = indexing
const { reductionRows: _reductions, ...reductionFunctions } = reductions
const { concat, stack, viewRows: _views, ...viewFunctions } = views

/**
 * The functions of this folder whose first argument is a tensor. Their types are taken from the modules that declare them,
 * because an editor shows a docstring where it finds its declaration.
 */
type Functions = typeof unary &
  typeof binary &
  Omit<typeof formulas, 'formulaRows'> &
  Omit<typeof indexing, 'indexingRows'> &
  Omit<typeof reductions, 'reductionRows'> &
  Omit<typeof views, 'concat' | 'stack' | 'viewRows'> &
  Pick<typeof contraction, 'matmul'> &
  Pick<typeof elementwise, 'cast' | 'greater' | 'greaterEqual' | 'notEqual' | 'pow'> &
  Pick<typeof random, 'dropout'>

export const methods: Functions = {
  ...unary,
  ...binary,
  ...formulaFunctions,
  ...indexingFunctions,
  ...reductionFunctions,
  ...viewFunctions,
  cast,
  dropout,
  greater,
  greaterEqual,
  matmul,
  notEqual,
  pow,
}

/** The operations as methods: a face over the functions, which hold their descriptions. */
type Methods = {
  // biome-ignore lint/suspicious/noExplicitAny: the first argument is the tensor itself
  readonly [Name in keyof Functions]: Functions[Name] extends (x: any, ...rest: infer Rest) => Tensor
    ? (...rest: Rest) => Tensor
    : never
}

declare module '../tensor/tensor.ts' {
  interface Tensor extends Methods {}
}

for (const [name, operation] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      takesInOrder(name, rest, signatures[name as keyof typeof methods])
      return (operation as (x: Tensor, ...rest: never[]) => Tensor)(this, ...rest)
    },
  })
}

const fit = (shapes: Domain['shapes'], ...rest: unknown[]): Domain => ({ shapes, from: -2, to: 2, arguments: rest })
const within = (from: number, to: number, ...shapes: Shape[]): Domain => ({ shapes, from, to })
/** Of indices, labels: whole numbers from 0 to 4 after values from the same range. */
const indexed = (...shapes: Shape[]): Domain => ({ ...within(0, 4.99, ...shapes), dtypes: ['f32', 'i32'] })
const given = (domain: Domain, ...rest: unknown[]): Domain => ({ ...domain, arguments: rest })
const flat = (domains: Domain[]): Domain[] => domains.map((domain) => ({ ...domain, differentiable: false }))

const one = [within(-2, 2, [2, 3, 5]), within(-3, 3, [70])]
const positive = [within(0.2, 4, [3, 7])]
/** On both sides of a bend at 0. */
const bent = [within(0.1, 3, [3, 7]), within(-6, -0.1, [3, 7])]
const two = [within(-2, 2, [3, 5], [3, 5]), within(-2, 2, [4, 1, 5], [3, 1]), within(0.5, 2, [], [6])]
const overLast = [fit([[4, 16]]), fit([[2, 3, 130]])]
const reduced = [fit([[4, 6]], -1), fit([[40]])]

const each = <Name extends string>(domains: readonly Domain[], ...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, domains])) as Record<Name, readonly Domain[]>

/** Where each method is checked, on every backend and by differences: plain data. */
export const domains: { readonly [Name in keyof Methods]: readonly Domain[] } = {
  ...each(one, 'erf', 'exp', 'neg', 'sigmoid', 'softplus', 'square', 'tanh'),
  ...each(bent, 'abs', 'elu', 'eluPlusOne', 'relu'),
  ...each(positive, 'log', 'rsqrt', 'sqrt'),
  ...each(two, 'add', 'maximum', 'minimum', 'mul', 'sub'),
  ...each(flat(one), 'isFinite', 'sign'),
  ...each(flat(two), 'equal', 'greater', 'greaterEqual', 'less', 'lessEqual', 'notEqual'),
  ...each(overLast, 'logSoftmax', 'logSumExp', 'softmax'),
  argmax: flat([fit([[4, 6]]), fit([[4, 6, 3]], 1)]),
  broadcastTo: [fit([[3, 1]], [2, 3, 4]), fit([[]], [5])],
  cast: flat([fit([[3, 5]], 'i32')]),
  clamp: [given(within(-0.9, 0.9, [40]), -1, 1), given(within(2, 3, [9]), -1, 1)],
  crossEntropy: [indexed([6, 5], [6])],
  div: [within(0.5, 2, [3, 5], [5]), within(-2, -0.5, [7], [7])],
  dropout: [fit([[64, 5]], 0.25, { seed: 3, site: 9, segment: 1, step: 2 })],
  gather: [indexed([5, 3], [4, 2])],
  gelu: [...one, fit([[4, 9]], 'tanh')],
  layerNorm: [fit([[4, 16], [16], [16]]), fit([[2, 3, 70], [70], [70]])],
  log1p: [within(-0.6, 4, [3, 7])],
  // biome-ignore format: a domain a line
  matmul: [
    fit([[7, 5], [5, 9]]),
    fit([[2, 3, 4, 6], [3, 6, 5]]),
    fit([[5], [5]]),
    fit([[3, 2, 7, 8], [8, 1]]),
  ],
  max: [...reduced, fit([[4, 6, 3]], [0, 1], true)],
  mean: [...reduced, fit([[4, 6, 3]], [0, 2], true)],
  min: reduced,
  narrow: [fit([[4, 6, 3]], 1, 2, 5), fit([[9]], 0, -4)],
  normalize: [fit([[4, 16]]), fit([[2, 3, 5]])],
  // biome-ignore format: a pair an axis
  pad: [fit([[3, 4]], [[1, 0], [2, 3]], 0.5)],
  pow: [given(positive[0], 1.7), given(positive[0], 0.25), given(one[0], 3)],
  reshape: [fit([[4, 6]], [3, -1]), fit([[2, 3, 4]], [6, 4])],
  scatterAdd: [given(indexed([4, 2, 3], [4, 2]), 5)],
  select: [fit([[4, 6, 3]], 1, -2)],
  slice: [fit([[4, 6, 3]], [1, 0, 2], [2, 5, 1])],
  sum: [...reduced, fit([[4, 6, 3]], [0, 2], true), fit([[130, 3]], 0)],
  transpose: [fit([[4, 6]]), fit([[2, 3, 4, 5]], [2, 0, 3, 1])],
}

export { concat, einsum, stack, where }
