import { takesInOrder } from '../checks.ts'
import { Tensor } from '../tensor/tensor.ts'
import type * as contraction from './contraction.ts'
import { einsum, matmul } from './contraction.ts'
import { bent, each, fit, flat, given, indexed, one, positive, two, within } from './domains.ts'
import type * as elementwise from './elementwise.ts'
import { binary, cast, elementwiseDomains, greater, greaterEqual, notEqual, pow, unary, where } from './elementwise.ts'
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

const overLast = [fit([[4, 16]]), fit([[2, 3, 130]])]
const reduced = [fit([[4, 6]], -1), fit([[40]])]

/** Where each method is checked, on every backend and by differences: plain data. */
export const domains: { readonly [Name in keyof Methods]: readonly Domain[] } = {
  ...elementwiseDomains,
  ...each(one, 'sigmoid', 'softplus', 'square'),
  ...each(flat(two), 'greater', 'greaterEqual', 'notEqual'),
  ...each(overLast, 'logSoftmax', 'logSumExp', 'softmax'),
  argmax: flat([fit([[4, 6]]), fit([[4, 6, 3]], 1)]),
  broadcastTo: [fit([[3, 1]], [2, 3, 4]), fit([[]], [5])],
  cast: flat([fit([[3, 5]], 'i32')]),
  clamp: [given(within(-0.9, 0.9, [40]), -1, 1), given(within(2, 3, [9]), -1, 1)],
  crossEntropy: [indexed([6, 5], [6])],
  dropout: [fit([[64, 5]], 0.25, { seed: 3, site: 9, segment: 1, step: 2 })],
  gather: [indexed([5, 3], [4, 2])],
  gelu: [...one, fit([[4, 9]], 'tanh')],
  layerNorm: [fit([[4, 16], [16], [16]]), fit([[2, 3, 70], [70], [70]])],
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
  relu: bent,
  reshape: [fit([[4, 6]], [3, -1]), fit([[2, 3, 4]], [6, 4])],
  scatterAdd: [given(indexed([4, 2, 3], [4, 2]), 5)],
  select: [fit([[4, 6, 3]], 1, -2)],
  slice: [fit([[4, 6, 3]], [1, 0, 2], [2, 5, 1])],
  sum: [...reduced, fit([[4, 6, 3]], [0, 2], true), fit([[130, 3]], 0)],
  transpose: [fit([[4, 6]]), fit([[2, 3, 4, 5]], [2, 0, 3, 1])],
}

export { concat, einsum, stack, where }
