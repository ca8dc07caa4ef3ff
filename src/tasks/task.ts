import { anObject, kind, takes, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { aSequence } from './batch.ts'
import { Random, STREAM } from './random.ts'

/** A sequence and its class. */
export interface Example {
  /** Token ids without padding, each 0..vocabulary-1; at least one. The tasks here leave id 0 to padding. */
  readonly tokens: ArrayLike<number>
  /** The class, 0..classes-1. Where `labels` are given it is the last of them that is asked for. */
  readonly label: number
  /** The class that is asked for at each token, 0..classes-1, or -1 where none is: for a model that answers everywhere. */
  readonly labels?: ArrayLike<number>
  /** Where two texts stand in one sequence: the place of the token that parts them. */
  readonly split?: number
}

/** Examples that are held out. Those of an array are there, others are made anew by each iteration. */
export interface Examples<Kind = Example> extends Iterable<Kind> {
  readonly length: number
  slice(start: number, end: number): Examples<Kind>
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
  /** Whether nothing but a model that answers at every token, a causal one, is of use to it. */
  readonly everywhere?: boolean
  /** Of how many texts an example is; 2 where each of two is to be read for itself, and the example says where they part. */
  readonly towers?: 1 | 2
  /** Held out of training, to choose settings by. */
  readonly validation: Examples
  /** Held out of training and of choices, to report. */
  readonly test: Examples
  /** What else people should know of the data, a line each. */
  readonly notes?: readonly string[]
  /** A sequence as a person would write it. */
  show(tokens: ArrayLike<number>): string
}

/**
 * Throws where a task has more token ids or classes than a model knows, or asks for what the model does not answer.
 * @throws RmaatError 'config'
 */
export function checkSizes(
  task: object,
  model: Pick<Task, 'vocabulary' | 'classes' | 'towers'> & { readonly causal?: boolean },
): void {
  takes('train', { task }, { task: anObject })
  const { name, vocabulary, classes, everywhere, towers = 1 } = task as Task
  if (towers !== (model.towers ?? 1))
    throw new RmaatError(
      'config',
      `train: the task ${name} has ${towers} texts in an example, the model reads ${model.towers ?? 1}; expected its setting towers to be ${towers}, or of retrieval the protocol one-stream`,
    )
  checkAnswers(name, everywhere, model.causal)
  const kinds = { vocabulary: wholeFrom(1, model.vocabulary), classes: wholeFrom(1, model.classes) }
  takes('train: the task, for this model', { vocabulary, classes }, kinds, 'config')
}

/** Throws where a task asks for a class at every token, and a model answers at the last one. @throws RmaatError 'config' */
export function checkAnswers(task: string, everywhere: unknown, causal: unknown): void {
  if (everywhere && !causal)
    throw new RmaatError(
      'config',
      `train: the task ${task} asks for a class at every token, but the model is not causal; expected the setting causal to be true, and a model that has it`,
    )
}

/** A task's `show`, which checks what it is given. */
export const showing =
  (write: Task['show']): Task['show'] =>
  (tokens) => {
    takes('show', { tokens }, { tokens: kind('a list of token ids', isSequence) })
    return write(tokens)
  }

/** Tokens that are bytes and one, as the text that the bytes are. */
export const textOf = showing((tokens) => new TextDecoder().decode(Uint8Array.from(tokens, (token) => token - 1)))

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

/** Examples without end. */
export type Stream<Kind = Example> = Generator<Kind, never>

/** The next `count` examples of a stream. */
export const take = <Kind>(stream: Stream<Kind>, count: number): Kind[] =>
  Array.from({ length: count }, (_, i) => given(stream.next(), i, count))

/** The same of a stream that may be awaited, as it comes from elsewhere. */
export async function takeAny<Kind>(stream: Generator<Kind> | AsyncGenerator<Kind>, count: number): Promise<Kind[]> {
  const examples: Kind[] = []
  for (let i = 0; i < count; i++) {
    const next = stream.next()
    examples.push(given(next instanceof Promise ? await next : next, i, count))
  }
  return examples
}

function given<Kind>({ value, done }: IteratorResult<Kind>, i: number, count: number): Kind {
  if (!done) return value
  throw new RmaatError('data', `the stream of examples has ended after ${i} of ${count}; expected one without end`)
}

/** How many examples of files there are for what. */
export const countsInWords = (training: number, validation: number, test: number): string =>
  `${training} rows to train on, ${validation} held out for validation, ${test} to test with`

/** The part of a list of so many from one number to below another: what there is of it. */
export const within = (from: number, to: number, length: number): readonly [from: number, to: number] => {
  const last = Math.max(0, Math.min(to, length))
  return [Math.max(0, Math.min(from, last)), last]
}

/** Those numbered `start` to `end` of a stream, which is made anew by each iteration. */
export function made(stream: () => Generator<Example, never>, end: number, start = 0): Examples {
  return {
    length: end - start,
    slice(from, to) {
      const [first, last] = within(from, to, end - start)
      return made(stream, start + last, start + first)
    },
    *[Symbol.iterator]() {
      const examples = stream()
      for (let at = 0; at < end; at++) {
        const { value } = examples.next()
        if (at >= start) yield value
      }
    },
  }
}

/** The same random order whenever it is asked for. */
export function shuffled<Item>(items: readonly Item[], stream: number): Item[] {
  const order = new Random(0, stream).shuffle(Uint32Array.from(items.keys()))
  return Array.from(order, (index) => items[index])
}

/** What is left, and a tenth that is drawn at random, always the same one. */
export function heldOut<Item>(items: readonly Item[], stream: number): [Item[], Item[]] {
  const mixed = shuffled(items, stream)
  const cut = items.length - Math.floor(items.length / 10)
  return [mixed.slice(0, cut), mixed.slice(cut)]
}

/** Examples in groups of `size`, the last one smaller. */
export function* groups<Kind>(examples: Iterable<Kind>, size: number): Generator<Kind[], void> {
  let group: Kind[] = []
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
