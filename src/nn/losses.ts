import { maybe, takes } from '../checks.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Forward } from './model.ts'

/** Throws where a loss does not fit: predictions and targets of these axes. */
function check(where: string, axes: string, ofTargets: string, found: Tensor, targets: Tensor, weights: Tensor): void {
  takes(where, { predicted: found, targets, weights }, { predicted: aTensor, targets: aTensor, weights: aTensor })
  const { shape } = found
  const fits = (other: Tensor, letters: string): boolean => sameShape(other.shape, shape.slice(0, letters.length))
  if (shape.length === axes.length && fits(targets, ofTargets) && fits(weights, 'B')) return
  throw shapeError`${where}: predicted is ${shape}, targets ${targets.shape}, weights ${weights.shape}; expected ${[...axes]}, ${[...ofTargets]} and [B]`
}

/** 1 for the rows that weigh something. */
const counts = (weights: Tensor): Tensor => weights.greater(0).cast('f32')

/**
 * A class for each row: cross entropy of logits [B, C] and labels i32 [B], weighted by each row's share of the batch, f32 [B]
 * (1 / B in a full one, 0 for a row that does not count).
 */
export function classLoss(logits: Tensor, labels: Tensor, weights: Tensor): Required<Omit<Forward, 'carries'>> {
  check('classLoss', 'BC', 'B', logits, labels, weights)
  return {
    loss: logits.crossEntropy(labels).mul(weights).sum(),
    predicted: logits,
    correct: logits.argmax(-1).equal(labels).cast('f32').mul(counts(weights)).sum(),
  }
}

/**
 * A class at every position: the mean cross entropy over the positions of a row that have a target, of logits [B, N, C] and
 * labels i32 [B, N], -1 where none is asked for; weights as of `classLoss`. Where these are a part of longer rows, `targets`,
 * f32 [B], says how many targets a whole one has: the losses of all parts then add up to that mean.
 */
export function positionLoss(
  logits: Tensor,
  labels: Tensor,
  weights: Tensor,
  targets?: Tensor,
): Required<Omit<Forward, 'carries'>> {
  check('positionLoss', 'BNC', 'BN', logits, labels, weights)
  const asked = labels.greaterEqual(0).cast('f32')
  takes('positionLoss', { targets }, { targets: maybe(aTensor) })
  if (targets && !sameShape(targets.shape, weights.shape))
    throw shapeError`positionLoss: targets is ${targets.shape}; expected ${weights.shape}`
  const count = (targets ?? asked.sum(-1)).maximum(1)
  const meanOf = (x: Tensor): Tensor => x.mul(asked).sum(-1).div(count)
  return {
    loss: meanOf(logits.crossEntropy(labels.maximum(0)))
      .mul(weights)
      .sum(),
    predicted: logits,
    correct: meanOf(logits.argmax(-1).equal(labels).cast('f32')).mul(counts(weights)).sum(),
  }
}

/** Numbers: the mean of squared errors of predictions [B, K] and targets f32 [B, K]; weights as of `classLoss`. */
export function numberLoss(predicted: Tensor, targets: Tensor, weights: Tensor): Pick<Forward, 'loss' | 'predicted'> {
  check('numberLoss', 'BK', 'BK', predicted, targets, weights)
  return { loss: predicted.sub(targets).square().mean(-1).mul(weights).sum(), predicted }
}
