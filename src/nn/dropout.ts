import { sliceUnderWay } from '../autograd/slices.ts'
import { aNumber, aString, kind, maybe, takes, takesOptions } from '../checks.ts'
import type { RandomSource } from '../ops/random.ts'
import { aTensor, tensorLike } from '../tensor/kinds.ts'
import { sizeOf } from '../tensor/shape.ts'
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
 * (Srivastava et al. 2014). The mask is a function of seed, path and step (counter-based random numbers): it is never stored. So the
 * same place has the same mask, in each iteration of a loop too, where no `segment` tells them apart. In a slice of a batch the rows
 * of x have the masks that they have in the whole batch.
 * @throws RmaatError 'config' for a rate that is not from 0 to below 1
 */
export function dropout(x: Tensor, rate: number, options: DropoutOptions): Tensor {
  takes('dropout', { x, rate }, { x: aTensor, rate: aNumber })
  takesOptions('dropout', options, kinds, 'argument')
  const { of, name, step, firstElement = ownFirst(x), ...source } = options
  const { name: path, seed } = placeOf(of)!
  const site = siteOf(['dropout', path, name].filter(Boolean).join('.'))
  const dropped = x.dropout(rate, { ...source, firstElement, seed, site, step: step ?? 0 })
  return step === undefined ? x : dropped
}

/** Where the rows of x begin in the batch, of which a slice is being computed; x is by rows where these divide it. */
function ownFirst(x: Tensor): TensorLike {
  const slice = sliceUnderWay()
  const perRow = sizeOf(x.shape) / (slice?.rows ?? 1)
  return slice && Number.isInteger(perRow) ? slice.firstRow.mul(perRow) : 0
}
