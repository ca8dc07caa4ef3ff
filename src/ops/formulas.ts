import { normalizeAxis, sameShape, shapeError, sizeOf, toBack } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { div, equal, less, lessEqual, maximum, minimum, sub } from './binary.ts'
import { elementwise, isIndex, where } from './elementwise.ts'
import { constant, expectDType, iota, noGradient, type OpEntry } from './entry.ts'
import { deviations, reduced, rowsOver } from './reductions.ts'

/** 1 / (1 + exp(-x)), with an exponential that cannot overflow. */
const logistic = (x: Tensor): Tensor => {
  const e = x.abs().neg().exp()
  return div(where(lessEqual(0, x), 1, e), e.add(1))
}

const GELU = Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715
const CUBIC_SLOPE = 3 * CUBIC

/** 1 / sqrt(variance + epsilon) over the last axis. */
function deviationScale(x: Tensor, epsilon: number): Tensor {
  const near = x.sub(x.mean(-1, true))
  const off = near.mean(-1, true)
  const variance = near.mul(near).mean(-1, true).sub(off.mul(off)).maximum(0)
  return variance.add(epsilon).rsqrt()
}

const oneHot = (labels: Tensor, logits: Tensor): Tensor =>
  equal(iota(logits.shape, logits.rank - 1), labels.reshape([...labels.shape, 1]))

/**
 * Operations that are formulas of others: one node in the user's graph, expanded when a program is built. Each has a
 * gradient of its own where the formula's would keep or compute more than is needed.
 */
export const formulaEntries = {
  stopGradient: { formula: ([x]) => x, gradient: noGradient },
  sigmoid: {
    scales: 'elements',
    formula: ([x]) => logistic(x),
    gradient: ({ cotangent: g, inputs: [x], output: y }) => [g.mul(y).mul(x.neg().sigmoid())],
  },
  softplus: {
    scales: 'elements',
    formula: ([x]) => maximum(x, 0).add(x.abs().neg().exp().log1p()),
    gradient: ({ cotangent: g, inputs: [x] }) => [g.mul(x.sigmoid())],
  },
  relu: {
    chooses: true,
    formula: ([x]) => maximum(x, 0),
    gradient: ({ cotangent: g, output: y }) => [where(lessEqual(y, 0), 0, g)],
  },
  geluTanh: {
    scales: 'elements',
    formula: ([x]) => x.mul(nearNormal(x).sigmoid()),
    gradient: ({ cotangent: g, inputs: [x] }) => {
      const z = nearNormal(x)
      const slope = x
        .square()
        .mul(2 * GELU * CUBIC_SLOPE)
        .add(2 * GELU)
      return [g.mul(z.sigmoid()).mul(x.mul(slope).mul(z.neg().sigmoid()).add(1))]
    },
  },
  softmax: {
    scales: 'lastAxis',
    formula: ([x]) => {
      const e = x.sub(x.max(-1, true)).exp()
      // one division for each row
      return e.mul(div(1, e.sum(-1, true)))
    },
    gradient: ({ cotangent: g, output: y }) => [y.mul(g.sub(g.mul(y).sum(-1, true)))],
  },
  logSoftmax: {
    scales: 'lastAxis',
    formula: ([x]) => {
      const apart = x.sub(x.max(-1, true))
      return apart.sub(apart.exp().sum(-1, true).log())
    },
    gradient: ({ cotangent: g, output: y }) => [g.sub(y.exp().mul(g.sum(-1, true)))],
  },
  logSumExp: {
    scales: 'lastAxis',
    formula: ([x]) => {
      const largest = x.max(-1, true)
      // where all are -Infinity, or one is Infinity, the sum says so by itself
      const taken = where(largest.isFinite(), largest, 0)
      return x.sub(taken).exp().sum(-1, true).log().add(taken).reshape(x.shape.slice(0, -1))
    },
    gradient: ({ cotangent: g, inputs: [x] }) => [x.softmax().mul(g.reshape([...g.shape, 1]))],
  },
  crossEntropy: {
    scales: 'lastAxis',
    formula: ([logits, labels]) => {
      const largest = logits.max(-1, true)
      // what is as large as the logits themselves stays out
      const apart = logits.sub(largest)
      const hot = oneHot(labels, logits)
      const chosen = where(hot, apart, 0).sum(-1)
      // 1 + what the chosen class is short of it: so the others keep their digits where it is nearly certain
      const others = where(hot, 0, apart.exp()).sum(-1)
      const known = isIndex(labels, logits.shape[logits.rank - 1])
      const logSum = others.add(where(known, chosen.elu(), -1)).log1p()
      return logSum.sub(chosen).add(where(known, 0, largest.reshape(labels.shape)))
    },
    gradient: ({ cotangent: g, inputs: [logits, labels], output: loss }) => {
      const [scale, atLabel] = [g, loss.neg().elu()].map((x) => x.reshape([...x.shape, 1]))
      return [where(oneHot(labels, logits), atLabel, logits.softmax()).mul(scale), undefined]
    },
  },
  normalize: {
    scales: 'lastAxis',
    formula: ([x], { epsilon }) => {
      const scale = deviationScale(x, epsilon)
      return deviations(x).mul(scale)
    },
    gradient: ({ cotangent: g, inputs: [x], output: y, attributes: { epsilon } }) => [
      sub(g.sub(g.mean(-1, true)), y.mul(g.mul(y).mean(-1, true))).mul(deviationScale(x, epsilon)),
    ],
  },
} satisfies Record<string, OpEntry>

/** What the logistic function is nearly the normal distribution at x of: (1 + tanh(z)) / 2 is the one of 2z. */
const nearNormal = (x: Tensor): Tensor => x.add(x.mul(x).mul(x).mul(CUBIC)).mul(2 * GELU)

type FormulaName = keyof typeof formulaEntries
const node = (op: FormulaName, x: Tensor, attributes: unknown = {}): Tensor =>
  new Tensor(op, [expectDType(op, x, 'f32')], attributes, x.shape, 'f32')
const overLast = (op: FormulaName, x: Tensor, attributes?: unknown): Tensor => {
  if (x.rank === 0) throw shapeError`${op}: works over the last axis, and a scalar has none`
  return sizeOf(x.shape) === 0 ? expectDType(op, x, 'f32') : node(op, x, attributes)
}
/** Over another axis it is the same, with that axis transposed to the back and back again. */
const overAxis = (op: FormulaName, x: Tensor, axis: number): Tensor => {
  const along = normalizeAxis(op, axis, x.rank)
  const order = toBack(along, x.rank)
  return overLast(op, x.transpose(order)).transpose(order)
}

/** x times x, element by element. */
export const square = (x: Tensor): Tensor => x.mul(x)
/** The logistic function 1 / (1 + exp(-x)), element by element. */
export const sigmoid = (x: Tensor): Tensor => node('sigmoid', x)
/** log(1 + exp(x)), element by element. */
export const softplus = (x: Tensor): Tensor => node('softplus', x)
/** The larger of x and 0, element by element. */
export const relu = (x: Tensor): Tensor => node('relu', x)
/** x above 0, `slope` times x below, element by element (Maas et al. 2013). */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => where(less(0, x), x, x.mul(slope))
/** x times the logistic function of x, element by element (Elfwing et al. 2018). */
export const silu = (x: Tensor): Tensor => x.mul(x.sigmoid())
/** The logarithm of the logistic function, -log(1 + exp(-x)), element by element. */
export const logSigmoid = (x: Tensor): Tensor => sub(0, x.neg().softplus())
/** x times Phi(x), element by element; Phi, the normal distribution, exactly or by tanh (Hendrycks & Gimpel 2016). */
export const gelu = (x: Tensor, form: 'erf' | 'tanh' = 'erf'): Tensor =>
  form === 'erf' ? elementwise('gelu', [expectDType('gelu', x, 'f32')]) : node('geluTanh', x)
/** exp(x) over its sum along an axis, the last one where none is named: the same shape, with the sum 1 along that axis. */
export const softmax = (x: Tensor, axis = -1): Tensor => overAxis('softmax', x, axis)
/** The logarithm of `softmax` over an axis, the last one where none is named: the same shape. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => overAxis('logSoftmax', x, axis)
/** log(sum exp(x)) over the named axes, or the last one; -Infinity where they are empty. `keep` leaves them with size 1. */
export const logSumExp = (x: Tensor, axes: number | readonly number[] = -1, keep = false): Tensor =>
  reduced('logSumExp', x, axes, keep, (list) => {
    const rows = rowsOver(expectDType('logSumExp', x, 'f32'), list)
    const shape = rows.shape.slice(0, -1)
    const empty = sizeOf(rows.shape) === 0
    return empty ? constant(-Infinity).broadcastTo(shape) : new Tensor('logSumExp', [rows], {}, shape, 'f32')
  })
/** (x - mean) / sqrt(variance + epsilon) over the last axis (Ba et al. 2016): x [..., D] -> [..., D]. */
export const normalize = (x: Tensor, epsilon = 1e-5): Tensor => overLast('normalize', x, { epsilon })
/** Layer normalisation (Ba et al. 2016): `normalize(x)` times gain plus bias; x [..., D], gain [D], bias [D] -> [..., D]. */
export const layerNorm = (x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor =>
  normalize(x, epsilon).mul(gain).add(bias)
/** x, but at least `low` and at most `high`, element by element. */
export const clamp = (x: Tensor, low: number, high: number): Tensor => minimum(maximum(x, low), high)

/**
 * logits [..., C], i32 labels [...] -> [...]: -log softmax(logits)[label]. A label outside of 0..C-1 counts as no class:
 * what is left is log(sum exp(logits)). Or f32 labels [..., C], the share of each class, as for smoothed labels or a teacher's
 * answers: -sum(labels x log softmax(logits)).
 * @throws RmaatError 'shape' where the shapes do not fit
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  expectDType('crossEntropy', logits, 'f32')
  if (labels.dtype === 'f32' && logits.rank > 0 && sameShape(logits.shape, labels.shape))
    return labels.mul(logits.logSoftmax()).sum(-1).neg()
  expectDType('crossEntropy', labels, 'i32')
  if (logits.rank === 0 || !sameShape(logits.shape.slice(0, -1), labels.shape))
    throw shapeError`crossEntropy: labels ${labels.shape} do not fit logits ${logits.shape}; expected [...] and [..., classes]`
  return new Tensor('crossEntropy', [logits, labels], {}, labels.shape, 'f32')
}
