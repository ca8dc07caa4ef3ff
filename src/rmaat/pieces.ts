import { RmaatError } from '../errors.ts'
import { type Backward, wrongBackward } from '../nn/model.ts'
import type { ModelConfig } from './config.ts'

/** Successive segments that are computed in one way. */
export interface Piece {
  readonly from: number
  readonly to: number
  /** Whether their activations are kept. */
  readonly unroll: boolean
  /** Whether a gradient flows through them. */
  readonly flows: boolean
}

/**
 * All segments but the last one: those that no gradient reaches, those that are replayed, those that are kept. Truncated, with
 * a loss at the end, the gradient reaches the last `reach` segments; with one at every segment, memory is detached every
 * `reach` segments, counted from the last one.
 * @throws RmaatError 'argument' for what does not go together, or reaches past the segments
 */
export function piecesOf(segments: number, backward: Backward, loss: ModelConfig['loss']): Piece[] {
  const wrong = wrongBackward(backward, segments)
  if (wrong) throw new RmaatError('argument', `forward: ${wrong}`)
  const { method, keep = 0, reach } = backward
  const count = segments - 1
  const reached = reach === undefined || loss === 'all' ? 0 : Math.max(0, segments - reach)
  const kept = Math.max(reached, method === 'bptt' ? 0 : count - keep)
  const pieces: Piece[] = [
    { from: 0, to: reached, unroll: false, flows: false },
    { from: reached, to: kept, unroll: false, flows: true },
    { from: kept, to: count, unroll: true, flows: true },
  ]
  return pieces.filter(({ from, to }) => to > from)
}

/** [T]: 1 where the memory that enters a segment hands no gradient back; undefined where all of it does. */
export const detachesOf = (
  segments: number,
  { reach }: Backward,
  loss: ModelConfig['loss'],
): readonly number[] | undefined =>
  reach === undefined || loss === 'last'
    ? undefined
    : Array.from({ length: segments }, (_, t) => Number(t > 0 && (segments - t) % reach === 0))
