import { anObject } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { exists, pack, readBytes, writeFileAtomically } from '../runtime/files.ts'
import { DRAWINGS, type Side } from './pathfinder-drawings.ts'
import { readPathfinder } from './pathfinder-files.ts'
import { Painter } from './pathfinder-generator.ts'
import { PixelExample, showPixels } from './pixels.ts'
import { Random, STREAM } from './random.ts'
import {
  about,
  checkRoom,
  choice,
  type SettingsOf,
  seedSetting,
  settingsOf,
  toggle,
  trainExamplesSetting,
  whole,
  written,
} from './settings.ts'
import { countsInWords, type Example, epochs, heldOut, showing, type Task } from './task.ts'

const SIDES = Object.keys(DRAWINGS).map(Number) as Side[]

/** What there is to know of it. */
export const pathfinderAbout = about({
  source:
    'made here by the rule of Long Range Arena (hard level), or a folder of its files with metadata/ and imgs/, such as ' +
    'pathfinder32/curv_contour_length_14 (lra_release.gz of github.com/google-research/long-range-arena)',
  sizes:
    'generated: held out what the setting heldOut says; the files: 162,000 to train on, 18,000 for validation, 20,000 to test with',
  chance: 1 / 2,
  bag: 0.52,
  licence: 'generated: none needed; the generator of the files: MIT',
  settings: {
    path: written('path', 'folder with the published files; the settings below are of pictures made here'),
    segments: whole([1, 65536], 'T, segments that a sequence fits into (one for every four rows)'),
    segmentLength: whole([1, 65536], 'S, tokens in a segment (four rows)'),
    side: choice<Side>(SIDES, 'rows and columns of a picture', 32),
    rim: toggle('the fault at the rim that the published generator has: fewer snakes that distract', true),
    trainExamples: trainExamplesSetting,
    heldOut: whole([1, 1_000_000], 'pictures for validation, and as many to test with', 2000),
    cache: written('path', 'folder that keeps the pictures, which take some milliseconds each to draw (none are kept)'),
    seed: seedSetting,
  },
})
type Settings = SettingsOf<typeof pathfinderAbout.settings>
/** Those of files: they are as they are. */
const fileSettings = (({ path, segments, segmentLength }) => ({ path, segments, segmentLength }))(
  pathfinderAbout.settings,
)

/**
 * Pathfinder: do two dots lie on one dashed path? Pixels row after row; id = value + 1, 0 pads. Pictures are drawn when they
 * are asked for; where a folder keeps them, before anything else, ten thousand in a file (at a side of 32), with a checksum.
 * @param progress hears how many of how many pictures are there
 * @throws RmaatError 'config' for settings, 'data' for files
 */
export async function pathfinder(
  options: Partial<Settings> = {},
  progress?: (done: number, total: number) => void,
): Promise<Task> {
  const fromFiles = anObject.fits(options) && options.path !== undefined
  if (fromFiles) settingsOf('pathfinder from a folder', fileSettings, options)
  const settings = settingsOf('pathfinder', pathfinderAbout.settings, options)
  const { side, splits } = await (settings.path === undefined
    ? drawnSplits(settings, progress)
    : publishedSplits(settings.path))
  const sizes = {
    segments: settings.segments ?? Math.ceil(side / 4),
    segmentLength: settings.segmentLength ?? 4 * side,
  }
  checkRoom('pathfinder', sizes, side * side, `a picture of ${side} x ${side}`)
  return {
    name: 'pathfinder',
    description: `say whether two dots lie on one path, in pictures of ${side} x ${side}`,
    vocabulary: 257,
    classes: 2,
    classNames: ['apart', 'on one path'],
    ...sizes,
    ...splits,
    show: showing(showPixels(side)),
  }
}

interface Found {
  readonly side: number
  readonly splits: Pick<Task, 'train' | 'validation' | 'test' | 'notes'>
}

async function publishedSplits(path: string): Promise<Found> {
  const { side, examples, empty } = await readPathfinder(path)
  const [rest, test] = heldOut(examples, STREAM.test)
  const [training, validation] = heldOut(rest, STREAM.validation)
  const notes = [
    countsInWords(training.length, validation.length, test.length),
    ...(empty ? [`${empty} empty files are left out`] : []),
  ]
  return { side, splits: { train: (seed) => epochs(training, seed), validation, test, notes } }
}

async function drawnSplits(settings: Settings, progress?: (done: number, total: number) => void): Promise<Found> {
  const { side, rim, trainExamples, heldOut: held, cache, seed } = settings
  if (cache !== undefined && trainExamples === undefined)
    throw new RmaatError('config', 'pathfinder: a cache keeps pictures that are used again; it needs trainExamples')
  const painter = new Painter(side, rim)
  const total = (trainExamples ?? 0) + 2 * held
  let done = 0
  const part = async (name: 'train' | 'validation' | 'test', count: number): Promise<readonly Example[]> => {
    if (cache === undefined)
      return Array.from({ length: count }, (_, i) => new DrawnExample(painter, seed, STREAM[name], i))
    const examples: Example[] = []
    for (let first = 0; first < count; first += chunkOf(side)) {
      const size = Math.min(chunkOf(side), count - first)
      const chunk = { side, rim, seed, name, first, size }
      const report = (more: number) => progress?.(done + more, total)
      examples.push(...(await kept(cache, chunk, painter, report)))
      done += size
    }
    return examples
  }
  const [test, validation] = [await part('test', held), await part('validation', held)]
  const notes = [rim ? 'the rim as in the published generator' : 'the rim as it was meant']
  if (trainExamples !== undefined) {
    const training = await part('train', trainExamples)
    return { side, splits: { train: (seed) => epochs(training, seed), validation, test, notes } }
  }
  function* train(seed: number): Generator<Example, never> {
    for (let i = 0; ; i++) yield new DrawnExample(painter, seed, STREAM.train, i)
  }
  return { side, splits: { train, validation, test, notes } }
}

/** The random numbers of one picture, whatever others are drawn. */
const numbersOf = (seed: number, stream: number, index: number): Random =>
  new Random(seed, stream + Object.keys(STREAM).length * index)

/** A picture that is drawn when it is first asked for. */
class DrawnExample implements Example {
  readonly label: number
  private readonly draw: () => PixelExample
  private drawn: PixelExample | undefined

  constructor(painter: Painter, seed: number, stream: number, index: number) {
    this.label = numbersOf(seed, stream, index).integer(2)
    this.draw = () => {
      const random = numbersOf(seed, stream, index)
      const label = random.integer(2)
      return new PixelExample(painter.draw(random, label).pixels, label)
    }
  }

  get tokens(): Uint16Array {
    this.drawn ??= this.draw()
    return this.drawn.tokens
  }
}

/** Pictures of one file: about ten megabytes of pixels. */
const chunkOf = (side: number): number => Math.floor((10 * 1024 ** 2) / side ** 2)

interface Chunk {
  readonly side: Side
  readonly rim: boolean
  readonly seed: number
  readonly name: keyof typeof STREAM
  readonly first: number
  readonly size: number
}

/** To be raised with every change of what is drawn. */
const VERSION = 1

/** The pictures of a file; drawn and written, where there is none. It is a line that says what they are, labels, pixels. */
async function kept(
  folder: string,
  chunk: Chunk,
  painter: Painter,
  report: (done: number) => void,
): Promise<PixelExample[]> {
  const { side, rim, seed, name, first, size } = chunk
  const path = `${folder}/pathfinder-${side}${rim ? '' : '-no-rim'}-${seed}-${name}-${first}-${size}.gz`
  const head = new TextEncoder().encode(`pathfinder ${VERSION} ${JSON.stringify(chunk)}\n`)
  const length = head.length + size * (1 + side ** 2)
  let bytes: Uint8Array
  if (await exists(path)) {
    const anew = 'remove it, and its pictures are drawn anew'
    bytes = await readBytes(path).catch((cause) => {
      throw new RmaatError('data', `${cause.message}; ${anew}`, { cause })
    })
    if (bytes.length !== length || head.some((byte, i) => byte !== bytes[i]))
      throw new RmaatError('data', `${path}: expected the pictures that its name says, found something else; ${anew}`)
  } else {
    bytes = new Uint8Array(length)
    bytes.set(head)
    for (let i = 0; i < size; i++) {
      const random = numbersOf(seed, STREAM[name], first + i)
      const label = random.integer(2)
      bytes[head.length + i] = label
      bytes.set(painter.draw(random, label).pixels, head.length + size + i * side ** 2)
      if (i % 64 > 0) continue
      report(i)
      await new Promise((resolve) => setTimeout(resolve, 0)) // signals and timers get their turn
    }
    await writeFileAtomically(path, await pack(bytes))
  }
  report(size)
  return Array.from({ length: size }, (_, i) => {
    const start = head.length + size + i * side ** 2
    return new PixelExample(bytes.subarray(start, start + side ** 2), bytes[head.length + i])
  })
}
