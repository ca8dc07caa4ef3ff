import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeFileAtomically } from '../../src/runtime/files.ts'
import { take, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

const files = suite<{ folder: string }>('pathfinder files', { folder: '' })
files.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-pathfinder-'))
})
files.after.each(({ folder }) => rm(folder, { recursive: true }))

const SIDE = 4
/** A picture whose pixels tell which it is. */
const pixelsOf = (number: number): Uint8Array =>
  Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i ? i * 16 : number))
const png = (number: number) => encode({ width: SIDE, height: SIDE, data: pixelsOf(number), channels: 1 })
const line = (folder: number, n: number, label: string | number) =>
  `imgs/${folder} sample_${n}.png ${n} ${label} 1.0 14 4 2 0.5 1 1\n`

/** Two files of metadata with 15 pictures each, the label odd where the number is. */
async function write(folder: string): Promise<void> {
  for (const part of [0, 1]) {
    let text = ''
    for (let i = 0; i < 15; i++) {
      const number = part * 15 + i
      text += line(part, i, number % 2)
      await writeFileAtomically(`${folder}/imgs/${part}/sample_${i}.png`, png(number))
    }
    await writeFileAtomically(`${folder}/metadata/${part}.npy`, text)
  }
}

files(
  'reads the published form: metadata as text, pictures beside it; empty pictures are left out',
  async ({ folder }) => {
    await write(folder)
    await writeFileAtomically(`${folder}/imgs/0/sample_3.png`, '')
    const task = await tasks.pathfinder({ path: folder })
    assert.equal([task.vocabulary, task.classes, task.segments, task.segmentLength], [257, 2, 1, 16])
    const count = 29 - task.validation.length - task.test.length
    assert.equal(task.notes, [
      `${count} rows to train on, ${task.validation.length} held out for validation, ${task.test.length} to test with`,
      '1 empty files are left out',
    ])
    const seen = new Set<number>()
    for (const { tokens, label } of [...take(task.train(0), count), ...task.validation, ...task.test]) {
      const number = tokens[0] - 1
      assert.equal(
        [...Array.from(tokens)],
        [...pixelsOf(number)].map((value) => value + 1),
      )
      assert.is(label, number % 2)
      seen.add(number)
    }
    assert.is(seen.size, 29)
    assert.not(seen.has(3))
  },
)

files('what is missing or wrong is an error with file and place', async ({ folder }) => {
  const open = () => tasks.pathfinder({ path: folder })
  await fails(
    'data',
    [/expected a level of Pathfinder, a folder with metadata\/ and imgs\/, found nothing; .*lra_release/],
    open,
  )
  await write(folder)
  const metadata = `${folder}/metadata/1.npy`
  const good = await readFile(metadata, 'utf8')
  const wrong = async (content: string | Uint8Array, message: string) => {
    await writeFileAtomically(metadata, content)
    await fails('data', `${metadata}${message}`, open)
    await writeFileAtomically(metadata, good)
  }
  await wrong('', ': expected a line for each picture, found nothing')
  await wrong(Buffer.from('\x93NUMPY\x01', 'latin1'), ": expected lines of text, found NumPy's own format")
  await wrong(
    `${good}imgs/1 sample_9.png 9\n`,
    ', line 16: expected imgs/K sample_N.png N LABEL ..., found "imgs/1 sample_9.png 9"',
  )
  await wrong(
    `${good}../1 sample_9.png 9 1\n`,
    ', line 16: expected imgs/K sample_N.png N LABEL ..., found "../1 sample_9.png 9 1"',
  )
  await wrong(line(1, 0, 2), ', line 1: expected the label 0 or 1 in column 4, found "2"')
  await wrong(line(1, 99, 1), `, line 1: ${folder}/imgs/1/sample_99.png: expected a file to read, but there is nothing`)
  const picture = `${folder}/imgs/1/sample_5.png`
  const spoilt = async (content: Uint8Array, message: RegExp) => {
    await writeFileAtomically(picture, content)
    await fails('data', [/^.*imgs\/1\/sample_5\.png: expected /, message], open)
    await writeFileAtomically(picture, png(20))
  }
  await spoilt(png(20).slice(0, 40), /a PNG picture, but /)
  await spoilt(Buffer.from('GIF89a'), /a PNG picture, but /)
  const flipped = png(20)
  flipped[flipped.length - 20] ^= 1
  await spoilt(flipped, /a PNG picture, but /)
  await spoilt(
    encode({ width: 4, height: 4, data: new Uint8Array(48), channels: 3 }),
    /grey of 8 bits, 4 x 4; found 4 x 4 with 3 channels of 8 bits/,
  )
  await spoilt(
    encode({ width: 5, height: 4, data: new Uint8Array(20), channels: 1 }),
    /4 x 4; found 5 x 4 with 1 channels/,
  )
  await open()
})

files('a folder keeps what is drawn: the same pictures, read again; damage is an error', async ({ folder }) => {
  const options = { heldOut: 3, trainExamples: 5, seed: 4 }
  const cache = `${folder}/kept/pictures`
  const heard: [number, number][] = []
  const open = (given: object = {}) => tasks.pathfinder({ ...options, cache, ...given }, (...args) => heard.push(args))
  const tokensOf = (task: Awaited<ReturnType<typeof open>>) =>
    [...take(task.train(0), 5), ...task.validation, ...task.test].map(
      ({ tokens, label }) => `${label} ${[...Array.from(tokens)]}`,
    )
  const drawn = tokensOf(await tasks.pathfinder(options))
  assert.equal(tokensOf(await open()), drawn)
  assert.equal(heard.at(-1), [11, 11])
  const names = (await readdir(cache)).sort()
  assert.equal(
    names,
    ['test-0-3', 'train-0-5', 'validation-0-3'].map((name) => `pathfinder-32-4-${name}.gz`),
  )
  const path = `${cache}/${names[1]}`
  const bytes = await readFile(path)
  assert.equal(tokensOf(await open()), drawn)
  assert.not.equal(tokensOf(await open({ rim: false })), drawn)
  assert.is((await readdir(cache)).length, 6)
  const damaged = Uint8Array.from(bytes)
  damaged[damaged.length - 6] ^= 1 // of the checksum
  await writeFileAtomically(path, damaged)
  await fails('data', [/expected a whole gzip file/, /remove it, and its pictures are drawn anew$/], open)
  await writeFileAtomically(path, await readFile(`${cache}/${names[0]}`))
  await fails(
    'data',
    `${path}: expected the pictures that its name says, found something else; remove it, and its pictures are drawn anew`,
    open,
  )
  await rm(path)
  assert.equal(tokensOf(await open()), drawn)
})

files.run()
