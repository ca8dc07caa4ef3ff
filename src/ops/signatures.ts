import {
  aBoolean,
  aNumber,
  anObject,
  type Kind,
  kind,
  listOf,
  maybe,
  notNegative,
  numbers,
  numberThat,
  oneOf,
  wholeFrom,
} from '../checks.ts'
import { aDType, aTensor, tensorLike } from '../tensor/kinds.ts'
import * as binary from './binary.ts'
import * as unary from './unary.ts'

const each = <const Name extends string, Value>(names: readonly Name[], value: Value) =>
  Object.fromEntries(names.map((name) => [name, value])) as Record<Name, Value>
const keys = <Key extends string>(record: Readonly<Record<Key, unknown>>) => Object.keys(record) as Key[]

/** Whether it is an axis of the tensor, or a size, is for the operation to say: it knows the shape. */
const anAxis = numberThat('the number of an axis', () => true)
const anIndex = numberThat('a whole number', () => true)
const axes = maybe(kind('an axis or a list of axes', (value) => anAxis.fits(value) || numbers.fits(value)))
const reduction = { axes, keep: maybe(aBoolean) }
const epsilon = maybe(notNegative)

/** What each method takes beside its tensor, in order: what has a signature is a method. */
export const signatures = {
  ...each(keys(unary), {}),
  ...each(keys(binary), { other: tensorLike }),
  ...each(['logSigmoid', 'relu', 'sigmoid', 'silu', 'softplus', 'square'], {}),
  ...each(['all', 'any', 'logSumExp', 'max', 'mean', 'min', 'prod', 'sum'], reduction),
  ...each(['std', 'var'], { ...reduction, correction: maybe(notNegative) }),
  ...each(['argmax', 'argmin', 'logSoftmax', 'softmax'], { axis: maybe(anAxis) }),
  ...each(['cumprod', 'cumsum', 'logCumSumExp'], { axis: anAxis }),
  ...each(['flip', 'squeeze'], { axes }),
  ...each(['tril', 'triu'], { diagonal: maybe(wholeFrom(Number.MIN_SAFE_INTEGER)) }),
  broadcastTo: { shape: numbers },
  cast: { dtype: aDType },
  clamp: { low: aNumber, high: aNumber },
  crossEntropy: { labels: aTensor },
  dropout: { rate: aNumber, source: anObject },
  gather: { indices: aTensor },
  gelu: { form: maybe(oneOf(['erf', 'tanh'])) },
  leakyRelu: { slope: maybe(aNumber) },
  layerNorm: { gain: aTensor, bias: aTensor, epsilon },
  maskedFill: { mask: aTensor, value: numberThat('a number', () => true) },
  matmul: { other: aTensor },
  narrow: { axis: anAxis, from: anIndex, to: maybe(anIndex), step: maybe(anIndex) },
  normalize: { epsilon },
  oneHot: { classes: wholeFrom(0) },
  pad: { widths: listOf(numbers, 'pairs of numbers'), value: maybe(numberThat('a number', () => true)) },
  pow: { exponent: tensorLike },
  reshape: { shape: numbers },
  scan: { b: aTensor, options: anObject },
  scatterAdd: { indices: aTensor, rows: anIndex },
  scatterUpdate: { indices: aTensor, updates: aTensor },
  select: { axis: anAxis, index: anIndex },
  slice: { start: numbers, size: numbers, steps: maybe(numbers) },
  sort: { axis: maybe(anAxis), descending: maybe(aBoolean) },
  split: {
    sizes: kind('a size or a list of sizes', (value) => anIndex.fits(value) || numbers.fits(value)),
    axis: maybe(anAxis),
  },
  takeAlong: { indices: aTensor, axis: anAxis },
  tile: { repeats: numbers },
  topK: { k: anIndex, axis: maybe(anAxis) },
  transpose: { axes: maybe(numbers) },
  unsqueeze: { axis: anAxis },
} satisfies Readonly<Record<string, Readonly<Record<string, Kind>>>>
