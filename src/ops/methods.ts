import { takesInOrder } from '../checks.ts'
import { Tensor } from '../tensor/tensor.ts'
import type * as contraction from './contraction.ts'
import { einsum, matmul } from './contraction.ts'
import * as cumulative from './cumulative.ts'
import { bent, each, fit, flat, given, indexed, one, positive, two, within } from './domains.ts'
import type * as elementwise from './elementwise.ts'
import { binary, cast, elementwiseDomains, greater, greaterEqual, notEqual, pow, unary, where } from './elementwise.ts'
import * as formulas from './formulas.ts'
import * as indexing from './indexing.ts'
import * as masks from './masks.ts'
import * as order from './order.ts'
import type * as random from './random.ts'
import { dropout } from './random.ts'
import * as reductions from './reductions.ts'
import type { Domain } from './row.ts'
import { signatures } from './signatures.ts'
import * as views from './views.ts'

const { formulaRows: _formulas, ...formulaFunctions } = formulas
const { indexingRows: _indexing, ...indexingFunctions } = indexing
const { keepAxes: _keep, reductionRows: _reductions, rowsOver: _over, variance, ...reductionFunctions } = reductions
const { concat, stack, viewRows: _views, ...viewFunctions } = views

/**
 * The functions of this folder whose first argument is a tensor. Their types are taken from the modules that declare them,
 * because an editor shows a docstring where it finds its declaration.
 */
type Functions = typeof unary &
  typeof binary &
  typeof cumulative &
  typeof masks &
  typeof order &
  Omit<typeof formulas, 'formulaRows'> &
  Omit<typeof indexing, 'indexingRows'> &
  Omit<typeof reductions, 'keepAxes' | 'reductionRows' | 'rowsOver' | 'variance'> &
  reductions.Variance &
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
  ...cumulative,
  ...masks,
  ...order,
  cast,
  dropout,
  greater,
  greaterEqual,
  matmul,
  notEqual,
  pow,
  var: variance,
}

/** The operations as methods: a face over the functions, which hold their descriptions. */
type Methods = {
  // biome-ignore lint/suspicious/noExplicitAny: the first argument is the tensor itself
  readonly [Name in keyof Functions]: Functions[Name] extends (x: any, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never
}

declare module '../tensor/tensor.ts' {
  interface Tensor extends Methods {}
}

for (const [name, operation] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      takesInOrder(name, rest, signatures[name as keyof typeof methods])
      return (operation as (x: Tensor, ...rest: never[]) => unknown)(this, ...rest)
    },
  })
}

const overLast = [fit([[4, 16]]), fit([[2, 3, 130]])]
const reduced = [fit([[4, 6]], -1), fit([[40]])]

/** Where each method is checked, on every backend and by differences: plain data. */
export const domains: { readonly [Name in keyof Methods]: readonly Domain[] } = {
  ...elementwiseDomains,
  ...each(one, 'logSigmoid', 'sigmoid', 'silu', 'softplus', 'square'),
  ...each(bent, 'leakyRelu', 'relu'),
  ...each(flat(two), 'greater', 'greaterEqual', 'notEqual'),
  ...each([...overLast, fit([[4, 6, 3]], 1)], 'logSoftmax', 'logSumExp', 'softmax'),
  ...each([fit([[4, 6]], -1), fit([[3, 70, 2]], 1), fit([[1100]], 0)], 'cumprod', 'cumsum', 'logCumSumExp'),
  ...each([...reduced, fit([[4, 6, 3]], [0, 2], true, 0)], 'std', 'var'),
  ...each([fit([[5, 4]]), fit([[2, 4, 5]], 1), fit([[6, 5]], -2)], 'tril', 'triu'),
  ...each(flat([fit([[4, 6]]), fit([[4, 6, 3]], [0, 2], true)]), 'all', 'any'),
  ...each(flat([fit([[4, 6]]), fit([[4, 6, 3]], 1)]), 'argmax', 'argmin'),
  broadcastTo: [fit([[3, 1]], [2, 3, 4]), fit([[]], [5])],
  cast: flat([fit([[3, 5]], 'i32')]),
  clamp: [given(within(-0.9, 0.9, [40]), -1, 1), given(within(2, 3, [9]), -1, 1)],
  crossEntropy: [indexed([6, 5], [6])],
  dropout: [fit([[64, 5]], 0.25, { seed: 3, site: 9, segment: 1, step: 2 })],
  flip: [fit([[4, 6, 3]], [0, 2]), fit([[40]])],
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
  maskedFill: [{ ...within(0, 2, [4, 3], [4, 1]), dtypes: ['f32', 'i32'], arguments: [-5] }],
  max: [...reduced, fit([[4, 6, 3]], [0, 1], true)],
  mean: [...reduced, fit([[4, 6, 3]], [0, 2], true)],
  min: reduced,
  narrow: [fit([[4, 6, 3]], 1, 2, 5), fit([[9]], 0, -4), fit([[4, 7]], 1, 1, 7, 3)],
  normalize: [fit([[4, 16]]), fit([[2, 3, 5]])],
  oneHot: [{ ...within(-1, 6, [4, 3]), dtypes: ['i32'], arguments: [5] }],
  // biome-ignore format: a pair an axis
  pad: [fit([[3, 4]], [[1, 0], [2, 3]], 0.5)],
  pow: [given(positive[0], 1.7), given(positive[0], 0.25), given(one[0], 3)],
  prod: [...reduced, fit([[4, 6, 3]], [0, 2], true), fit([[13, 3]], 0)],
  reshape: [fit([[4, 6]], [3, -1]), fit([[2, 3, 4]], [6, 4])],
  scatterAdd: [given(indexed([4, 2, 3], [4, 2]), 5)],
  // biome-ignore format: a domain a line
  scatterUpdate: [
    { ...within(0, 5.99, [6, 3], [4, 2], [4, 2, 3]), dtypes: ['f32', 'i32', 'f32'] },
  ],
  select: [fit([[4, 6, 3]], 1, -2)],
  slice: [fit([[4, 6, 3]], [1, 0, 2], [2, 5, 1]), fit([[4, 9, 3]], [3, 0, 2], [2, 3, 1], [-2, 4, 1])],
  sort: [fit([[4, 6]]), fit([[3, 40, 2]], 1, true)],
  split: [fit([[7, 2]], 3), fit([[4, 6]], [1, 0, 5], -1)],
  squeeze: [fit([[1, 4, 1]]), fit([[4, 1, 3]], 1)],
  sum: [...reduced, fit([[4, 6, 3]], [0, 2], true), fit([[130, 3]], 0)],
  takeAlong: [given(indexed([5, 3], [4, 3]), 0), given(indexed([2, 5, 3], [2, 7, 3]), 1)],
  tile: [fit([[2, 3]], [2, 1, 3])],
  topK: [fit([[4, 6]], 3), fit([[3, 40, 2]], 5, 1)],
  transpose: [fit([[4, 6]]), fit([[2, 3, 4, 5]], [2, 0, 3, 1])],
  unsqueeze: [fit([[4, 6]], 1), fit([[4, 6]], -1)],
}

export { concat, einsum, stack, where }
