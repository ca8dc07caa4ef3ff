import type { DType, Shape } from '../tensor/dtype.ts'
import type { operations } from './cases.ts'

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

const within = (from: number, to: number, ...shapes: Shape[]): Domain => ({ shapes, from, to })
/** Without a derivative. */
const flat = (domains: readonly Domain[]): Domain[] => domains.map((domain) => ({ ...domain, differentiable: false }))

const one = [within(-2, 2, [2, 3, 5]), within(-3, 3, [70])]
const positive = [within(0.2, 4, [3, 7])]
/** On both sides of a bend at 0. */
const bent = [within(0.1, 3, [3, 7]), within(-6, -0.1, [3, 7])]
const two = [within(-2, 2, [3, 5], [3, 5]), within(-2, 2, [4, 1, 5], [3, 1]), within(0.5, 2, [], [6])]
/** Operands of which the second is not near 0. */
const apart = [within(0.5, 2, [3, 5], [5]), within(-2, -0.5, [7], [7])]

/** Inputs from -2 to 2, and further arguments. */
const fit = (shapes: Domain['shapes'], ...rest: unknown[]): Domain => given(within(-2, 2, ...shapes), ...rest)
const given = (domain: Domain, ...rest: unknown[]): Domain => ({ ...domain, arguments: rest })
/** Of indices or labels below `count`, after values from the same range. */
const indexed = (count: number, ...shapes: Shape[]): Domain => ({
  ...within(0, count - 0.01, ...shapes),
  dtypes: ['f32', 'i32'],
})

const each = <Name extends string>(domains: readonly Domain[], ...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, domains])) as Domains<Name>

const overLast = [fit([[4, 16]]), fit([[2, 3, 130]])]
const reduced = [fit([[4, 6]], -1), fit([[40]])]

type Domains<Name extends string> = { readonly [Key in Name]: readonly Domain[] }

/** Where each operation is checked, on every backend and by differences: plain data. */
export const domains: Domains<keyof typeof operations> = {
  ...each(one, 'cos', 'erf', 'exp', 'neg', 'sin', 'tanh', 'logSigmoid', 'sigmoid', 'silu', 'softplus', 'square'),
  ...each(bent, 'abs', 'elu', 'eluPlusOne', 'leakyRelu', 'relu'),
  ...each(positive, 'log', 'rsqrt', 'sqrt'),
  ...each(flat(one), 'ceil', 'floor', 'isFinite', 'round', 'sign'),
  ...each(two, 'add', 'sub', 'mul', 'minimum', 'maximum'),
  ...each(flat(two), 'less', 'lessEqual', 'equal', 'greater', 'greaterEqual', 'notEqual'),
  ...each(apart, 'div', 'mod'),
  ...each([...overLast, fit([[4, 6, 3]], 1)], 'logSoftmax', 'logSumExp', 'softmax'),
  ...each([fit([[4, 6]], -1), fit([[3, 70, 2]], 1), fit([[1100]], 0)], 'cumprod', 'cumsum', 'logCumSumExp'),
  ...each([...reduced, fit([[4, 6, 3]], [0, 2], true, 0)], 'std', 'var'),
  ...each([fit([[5, 4]]), fit([[2, 4, 5]], 1), fit([[6, 5]], -2)], 'tril', 'triu'),
  ...each(flat([fit([[4, 6]]), fit([[4, 6, 3]], [0, 2], true)]), 'all', 'any'),
  ...each(flat([fit([[4, 6]]), fit([[4, 6, 3]], 1)]), 'argmax', 'argmin'),
  broadcastTo: [fit([[3, 1]], [2, 3, 4]), fit([[]], [5])],
  cast: flat([fit([[3, 5]], 'i32')]),
  clamp: [given(within(-0.9, 0.9, [40]), -1, 1), given(within(2, 3, [9]), -1, 1)],
  crossEntropy: [indexed(5, [6, 5], [6])],
  dropout: [fit([[64, 5]], 0.25, { seed: 3, site: 9, segment: 1, step: 2 })],
  floorDivide: flat(apart),
  flip: [fit([[4, 6, 3]], [0, 2]), fit([[40]])],
  gather: [indexed(5, [5, 3], [4, 2])],
  gelu: [...one, fit([[4, 9]], 'tanh')],
  // biome-ignore format: a domain a line
  irfft: [
    fit([[3, 2]], 5),
    fit([[2, 5, 2, 3]], 8, 1),
    fit([[2, 46, 2]], 90),
  ],
  layerNorm: [fit([[4, 16], [16], [16]]), fit([[2, 3, 70], [70], [70]])],
  log1p: [within(-0.6, 4, [3, 7])],
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
  pow: [given(positive[0], 1.7), given(positive[0], 0.25), given(one[0], 3), within(0.2, 3, [3, 5], [5])],
  prod: [...reduced, fit([[4, 6, 3]], [0, 2], true), fit([[13, 3]], 0)],
  reshape: [fit([[4, 6]], [3, -1]), fit([[2, 3, 4]], [6, 4])],
  rfft: [fit([[12]]), fit([[2, 9, 3]], 1), fit([[70, 2]], 0)],
  // biome-ignore format: a domain a line
  scan: [
    given(within(-1, 1, [2, 5, 3], [2, 5, 3]), { axis: 1 }),
    given(within(-1, 1, [19], [3, 40, 19]), { axis: 1, reverse: true }),
    given(within(-1, 1, [2, 1, 70], [2, 3, 70]), { axis: -1 }),
    given(within(-0.7, 0.7, [6, 2, 18], [3, 6, 2, 18]), { axis: 1, complex: 2 }),
    given(within(-0.7, 0.7, [2, 7, 1, 2], [7, 3, 2]), { axis: 1, complex: -1, reverse: true }),
  ],
  scatterAdd: [given(indexed(5, [4, 2, 3], [4, 2]), 5)],
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
  takeAlong: [given(indexed(5, [5, 3], [4, 3]), 0), given(indexed(5, [2, 5, 3], [2, 7, 3]), 1)],
  tile: [fit([[2, 3]], [2, 1, 3])],
  topK: [fit([[4, 6]], 3), fit([[3, 40, 2]], 5, 1)],
  transpose: [fit([[4, 6]]), fit([[2, 3, 4, 5]], [2, 0, 3, 1])],
  unsqueeze: [fit([[4, 6]], 1), fit([[4, 6]], -1)],
}

/** Beside these, which are small: rows longer than a block, matrices of more than a tile. */
// biome-ignore format: a domain a line
export const larger: Partial<Domains<keyof typeof operations>> = {
  add: [fit([[30, 1, 70], [40, 1]])],
  gather: [indexed(200, [200, 64], [300])],
  gelu: [fit([[100, 70]])],
  layerNorm: [fit([[12, 600], [600], [600]])],
  matmul: [fit([[130, 67], [67, 129]]), fit([[6, 33, 64], [64, 48]]), fit([[3, 3000], [3000, 2]])],
  max: [fit([[300, 70]], 0), fit([[20, 600]], -1)],
  scatterAdd: [given(indexed(100, [300, 64], [300]), 100)],
  rfft: [fit([[3, 600, 5]], 1)],
  scan: [
    given(within(-1, 1, [64], [2, 300, 64]), { axis: 1 }),
    given(within(-1, 1, [3000], [5, 3000]), { axis: 1, reverse: true }),
    given(within(-0.7, 0.7, [2, 40], [2, 500, 2, 40]), { axis: 1, complex: 2 }),
  ],
  softmax: [fit([[12, 1024]])],
  sum: [fit([[600, 70]], 0), fit([[70, 600]], -1), fit([[20_000]])],
  transpose: [fit([[64, 3, 70]], [2, 0, 1])],
}
