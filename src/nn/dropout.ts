import { aNumber, aString, kind, maybe, takes, takesOptions } from '../checks.ts'
import type { RandomSource } from '../ops/random.ts'
import { aTensor, tensorLike } from '../tensor/kinds.ts'
import type { Tensor, TensorLike } from '../tensor/tensor.ts'
import { placeOf } from './parameters.ts'
import { siteOf } from './random.ts'

/** The source of `dropout`'s random numbers. */
export interface DropoutOptions extends Pick<RandomSource, 'segment' | 'firstElement'> {
  /** The layer's parameters, a subtree or a leaf of `Parameters.tensors`: path and seed select the random stream. */
  readonly of: object
  /** Tells several dropouts of one layer apart. */
  readonly name?: string
  /** The number of the step, such as an optimiser's `steps`: each has a mask of its own. Without it nothing is dropped. */
  readonly step?: TensorLike | undefined
}

const kinds = {
  of: kind('tensors of Parameters', (value) => typeof value === 'object' && value !== null && !!placeOf(value)),
  name: maybe(aString),
  step: maybe(tensorLike),
  segment: maybe(tensorLike),
  firstElement: maybe(tensorLike),
}

/**
 * x of any shape -> the same: in training each element is zero with the probability `rate`, else divided by 1 - rate
 * (Srivastava et al. 2014). The mask is a function of seed, path and step (counter-based random numbers): it is never stored.
 * @throws RmaatError 'config' for a rate that is not from 0 to below 1
 */
export function dropout(x: Tensor, rate: number, options: DropoutOptions): Tensor {
  takes('dropout', { x, rate }, { x: aTensor, rate: aNumber })
  takesOptions('dropout', options, kinds, 'argument')
  const { of, name, step, ...source } = options
  const { name: path, seed } = placeOf(of)!
  const site = siteOf(['dropout', path, name].filter(Boolean).join('.'))
  const dropped = x.dropout(rate, { ...source, seed, site, step: step ?? 0 })
  return step === undefined ? x : dropped
}
