import { RmaatError } from '../errors.ts'
import { asItIsOrPacked, isFolder, listFolder, readBytes } from '../runtime/files.ts'
import { PixelExample } from './pixels.ts'

/** Pictures of one size with their classes. */
export interface Pictures {
  readonly train: PixelExample[]
  readonly test: PixelExample[]
  readonly rows: number
  readonly columns: number
  readonly classNames: readonly string[]
}

const CIFAR = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']
const SIDE = 32
const PLANE = SIDE * SIDE
/** A label, and the red, green and blue of a picture. */
const RECORD = 1 + 3 * PLANE
const TRAIN_BATCHES = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`)
const TEST_BATCH = 'test_batch.bin'
const BATCHES = [...TRAIN_BATCHES, TEST_BATCH]
const SOURCES =
  'CIFAR-10 (cifar-10-binary.tar.gz of cs.toronto.edu/~kriz/cifar.html), or train- and t10k- or test- files of IDX (MNIST of ' +
  'storage.googleapis.com/cvdf-datasets/mnist)'

/**
 * Reads CIFAR-10's binary batches, from their folder or as they are packed, or four IDX files of a folder.
 * @throws RmaatError 'data' with file and place
 */
export async function readPictures(path: string): Promise<Pictures> {
  if (!(await isFolder(path))) return cifarOf(path, unpackTar(await tarBytes(path), path))
  const names = await listFolder(path)
  const inside = 'cifar-10-batches-bin'
  if (names.includes(inside)) return readPictures(`${path}/${inside}`)
  const packed = names.find((name) => /^cifar-10-binary\.tar(\.gz)?$/.test(name))
  const found = BATCHES.map((name) => asItIsOrPacked(names, name))
  if (found.some((name) => name !== undefined)) {
    const files = new Map<string, Uint8Array>()
    for (const [i, name] of found.entries()) if (name) files.set(BATCHES[i], await readBytes(`${path}/${name}`))
    return cifarOf(path, files)
  }
  if (packed) return readPictures(`${path}/${packed}`)
  return idxOf(path, names)
}

async function tarBytes(path: string): Promise<Uint8Array> {
  if (/\.tar(\.gz)?$|\.tgz$/i.test(path)) return readBytes(path)
  throw new RmaatError('data', `${path}: expected a folder or a .tar.gz file of pictures: ${SOURCES}`)
}

/** The files of CIFAR-10 by name, made pictures. */
function cifarOf(path: string, files: ReadonlyMap<string, Uint8Array>): Pictures {
  const missing = BATCHES.filter((name) => !files.has(name))
  if (missing.length > 0)
    throw new RmaatError(
      'data',
      `${path}: expected ${BATCHES.join(', ')}; there is no ${missing.join(', no ')}. They are in ${SOURCES}`,
    )
  const read = (name: string) => parseBatch(files.get(name) as Uint8Array, `${path}/${name}`)
  return { train: TRAIN_BATCHES.flatMap(read), test: read(TEST_BATCH), rows: SIDE, columns: SIDE, classNames: CIFAR }
}

/**
 * The pictures of a batch of CIFAR-10, made grey.
 * @throws RmaatError 'data' for one that is cut off and for a label that is none
 */
export function parseBatch(bytes: Uint8Array, where: string): PixelExample[] {
  const count = Math.floor(bytes.length / RECORD)
  if (count === 0 || bytes.length % RECORD !== 0) {
    const found = `found ${bytes.length}, which is ${count} records and ${bytes.length % RECORD} bytes`
    throw new RmaatError('data', `${where}: expected records of ${RECORD} bytes; ${found}`)
  }
  return Array.from({ length: count }, (_, i) => {
    const start = i * RECORD
    const label = bytes[start]
    if (label >= CIFAR.length)
      throw new RmaatError(
        'data',
        `${where}, byte ${start}: expected the label 0 to 9 of picture ${i + 1}, found ${label}`,
      )
    return new PixelExample(grey(bytes.subarray(start + 1, start + RECORD)), label)
  })
}

const { fround } = Math

/** Grey as TensorFlow's rgb_to_grayscale makes it of bytes, in single precision; the planes come one after another. */
function grey(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(PLANE)
  const one = fround(1 / 255)
  const weights = [0.2989, 0.587, 0.114].map(fround)
  for (let i = 0; i < PLANE; i++) {
    let sum = 0
    for (let channel = 0; channel < 3; channel++)
      sum = fround(sum + fround(fround(planes[channel * PLANE + i] * one) * weights[channel]))
    pixels[i] = Math.trunc(fround(sum * 255.5))
  }
  return pixels
}

/** The files in a tar archive by their names, without folders. */
function unpackTar(bytes: Uint8Array, where: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const text = (start: number, length: number): string =>
    new TextDecoder().decode(bytes.subarray(start, start + length)).replace(/\0[\s\S]*$/, '')
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim(), 8)
    if (!text(at + 257, 5).startsWith('ustar') || !Number.isSafeInteger(size))
      throw new RmaatError('data', `${where}: expected a header of a tar archive at byte ${at}`)
    const content = bytes.subarray(at + 512, at + 512 + size)
    if (content.length < size)
      throw new RmaatError(
        'data',
        `${where}: expected ${size} bytes of ${text(at, 100)}, but it ends after ${content.length}`,
      )
    files.set(text(at, 100).replace(/^.*\//, ''), content)
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

async function idxOf(path: string, names: readonly string[]): Promise<Pictures> {
  const find = (part: string, what: string): string | undefined =>
    asItIsOrPacked(names, `${part}-${what}`) ?? asItIsOrPacked(names, `${part}-${what.replace('-idx', '.idx')}`)
  const kinds = ['images-idx3-ubyte', 'labels-idx1-ubyte']
  const test = kinds.some((kind) => find('t10k', kind)) ? 't10k' : 'test'
  const wanted = ['train', test].flatMap((part) => kinds.map((kind) => [part, kind] as const))
  const missing = wanted.filter(([part, kind]) => find(part, kind) === undefined)
  if (missing.length > 0) {
    const all = missing.length === wanted.length
    const what = all
      ? `pictures, found ${names.slice(0, 5).join(', ') || 'nothing'}`
      : `also ${missing.map((one) => one.join('-')).join(', ')}`
    throw new RmaatError('data', `${path}: expected ${what}. There are ${SOURCES}`)
  }
  const parts: { images: Idx; labels: Idx; where: string }[] = []
  for (const part of ['train', test]) {
    const [images, labels] = kinds.map((kind) => `${path}/${find(part, kind)}`)
    parts.push({
      images: parseIdx(await readBytes(images), images, 3),
      labels: parseIdx(await readBytes(labels), labels, 1),
      where: labels,
    })
  }
  const [first, second] = parts.map(({ images }) => images.sizes.slice(1).join(' x '))
  if (first !== second)
    throw new RmaatError('data', `${path}: expected pictures of one size, found ${first} and ${second}`)
  const [, rows, columns] = parts[0].images.sizes
  const classes = 1 + parts[0].labels.data.reduce((a, b) => Math.max(a, b), 1)
  const [train, tested] = parts.map(({ images, labels, where }) => {
    const count = images.sizes[0]
    if (labels.data.length !== count)
      throw new RmaatError(
        'data',
        `${where}: expected ${count} labels, one for each picture, found ${labels.data.length}`,
      )
    return Array.from(labels.data, (label, i) => {
      if (label >= classes)
        throw new RmaatError(
          'data',
          `${where}, byte ${8 + i}: expected a label 0 to ${classes - 1}, as in training, found ${label}`,
        )
      return new PixelExample(images.data.subarray(i * rows * columns, (i + 1) * rows * columns), label)
    })
  })
  return { train, test: tested, rows, columns, classNames: Array.from({ length: classes }, (_, i) => String(i)) }
}

interface Idx {
  readonly sizes: readonly number[]
  readonly data: Uint8Array
}

/**
 * A file of IDX, the format of MNIST, that holds bytes: zeros, 8 for bytes and the number of axes; the axes' sizes; the data.
 * @throws RmaatError 'data' for one of another kind, or of another length than it says
 */
export function parseIdx(bytes: Uint8Array, where: string, axes: number): Idx {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const magic = 0x0800 + axes
  const found = bytes.length < 4 ? `only ${bytes.length} bytes` : `0x${view.getUint32(0).toString(16).padStart(8, '0')}`
  if (bytes.length < 4 || view.getUint32(0) !== magic)
    throw new RmaatError(
      'data',
      `${where}: expected the magic number 0x${magic.toString(16).padStart(8, '0')} of IDX, found ${found}`,
    )
  const start = 4 + 4 * axes
  const sizes = Array.from({ length: axes }, (_, axis) => (bytes.length < start ? 0 : view.getUint32(4 + 4 * axis)))
  const length = sizes.reduce((a, b) => a * b)
  if (bytes.length !== start + length || length === 0)
    throw new RmaatError(
      'data',
      `${where}: expected ${sizes.join(' x ')} bytes after the ${start} of its head, at least one; found ${bytes.length - start}`,
    )
  return { sizes, data: bytes.subarray(start) }
}
