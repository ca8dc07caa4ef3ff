import type { Shape } from '../tensor/dtype.ts'
import { Tensor } from '../tensor/tensor.ts'
import { einsum, matmul } from './contraction.ts'
import * as elementwise from './elementwise.ts'
import * as formulas from './formulas.ts'
import { gather, scatterAdd } from './indexing.ts'
import { dropout } from './random.ts'
import { argmax, max, mean, min, sum } from './reductions.ts'
import type { Domain } from './row.ts'
import * as views from './views.ts'

const { where, elementwise: _makeNode, elementwiseRows: _elementwise, ...scalarFunctions } = elementwise
const { concat, stack, viewRows: _views, ...viewFunctions } = views
const { formulaRows: _formulas, ...formulaFunctions } = formulas

/** The functions of this folder whose first argument is a tensor, by name. */
export const methods = {
  ...scalarFunctions,
  ...viewFunctions,
  ...formulaFunctions,
  argmax,
  dropout,
  gather,
  matmul,
  max,
  mean,
  min,
  scatterAdd,
  sum,
}

/** The operations as methods: a face over the functions, which hold their descriptions. */
type Methods = {
  // biome-ignore lint/suspicious/noExplicitAny: the first argument is the tensor itself
  readonly [Name in keyof typeof methods]: (typeof methods)[Name] extends (x: any, ...rest: infer Rest) => Tensor
    ? (...rest: Rest) => Tensor
    : never
}

declare module '../tensor/tensor.ts' {
  interface Tensor extends Methods {}
}

for (const [name, operation] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      return (operation as (x: Tensor, ...rest: never[]) => Tensor)(this, ...rest)
    },
  })
}

const of = (...shapes: Shape[]): readonly Shape[] => shapes

const one: Domain[] = [
  { shapes: [[2, 3, 5]], from: -2, to: 2 },
  { shapes: [[70]], from: -3, to: 3 },
]
const positive: Domain[] = [{ shapes: [[3, 7]], from: 0.2, to: 4 }]
const two: Domain[] = [
  { shapes: of([3, 5], [3, 5]), from: -2, to: 2 },
  { shapes: of([4, 1, 5], [3, 1]), from: -2, to: 2 },
  { shapes: [[], [6]], from: 0.5, to: 2 },
]
const flat = (domains: Domain[]): Domain[] => domains.map((domain) => ({ ...domain, differentiable: false }))
const fit = (shapes: Domain['shapes'], ...rest: unknown[]): Domain => ({ shapes, from: -2, to: 2, arguments: rest })

/** Where each method is checked, on every backend and by differences: plain data. */
export const domains: { readonly [Name in keyof Methods]: readonly Domain[] } = {
  abs: [
    { shapes: [[3, 7]], from: 0.1, to: 3 },
    { shapes: [[3, 7]], from: -3, to: -0.1 },
  ],
  add: two,
  argmax: flat([fit([[4, 6]]), fit([[4, 6, 3]], 1)]),
  broadcastTo: [fit([[3, 1]], [2, 3, 4]), fit([[]], [5])],
  cast: flat([fit([[3, 5]], 'i32')]),
  clamp: [
    { shapes: [[40]], from: -0.9, to: 0.9, arguments: [-1, 1] },
    { shapes: [[9]], from: 2, to: 3, arguments: [-1, 1] },
  ],
  crossEntropy: [{ shapes: [[6, 5], [6]], dtypes: ['f32', 'i32'], from: 0, to: 4.99 }],
  div: [
    { shapes: [[3, 5], [5]], from: 0.5, to: 2 },
    { shapes: [[7], [7]], from: -2, to: -0.5 },
  ],
  dropout: [fit([[64, 5]], 0.25, { seed: 3, site: 9, segment: 1, step: 2 })],
  elu: [
    { shapes: [[3, 7]], from: 0.1, to: 3 },
    { shapes: [[3, 7]], from: -6, to: -0.1 },
  ],
  equal: flat(two),
  erf: one,
  exp: one,
  gather: [{ shapes: of([5, 3], [4, 2]), dtypes: ['f32', 'i32'], from: 0, to: 4.99 }],
  gelu: [...one, fit([[4, 9]], 'tanh')],
  greater: flat(two),
  greaterEqual: flat(two),
  isFinite: flat(one),
  layerNorm: [fit([[4, 16], [16], [16]]), fit([[2, 3, 70], [70], [70]])],
  less: flat(two),
  lessEqual: flat(two),
  log: positive,
  log1p: [{ shapes: [[3, 7]], from: -0.6, to: 4 }],
  logSoftmax: [fit([[4, 16]]), fit([[2, 3, 130]])],
  matmul: [fit(of([7, 5], [5, 9])), fit(of([2, 3, 4, 6], [3, 6, 5])), fit([[5], [5]]), fit(of([3, 2, 7, 8], [8, 1]))],
  max: [fit([[4, 6]], -1), fit([[4, 6, 3]], [0, 1], true), fit([[40]])],
  maximum: two,
  mean: [fit([[4, 6]], -1), fit([[4, 6, 3]], [0, 2], true), fit([[40]])],
  min: [fit([[4, 6]], -1), fit([[40]])],
  minimum: two,
  mul: two,
  narrow: [fit([[4, 6, 3]], 1, 2, 5), fit([[9]], 0, -4)],
  neg: one,
  normalize: [fit([[4, 16]]), fit([[2, 3, 5]])],
  notEqual: flat(two),
  pad: [
    fit(
      [[3, 4]],
      [
        [1, 0],
        [2, 3],
      ],
      0.5,
    ),
  ],
  pow: [
    { ...positive[0], arguments: [1.7] },
    { ...positive[0], arguments: [0.25] },
    { ...one[0], arguments: [3] },
  ],
  relu: [
    { shapes: [[3, 7]], from: 0.1, to: 3 },
    { shapes: [[3, 7]], from: -3, to: -0.1 },
  ],
  reshape: [fit([[4, 6]], [3, -1]), fit([[2, 3, 4]], [6, 4])],
  rsqrt: positive,
  scatterAdd: [{ shapes: of([4, 2, 3], [4, 2]), dtypes: ['f32', 'i32'], from: 0, to: 4.99, arguments: [5] }],
  select: [fit([[4, 6, 3]], 1, -2)],
  sigmoid: one,
  sign: flat(one),
  slice: [fit([[4, 6, 3]], [1, 0, 2], [2, 5, 1])],
  softmax: [fit([[4, 16]]), fit([[2, 3, 130]])],
  softplus: one,
  sqrt: positive,
  square: one,
  sub: two,
  sum: [fit([[4, 6]], -1), fit([[4, 6, 3]], [0, 2], true), fit([[40]]), fit([[130, 3]], 0)],
  tanh: one,
  transpose: [fit([[4, 6]]), fit([[2, 3, 4, 5]], [2, 0, 3, 1])],
}

export { concat, einsum, stack, where }
