import { aCount, anObject, kind, maybe, takes, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { Random, STREAM } from './random.ts'

/** A sequence and its class. */
export interface Example {
  /** Token ids without padding, each 1..vocabulary-1; at least one. */
  readonly tokens: ArrayLike<number>
  /** The class, 0..classes-1. */
  readonly label: number
}

/** Examples that are held out. Those of an array are there, others are made whenever they are gone over. */
export interface Examples extends Iterable<Example> {
  readonly length: number
  slice(start: number, end: number): Examples
}

/** A classification task over sequences of tokens: what to train on, what to choose by, and what to report. */
export interface Task {
  readonly name: string
  /** One sentence for people: what the model sees and what it has to answer. */
  readonly description: string
  /** How many token ids there are, with id 0, which is padding in every task. */
  readonly vocabulary: number
  readonly classes: number
  readonly classNames?: readonly string[]
  /** T: every sequence fits into T segments of S tokens. */
  readonly segments: number
  /** S */
  readonly segmentLength: number
  /** Training examples without end. The same seed gives the same examples in the same order. */
  train(seed: number): Generator<Example, never>
  /** Held out of training, to choose settings by. */
  readonly validation: Examples
  /** Held out of training and of choices, to report. */
  readonly test: Examples
  /** What else people should know of the data, a line each. */
  readonly notes?: readonly string[]
  /** A sequence as a person would write it. */
  show(tokens: ArrayLike<number>): string
}

/** Examples as arrays of a fixed size, ready to be the inputs of a program. B rows, T segments, S tokens. */
export interface Batch {
  /** [B, T, S] token ids, 0 where nothing stands. */
  readonly tokens: Int32Array
  /** [B, T, S] 1 where a token stands, else 0. */
  readonly valid: Int32Array
  /** [B] */
  readonly labels: Int32Array
  /** [B] 1 for an example, 0 for a filler row. */
  readonly weights: Float32Array
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
}

const MOST = 2 ** 31 - 1

/**
 * Throws where an example is none, or not one of a model's.
 * @throws RmaatError 'data' that names the example, with what was found and what would be right
 */
function checkExample(
  example: Example,
  where: string,
  { segments, segmentLength, vocabulary, classes }: BatchShape,
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
  const most = (vocabulary ?? MOST) - 1
  for (let i = 0; i < length; i++) {
    const id = tokens[i]
    if (typeof id !== 'number' || id >>> 0 !== id || id > most)
      takes(where, { [`token ${i}`]: id }, { [`token ${i}`]: wholeFrom(0, most) }, 'data')
  }
}

const aSequence = kind(
  'a list of token ids',
  (value) => typeof value === 'object' && value !== null && 'length' in value && typeof value.length === 'number',
)

const aList = kind('a list of examples', Array.isArray)
const shapeKinds = {
  segments: aCount,
  segmentLength: aCount,
  batch: aCount,
  vocabulary: maybe(aCount),
  classes: maybe(aCount),
}

/**
 * Lays examples out as one batch. Sequences end where their last segment ends and padding comes first, so that the last
 * segment always holds the end. Rows beyond the examples are filler: label 0, weight 0, and one valid token (id 0) at the
 * end of the last segment, so that no row is without a token.
 * @throws RmaatError 'data' for no examples, for more than the batch holds, and for one that is empty, longer than T x S, or
 * has a label or a token id that is none
 */
export function batchOf(examples: readonly Example[], shape: BatchShape): Batch {
  takes('batchOf', { examples, shape }, { examples: aList, shape: anObject })
  takes('batchOf', shape, shapeKinds, 'config')
  const { segments, segmentLength, batch } = shape
  if (examples.length === 0 || examples.length > batch) {
    throw new RmaatError('data', `a batch of ${batch} rows takes 1 to ${batch} examples, not ${examples.length}`)
  }
  const length = segments * segmentLength
  const tokens = new Int32Array(batch * length)
  const valid = new Int32Array(batch * length)
  const labels = new Int32Array(batch)
  const weights = new Float32Array(batch)
  let validTokens = 0
  for (let row = 0; row < batch; row++) {
    const end = (row + 1) * length
    if (row >= examples.length) {
      valid[end - 1] = 1
      continue
    }
    const example = examples[row]
    checkExample(example, `example ${row} of the batch`, shape)
    const count = example.tokens.length
    tokens.set(example.tokens, end - count)
    valid.fill(1, end - count, end)
    labels[row] = example.label
    weights[row] = 1
    validTokens += count
  }
  return { tokens, valid, labels, weights, validTokens }
}

/** A task's `show`, which checks what it is given. */
export const showing =
  (write: Task['show']): Task['show'] =>
  (tokens) => {
    takes('show', { tokens }, { tokens: kind('a list of token ids', isSequence) })
    return write(tokens)
  }

const isSequence = (value: unknown): boolean =>
  aSequence.fits(value) && Array.from(value as ArrayLike<unknown>).every((id) => typeof id === 'number')

/**
 * The most frequent class (of equally frequent ones the first) and its share: the accuracy of always answering it,
 * to stand beside any score.
 */
export function majority(
  examples: Iterable<Pick<Example, 'label'>>,
  classes: number,
): { label: number; share: number } {
  const counts = new Array<number>(classes).fill(0)
  let total = 0
  for (const { label } of examples) {
    counts[label]++
    total++
  }
  const label = counts.indexOf(Math.max(...counts))
  return { label, share: counts[label] / Math.max(1, total) }
}

/** The next `count` examples of a stream. */
export function take(stream: Generator<Example, never>, count: number): Example[] {
  return Array.from({ length: count }, () => stream.next().value)
}

/** How many examples of files there are for what. */
export const countsInWords = (training: number, validation: number, test: number): string =>
  `${training} rows to train on, ${validation} held out for validation, ${test} to test with`

/** Those numbered `start` to `end` of a stream, which is made anew whenever they are gone over. */
export function made(stream: () => Generator<Example, never>, end: number, start = 0): Examples {
  return {
    length: end - start,
    slice: (from, to) => made(stream, start + Math.min(to, end - start), start + Math.min(from, to, end - start)),
    *[Symbol.iterator]() {
      const examples = stream()
      for (let at = 0; at < end; at++) {
        const { value } = examples.next()
        if (at >= start) yield value
      }
    },
  }
}

/** Examples in groups of `size`, the last one smaller. */
export function* groups(examples: Iterable<Example>, size: number): Generator<Example[], void> {
  let group: Example[] = []
  for (const example of examples) {
    group.push(example)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

/** All examples in a random order, then all of them again in another, without end. */
export function* epochs(examples: readonly Example[], seed: number): Generator<Example, never> {
  const random = new Random(seed, STREAM.shuffle)
  const order = Uint32Array.from(examples.keys())
  for (;;) for (const index of random.shuffle(order)) yield examples[index]
}
