import { RmaatError } from '../errors.ts'
import { readBytes } from '../runtime/files.ts'
import { Random, STREAM } from './random.ts'
import { about, type SettingsOf, segmentSettings, settingsOf, written } from './settings.ts'
import { type Example, type Examples, type Task, textOf, within } from './task.ts'
import { tokensOf } from './text-files.ts'

/** What there is to know of it. */
export const bytesAbout = about({
  source: 'any file, as it is or as .gz; for figures to compare with, such as enwik8 of mattmahoney.net/dc/textdata',
  sizes: 'the first 90 % of the file to train on, 5 % for validation, 5 % to test with',
  chance: 1 / 256,
  bag: undefined, // the label of a token is the next one
  licence: 'that of the file',
  everywhere: true,
  settings: { path: written('path', 'file to read'), ...segmentSettings(8, 128) },
})

/**
 * Language modelling byte by byte: each token asks for the byte after it, and the label is the byte after the last. Training
 * examples are T x S bytes from any place of the first 90 % of the file; validation and test go over 5 % each, in their
 * order, so that every byte but the first of a part is asked for once. id = byte + 1, 0 pads; class = byte.
 * @throws RmaatError 'config' for settings, 'data' for a file that is missing or too short
 */
export async function bytes(
  options: Partial<SettingsOf<typeof bytesAbout.settings>> & { path: string },
): Promise<Task> {
  const settings = settingsOf('bytes', bytesAbout.settings, options)
  const { path, segments, segmentLength } = settings
  if (path === undefined) throw new RmaatError('config', 'bytes: path is missing; it must name a file')
  const content = await readBytes(path)
  const length = segments * segmentLength
  const cuts = [0.9, 0.95].map((share) => Math.floor(content.length * share))
  const training = content.subarray(0, cuts[0])
  const held = content.subarray(cuts[0], cuts[1])
  const tested = content.subarray(cuts[1])
  if (training.length <= length || held.length < 2) {
    const least = Math.max(Math.ceil((length + 1) / 0.9), 40)
    throw new RmaatError(
      'data',
      `${path}: expected at least ${least} bytes for sequences of ${length} and parts to hold out, found ${content.length}`,
    )
  }
  function* train(seed: number): Generator<Example, never> {
    const random = new Random(seed, STREAM.train)
    for (;;) yield exampleOf(training, random.integer(training.length - length), length)
  }
  const counts = `${training.length} bytes to train on, ${held.length} held out for validation, ${tested.length} to test with`
  const unigram = bitsOf(training, tested).toFixed(3)
  return {
    name: 'bytes',
    description: 'say which byte follows, at every byte',
    vocabulary: 257,
    classes: 256,
    segments,
    segmentLength,
    everywhere: true,
    train,
    validation: windows(held, length),
    test: windows(tested, length),
    notes: [counts, `bits per byte of all of these: 8 by chance, ${unigram} by how frequent bytes are in training`],
    show: textOf,
  }
}

/** Bytes from a place on, and what follows each. */
function exampleOf(content: Uint8Array, start: number, length: number): Example {
  const labels = Int16Array.from(content.subarray(start + 1, start + length + 1))
  return { tokens: tokensOf(content.subarray(start, start + labels.length)), labels, label: labels[labels.length - 1] }
}

/** A part of a file in pieces, the last one shorter, made when they are gone over. */
function windows(
  content: Uint8Array,
  length: number,
  from = 0,
  to = Math.ceil((content.length - 1) / length),
): Examples {
  return {
    length: to - from,
    slice(start, end) {
      const [first, last] = within(start, end, to - from)
      return windows(content, length, from + first, from + last)
    },
    *[Symbol.iterator]() {
      for (let at = from; at < to; at++) yield exampleOf(content, at * length, length)
    },
  }
}

/** Bits for each byte after the first of `tested`, told by how frequent it is in `training`, each counted once more than it occurs. */
function bitsOf(training: Uint8Array, tested: Uint8Array): number {
  const counts = new Float64Array(256).fill(1)
  for (const byte of training) counts[byte]++
  const bits = counts.map((count) => Math.log2((training.length + 256) / count))
  return tested.subarray(1).reduce((sum, byte) => sum + bits[byte], 0) / (tested.length - 1)
}
