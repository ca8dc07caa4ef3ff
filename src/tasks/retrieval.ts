import { RmaatError } from '../errors.ts'
import { asItIsOrPacked, isFolder, listFolder, readLines } from '../runtime/files.ts'
import { about, checkRoom, type SettingsOf, segmentSettings, settingsOf, whole, wordOf, written } from './settings.ts'
import { countsInWords, type Example, epochs, showing, type Task, textOf } from './task.ts'

/** How many texts a model reads each for itself, by the protocol. */
export const towersOf = { 'one-stream': 1, 'two-tower': 2 } as const

/** What there is to know of it. */
export const retrievalAbout = about({
  source:
    'new_aan_pairs.train.tsv, .eval.tsv and .test.tsv of Long Range Arena, each as it is or as .gz (lra_release.gz of ' +
    'github.com/google-research/long-range-arena, whose texts are those of the ACL Anthology Network, aan.how)',
  sizes: '147,086 pairs to train on, 18,090 for validation, 17,437 to test with',
  chance: 1 / 2,
  bag: 0.5,
  licence: 'of the texts: CC BY 4.0 or older terms of the ACL Anthology; for research',
  settings: {
    path: written('path', 'folder with the three files'),
    protocol: wordOf(
      Object.keys(towersOf) as (keyof typeof towersOf)[],
      'how the two are read: one-stream, in one sequence, or two-tower, each for itself by the same weights',
      'one-stream',
    ),
    ...segmentSettings(16, 512),
    length: whole(
      [1, 2 ** 30],
      'bytes kept of a document, from its beginning (half of T x S, in two towers all of it, but at most 4,000)',
    ),
  },
})

export type RetrievalSettings = SettingsOf<typeof retrievalAbout.settings>

/** Parts two documents in a sequence. */
const SEPARATOR = 257
const SPLITS = ['train', 'eval', 'test'] as const

/**
 * Retrieval: does one document cite the other? Both stand in one sequence, byte after byte, with a separator between, whose
 * place is the example's `split`: there models of two towers part them. id = byte + 1, the separator is 257, 0 pads. Label 1: it does.
 * @throws RmaatError 'config' for settings, 'data' for files, with file and line
 */
export async function retrieval(options: Partial<RetrievalSettings> & { path: string }): Promise<Task> {
  const settings = settingsOf('retrieval', retrievalAbout.settings, options)
  const { path, segments, segmentLength, protocol } = settings
  const towers = towersOf[protocol]
  const room = segments * segmentLength
  const length = settings.length ?? Math.max(1, Math.min(4000, towers === 2 ? room : Math.floor((room - 1) / 2)))
  if (towers === 2) checkRoom('retrieval', settings, length, 'the longest document')
  else checkRoom('retrieval', settings, 2 * length + 1, 'the longest pair')
  if (path === undefined) throw new RmaatError('config', 'retrieval: path is missing; it must name a folder')
  const texts = new Map<string, Uint8Array>()
  const parts: PairExample[][] = []
  for (const file of await filesOf(path)) parts.push(await readPairs(file, length, texts))
  const [training, validation, test] = parts
  return {
    name: 'retrieval',
    description: `say whether one of two documents cites the other, from their first ${length} bytes`,
    vocabulary: SEPARATOR + 1,
    classes: 2,
    classNames: ['no', 'yes'],
    segments,
    segmentLength,
    towers,
    train: (seed) => epochs(training, seed),
    validation,
    test,
    notes: [countsInWords(training.length, validation.length, test.length), `${texts.size} documents`],
    show: showing((tokens) => {
      const split = Array.from(tokens).indexOf(SEPARATOR)
      const of = (from: number, to: number) => textOf(Array.from(tokens).slice(from, to))
      return split === -1 ? textOf(tokens) : `${of(0, split)}\n---\n${of(split + 1, tokens.length)}`
    }),
  }
}

async function filesOf(path: string): Promise<string[]> {
  const names = (await isFolder(path)) ? await listFolder(path) : []
  const wanted = SPLITS.map((split) => `new_aan_pairs.${split}.tsv`)
  const found = wanted.map((name) => asItIsOrPacked(names, name))
  const missing = wanted.filter((_, i) => found[i] === undefined)
  if (missing.length === 0) return found.map((name) => `${path}/${name}`)
  const source = 'They come with lra_release.gz of github.com/google-research/long-range-arena'
  throw new RmaatError(
    'data',
    `${path}: expected a folder with ${wanted.join(', ')}, each as it is or as .gz; there is no ${missing.join(', no ')}. ${source}`,
  )
}

/** Two documents, which many pairs share, and whether one cites the other. */
class PairExample implements Example {
  readonly label: number
  private readonly first: Uint8Array
  private readonly second: Uint8Array

  constructor(first: Uint8Array, second: Uint8Array, label: number) {
    this.first = first
    this.second = second
    this.label = label
  }

  /** Where the separator stands: the first document is before it, the second one after it. */
  get split(): number {
    return this.first.length
  }

  /** Made when they are asked for: a document is kept once, however many pairs it is in. */
  get tokens(): Uint16Array {
    const tokens = new Uint16Array(this.first.length + 1 + this.second.length)
    tokens.set(this.first)
    tokens.set(this.second, this.first.length + 1)
    for (let place = 0; place < tokens.length; place++) tokens[place]++
    tokens[this.first.length] = SEPARATOR
    return tokens
  }
}

const COLUMNS = ['a label', 'an id', 'an id', 'a text', 'a text']

/** The pairs of a file, line by line: the published ones are of several gigabytes. */
async function readPairs(path: string, length: number, texts: Map<string, Uint8Array>): Promise<PairExample[]> {
  const pairs: PairExample[] = []
  /** A document that is there already, if it is the same. */
  const kept = (id: string, bytes: Uint8Array): Uint8Array => {
    const text = bytes.subarray(0, length)
    const known = texts.get(id)
    if (known && known.length === text.length && known.every((byte, i) => byte === text[i])) return known
    const own = text.slice()
    texts.set(id, own)
    return own
  }
  let count = 0
  let blank = 0
  for await (const line of readLines(path)) {
    count++
    if (line.length === 0) {
      blank = blank || count
      continue
    }
    const where = `${path}, line ${blank || count}`
    const columns = columnsOf(blank ? new Uint8Array() : line)
    const fail = (found: string) =>
      new RmaatError('data', `${where}: expected ${COLUMNS.join(', ')} with tabs between; found ${found}`)
    if (columns.length !== COLUMNS.length) throw fail(`${columns.length} columns`)
    const [label, first, second] = columns.slice(0, 3).map((bytes) => new TextDecoder().decode(bytes))
    if (!/^[01](\.0*)?$/.test(label)) throw fail(`${JSON.stringify(label.slice(0, 20))}, which is no label 0 or 1`)
    const empty = columns.findIndex((bytes) => bytes.length === 0)
    if (empty !== -1) throw fail(`nothing in column ${empty + 1}`)
    pairs.push(new PairExample(kept(first, columns[3]), kept(second, columns[4]), Number.parseInt(label, 10)))
  }
  if (pairs.length === 0) throw new RmaatError('data', `${path}: expected lines of pairs, found nothing`)
  return pairs
}

const TAB = 9

function columnsOf(line: Uint8Array): Uint8Array[] {
  const columns: Uint8Array[] = []
  let start = 0
  for (let tab = line.indexOf(TAB); tab !== -1; tab = line.indexOf(TAB, start)) {
    columns.push(line.subarray(start, tab))
    start = tab + 1
  }
  return [...columns, line.subarray(start)]
}
