import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeFileAtomically } from '../../src/runtime/files.ts'
import { parseBatch } from '../../src/tasks/image-files.ts'
import { type Task, take, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

const image = suite<{ folder: string }>('image', { folder: '' })
image.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-image-'))
})
image.after.each(({ folder }) => rm(folder, { recursive: true }))

const RECORD = 3073
/** Records whose pictures are of one shade, `first` and more; the label is its last digit. */
const batch = (first: number, count: number): Uint8Array => {
  const bytes = new Uint8Array(count * RECORD)
  for (let i = 0; i < count; i++) {
    bytes.fill(first + i, i * RECORD, (i + 1) * RECORD)
    bytes[i * RECORD] = (first + i) % 10
  }
  return bytes
}
const names = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`)
const writeBatches = async (folder: string) => {
  for (const [i, name] of names.entries()) await writeFileAtomically(`${folder}/${name}`, batch(i * 5, 5))
  await writeFileAtomically(`${folder}/test_batch.bin`, batch(100, 4))
}

/** A file of a tar archive. */
function entry(name: string, content: Uint8Array): Uint8Array {
  const head = Buffer.alloc(512)
  head.write(name, 0)
  head.write(`${content.length.toString(8).padStart(11, '0')} `, 124)
  head.write('ustar', 257)
  return Buffer.concat([head, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

const shades = (examples: Iterable<{ tokens: ArrayLike<number>; label: number }>) =>
  [...examples]
    .map(({ tokens, label }) => {
      assert.is(new Set(Array.from(tokens)).size, 1)
      assert.is(label, (tokens[0] - 1) % 10)
      return tokens[0] - 1
    })
    .sort((a, b) => a - b)

function checkCifar(task: Task): void {
  assert.equal([task.vocabulary, task.classes, task.segments * task.segmentLength], [257, 10, 1024])
  assert.is(task.classNames![9], 'truck')
  assert.equal(shades(task.test), [100, 101, 102, 103])
  const training = take(task.train(0), 23)
  assert.is(task.validation.length, 2)
  assert.equal(
    shades([...training, ...task.validation]),
    Array.from({ length: 25 }, (_, i) => i),
  )
  assert.is(training[0].tokens.length, 1024)
}

image(
  'CIFAR-10 from its folder, from one above it, packed file by file, and as it is published',
  async ({ folder }) => {
    await writeBatches(`${folder}/cifar-10-batches-bin`)
    checkCifar(await tasks.image({ path: `${folder}/cifar-10-batches-bin` }))
    checkCifar(await tasks.image({ path: folder }))
    const bytes = new Map([
      ...names.map((name, i) => [name, batch(i * 5, 5)] as const),
      ['test_batch.bin', batch(100, 4)],
    ])
    const text = entry('cifar-10-batches-bin/readme.html', Buffer.from('not read'))
    const tar = Buffer.concat([
      entry('cifar-10-batches-bin/', new Uint8Array()),
      text,
      ...[...bytes].map(([name, content]) => entry(`cifar-10-batches-bin/${name}`, content)),
      Buffer.alloc(1024),
    ])
    const path = `${folder}/packed/cifar-10-binary.tar.gz`
    await writeFileAtomically(path, Buffer.concat([gzipSync(tar.subarray(0, 9000)), gzipSync(tar.subarray(9000))]))
    checkCifar(await tasks.image({ path }))
    checkCifar(await tasks.image({ path: `${folder}/packed` }))
    for (const [name, content] of bytes) await writeFileAtomically(`${folder}/each/${name}.gz`, gzipSync(content))
    checkCifar(await tasks.image({ path: `${folder}/each` }))
    await writeFileAtomically(path, gzipSync(tar.subarray(0, 20_000)))
    await fails(
      'data',
      [/cifar-10-binary\.tar\.gz: expected 15365 bytes of .*data_batch_2\.bin, but it ends after /],
      () => tasks.image({ path }),
    )
    await writeFileAtomically(path, gzipSync(tar.subarray(5)))
    await fails('data', `${path}: expected a header of a tar archive at byte 0`, () => tasks.image({ path }))
  },
)

image('grey is what the benchmark makes of colours', () => {
  const bytes = new Uint8Array(RECORD)
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [10, 200, 30],
    [255, 255, 255],
  ]
  colours.forEach((colour, i) => {
    colour.forEach((value, channel) => {
      bytes[1 + channel * 1024 + i] = value
    })
  })
  // 255.5 (0.2989 r + 0.587 g + 0.114 b) / 255, cut
  const [{ tokens }] = parseBatch(bytes, 'a.bin')
  assert.equal(
    [...tokens.slice(0, 6)].map((token) => token - 1),
    [76, 149, 29, 124, 255, 0],
  )
})

image('a batch that is cut off, and a label that is none, are errors with file and place', async ({ folder }) => {
  await writeBatches(folder)
  const path = `${folder}/data_batch_3.bin`
  const open = () => tasks.image({ path: folder })
  await writeFileAtomically(path, batch(10, 5).subarray(0, 7000))
  await fails('data', `${path}: expected records of 3073 bytes; found 7000, which is 2 records and 854 bytes`, open)
  await writeFileAtomically(path, '')
  await fails('data', `${path}: expected records of 3073 bytes; found 0, which is 0 records and 0 bytes`, open)
  const wrong = batch(10, 5)
  wrong[2 * RECORD] = 10
  await writeFileAtomically(path, wrong)
  await fails('data', `${path}, byte 6146: expected the label 0 to 9 of picture 3, found 10`, open)
  await rm(path)
  await fails(
    'data',
    [/there is no data_batch_3\.bin\. They are in CIFAR-10 \(cifar-10-binary\.tar\.gz of cs\.toronto/],
    open,
  )
})

/** A file of IDX. */
function idx(magic: number, sizes: number[], data: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(4 + 4 * sizes.length))
  head.setUint32(0, magic)
  for (const [axis, size] of sizes.entries()) head.setUint32(4 + 4 * axis, size)
  return Buffer.concat([new Uint8Array(head.buffer), data])
}
const pictures = (first: number, count: number, columns = 3) =>
  idx(
    0x803,
    [count, 2, columns],
    Uint8Array.from({ length: count * 2 * columns }, (_, at) => first + Math.floor(at / 2 / columns)),
  )
const labels = (first: number, count: number) =>
  idx(
    0x801,
    [count],
    Uint8Array.from({ length: count }, (_, i) => (first + i) % 10),
  )

async function writeIdx(folder: string, test: string, suffix = ''): Promise<void> {
  const pack = (bytes: Uint8Array) => (suffix ? gzipSync(bytes) : bytes)
  await writeFileAtomically(`${folder}/train-images-idx3-ubyte${suffix}`, pack(pictures(0, 30)))
  await writeFileAtomically(`${folder}/train-labels-idx1-ubyte${suffix}`, pack(labels(0, 30)))
  await writeFileAtomically(`${folder}/${test}-images-idx3-ubyte${suffix}`, pack(pictures(100, 7)))
  await writeFileAtomically(`${folder}/${test}-labels-idx1-ubyte${suffix}`, pack(labels(100, 7)))
}

image('IDX files of any size, packed or not, whatever the test files are called', async ({ folder }) => {
  for (const [test, suffix] of [
    ['t10k', ''],
    ['test', '.gz'],
  ]) {
    const path = `${folder}/${test}`
    await writeIdx(path, test, suffix)
    const task = await tasks.image({ path, segments: 2, segmentLength: 3 })
    assert.equal([task.classes, task.validation.length, task.test.length], [10, 3, 7])
    assert.equal(shades(task.test), [100, 101, 102, 103, 104, 105, 106])
    assert.equal(
      shades([...take(task.train(0), 27), ...task.validation]),
      Array.from({ length: 30 }, (_, i) => i),
    )
    assert.is(task.show([1, 154, 256, 0, 1, 1]), ' +@\n_  ')
    await fails('config', 'image: a picture of 2 x 3 has 6 tokens, but 1 segments of 5 hold 5', () =>
      tasks.image({ path, segments: 1, segmentLength: 5 }),
    )
  }
})

image('IDX files of another kind, length or number are errors with file and place', async ({ folder }) => {
  await writeIdx(folder, 't10k')
  const open = () => tasks.image({ path: folder })
  const wrong = async (name: string, content: Uint8Array, right: Uint8Array, message: string) => {
    await writeFileAtomically(`${folder}/${name}`, content)
    await fails('data', `${folder}/${name}${message}`, open)
    await writeFileAtomically(`${folder}/${name}`, right)
  }
  const [images, classes] = ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte']
  await wrong(images, labels(0, 7), pictures(100, 7), ': expected the magic number 0x00000803 of IDX, found 0x00000801')
  await wrong(
    images,
    new Uint8Array(3),
    pictures(100, 7),
    ': expected the magic number 0x00000803 of IDX, found only 3 bytes',
  )
  await wrong(
    images,
    pictures(100, 7).subarray(0, 50),
    pictures(100, 7),
    ': expected 7 x 2 x 3 bytes after the 16 of its head, at least one; found 34',
  )
  await wrong(classes, labels(0, 6), labels(100, 7), ': expected 7 labels, one for each picture, found 6')
  const far = labels(100, 7)
  far[8 + 2] = 200
  await wrong(classes, far, labels(100, 7), ', byte 10: expected a label 0 to 9, as in training, found 200')
  await writeFileAtomically(`${folder}/${images}`, pictures(100, 7, 4))
  await fails('data', `${folder}: expected pictures of one size, found 2 x 3 and 2 x 4`, open)
  await rm(`${folder}/${classes}`)
  await fails('data', [/expected also t10k-labels-idx1-ubyte\. There are CIFAR-10/], open)
})

image('what holds no pictures is an error that says where there are some', async ({ folder }) => {
  await fails('data', `${folder}/none: expected a file or folder, but there is nothing`, () =>
    tasks.image({ path: `${folder}/none` }),
  )
  await mkdir(`${folder}/empty`)
  await fails('data', [/expected pictures, found nothing\. There are CIFAR-10 .*MNIST of storage\.googleapis/], () =>
    tasks.image({ path: `${folder}/empty` }),
  )
  await writeFileAtomically(`${folder}/a.zip`, 'zip')
  await fails('data', [/a\.zip: expected a folder or a \.tar\.gz file of pictures: CIFAR-10/], () =>
    tasks.image({ path: `${folder}/a.zip` }),
  )
  await fails('config', 'image: path is missing; it must name a folder, or a .tar.gz file', () =>
    tasks.image({} as { path: string }),
  )
})

image.run()
