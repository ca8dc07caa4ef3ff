import { aCount, anObject, kind, maybe, oneOf, takes, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { Example } from './task.ts'

/** Examples as arrays of a fixed size, ready to be the inputs of a program. B rows, T segments, S tokens. */
export interface Batch {
  /** [B, T, S] token ids, 0 where nothing stands. */
  readonly tokens: Int32Array
  /** [B, T, S] 1 where a token stands, else 0. */
  readonly valid: Int32Array
  /** [B] */
  readonly labels: Int32Array
  /** [B, T, S] the class asked for at each token, -1 where none is: of an example without `labels` it is asked for at the last. */
  readonly tokenLabels: Int32Array
  /** [B] the share of each example in their mean, 1 / their number; 0 for a filler row. */
  readonly weights: Float64Array
  /** How many tokens the examples hold, filler rows not counted. */
  readonly validTokens: number
}

export interface BatchShape {
  readonly segments: number
  readonly segmentLength: number
  readonly batch: number
  /** How many token ids and classes the model knows, where it is known: others are an error. */
  readonly vocabulary?: number
  readonly classes?: number
  /** Where sequences of another length than T x S meet the segments: at their end, where it is not said. */
  readonly align?: (typeof alignments)[number]
  /** Of 2, an example is two texts, each with T segments of its own: what is [B, T, S] then is [B, 2, T, S]; 1 where it is not said. */
  readonly towers?: 1 | 2
}

export const alignments = ['end', 'start'] as const

const MOST = 2 ** 31 - 1

/**
 * Throws where an example is none, or not one of a model's.
 * @throws RmaatError 'data' that names the example, with what was found and what would be right
 */
function checkExample(
  example: Example,
  where: string,
  { segments = 1, segmentLength = MOST, vocabulary, classes }: Partial<BatchShape>,
): void {
  takes(where, { example }, { example: anObject }, 'data')
  const { tokens, label } = example
  takes(where, { tokens, label }, { tokens: aSequence, label: wholeFrom(0, (classes ?? MOST) - 1) }, 'data')
  const { length } = tokens
  if (length === 0 || length > segments * segmentLength) {
    throw new RmaatError(
      'data',
      `${where} has ${length} tokens; ${segments} segments of ${segmentLength} take 1 to ${segments * segmentLength}`,
    )
  }
  checkTokens(tokens, where, vocabulary)
  checkLabels(example, where, (classes ?? MOST) - 1)
}

/**
 * Throws where a list of tokens is none, or one of them is not a model's; `first` is the number of the first one.
 * @throws RmaatError 'data' that names the token
 */
export function checkTokens(tokens: ArrayLike<number>, where: string, vocabulary = MOST, first = 0): void {
  takes(where, { tokens }, { tokens: aSequence }, 'data')
  for (let i = 0; i < tokens.length; i++) {
    const id = tokens[i]
    if (typeof id === 'number' && id >>> 0 === id && id < vocabulary) continue
    const name = `token ${first + i}`
    takes(where, { [name]: id }, { [name]: wholeFrom(0, vocabulary - 1) }, 'data')
  }
}

function checkLabels({ tokens, label, labels }: Example, where: string, most: number): void {
  if (labels === undefined) return
  takes(where, { labels }, { labels: aSequenceOf('labels') }, 'data')
  if (labels.length !== tokens.length)
    throw new RmaatError(
      'data',
      `${where} has ${labels.length} labels for ${tokens.length} tokens; expected one for each`,
    )
  let last = -1
  for (let i = 0; i < labels.length; i++) {
    if (!Number.isInteger(labels[i]) || labels[i] < -1 || labels[i] > most)
      takes(where, { [`label ${i}`]: labels[i] }, { [`label ${i}`]: wholeFrom(-1, most) }, 'data')
    if (labels[i] >= 0) last = labels[i]
  }
  if (last !== label)
    throw new RmaatError(
      'data',
      `${where} has the label ${label}, but the last of its labels is ${last}; expected the same`,
    )
}

const aSequenceOf = (what: string) =>
  kind(
    `a list of ${what}`,
    (value) => typeof value === 'object' && value !== null && 'length' in value && typeof value.length === 'number',
  )
export const aSequence = aSequenceOf('token ids')

const aList = kind('a list of examples, such as [...task.test.slice(0, 8)]', Array.isArray)
const shapeKinds = {
  segments: aCount,
  segmentLength: aCount,
  batch: aCount,
  vocabulary: maybe(aCount),
  classes: maybe(aCount),
  align: maybe(oneOf(alignments)),
  towers: maybe(wholeFrom(1, 2)),
}

/**
 * Lays examples out as one batch. Sequences end where their last segment ends and padding comes first, so that the last
 * segment always holds the end: aligned at their ends the first segment that holds tokens is the short one, aligned at their
 * starts the last one is, and every sequence begins at the beginning of a segment. Rows beyond the examples are filler: label 0,
 * weight 0, and one valid token (id 0) at the end of the last segment, so that no row is without a token.
 * @throws RmaatError 'data' for no examples, for more than the batch holds, and for one that is empty, longer than T x S, or
 * has a label or a token id that is none, or labels that do not go with its tokens
 */
export function batchOf(examples: readonly Example[], shape: BatchShape): Batch {
  takes('batchOf', { examples, shape }, { examples: aList, shape: anObject })
  takes('batchOf', shape, shapeKinds, 'config')
  const { segments, segmentLength, batch, align = 'end', towers = 1 } = shape
  if (examples.length === 0 || examples.length > batch) {
    throw new RmaatError('data', `a batch of ${batch} rows takes 1 to ${batch} examples, not ${examples.length}`)
  }
  const length = segments * segmentLength
  const size = batch * towers * length
  const tokens = new Int32Array(size)
  const valid = new Int32Array(size)
  const labels = new Int32Array(batch)
  const weights = new Float64Array(batch)
  const tokenLabels = new Int32Array(size).fill(-1)
  let validTokens = 0
  /** Lays a text out so that it ends before `end`. */
  const put = (text: Example, where: string, end: number): void => {
    checkExample(text, where, shape)
    // once for all tokens: some examples make them when they are asked for
    const { tokens: ownTokens, label, labels: ownLabels } = text
    const count = ownTokens.length
    // of segments that are full, and of what follows
    const full = align === 'start' ? count - (count % segmentLength || segmentLength) : 0
    for (let i = 0; i < count; i++) {
      const at = i < full ? end - segmentLength - full + i : end - count + i
      tokens[at] = ownTokens[i]
      valid[at] = 1
      if (ownLabels) tokenLabels[at] = ownLabels[i]
    }
    if (!ownLabels) tokenLabels[end - 1] = label
    validTokens += count
  }
  for (let row = 0; row < batch; row++) {
    const ends = Array.from({ length: towers }, (_, text) => (row * towers + text + 1) * length)
    if (row >= examples.length) {
      for (const end of ends) valid[end - 1] = 1
      continue
    }
    const where = `example ${row} of the batch`
    const texts = towers === 1 ? [examples[row]] : textsOf(examples[row], where)
    texts.forEach((text, at) => {
      put(text, where, ends[at])
    })
    labels[row] = examples[row].label
    weights[row] = 1 / examples.length
  }
  return { tokens, valid, labels, tokenLabels, weights, validTokens }
}

/**
 * The two texts of an example, without the token that parts them.
 * @throws RmaatError 'data' where the example does not say where they part, or one of them is empty
 */
export function textsOf(example: Example, where: string): readonly [Example, Example] {
  takes(where, { example }, { example: anObject }, 'data')
  const { tokens, label, split } = example
  takes(where, { tokens }, { tokens: aSequence }, 'data')
  const { length } = tokens
  if (split === undefined || !Number.isInteger(split) || split < 1 || split > length - 2)
    throw new RmaatError(
      'data',
      `${where}: split is ${split}; two towers read two texts, so expected a place from 1 to ${length - 2}`,
    )
  const all = Array.from(tokens)
  return [
    { tokens: all.slice(0, split), label },
    { tokens: all.slice(split + 1), label },
  ]
}

/** Of a model that answers at every token: the label of each, and weights of the rows by which every answer weighs the same. */
export function everyAnswer({
  tokenLabels,
  weights,
}: Pick<Batch, 'tokenLabels' | 'weights'>): Pick<Batch, 'labels' | 'weights'> {
  const length = tokenLabels.length / weights.length
  const answers = Float64Array.from(weights, (_, row) => {
    const own = tokenLabels.subarray(row * length, (row + 1) * length)
    return own.reduce((count, label) => (label < 0 ? count : count + 1), 0)
  })
  const all = answers.reduce((sum, count) => sum + count, 0)
  return { labels: tokenLabels, weights: answers.map((count) => count / all) }
}

/** The classes that an example asks a model for: of a causal one at every token, else one. */
export function askedOf({ label, labels }: Example, { causal }: { readonly causal: boolean }): readonly number[] {
  return causal && labels ? Array.from(labels).filter((one) => one >= 0) : [label]
}
