import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  exists,
  isFolder,
  listFolder,
  readBytes,
  readText,
  withoutMark,
  writeFileAtomically,
} from '../../src/runtime/files.ts'
import { fails } from '../support/fails.ts'

const files = suite<{ folder: string }>('files', { folder: '' })
files.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-files-'))
})
files.after.each(({ folder }) => rm(folder, { recursive: true }))

files('writes, makes folders on the way, and leaves nothing beside', async ({ folder }) => {
  const path = `${folder}/runs/first/a.txt`
  await writeFileAtomically(path, 'née\n')
  assert.is(await readText(path), 'née\n')
  await writeFileAtomically(path, Uint8Array.of(1, 2, 255))
  assert.equal([...(await readBytes(path))], [1, 2, 255])
  assert.equal(await readdir(`${folder}/runs/first`), ['a.txt'])
})

const [one, two, empty] = ['one\n', 'two\n', ''].map((text) => gzipSync(text))
const zeros = Buffer.alloc(100_000)

files(
  'unpacks gzip: several members, empty ones, zeros at the end, whatever the case of its name',
  async ({ folder }) => {
    const unpacked = async (...parts: Uint8Array[]) => {
      await writeFileAtomically(`${folder}/a.GZ`, Buffer.concat(parts))
      return readText(`${folder}/a.GZ`)
    }
    assert.is(await unpacked(one, two), 'one\ntwo\n')
    assert.is(await unpacked(empty, one, empty, two, empty), 'one\ntwo\n')
    assert.is(await unpacked(one, two, zeros), 'one\ntwo\n')
    assert.is(await unpacked(empty), '')
    const lines = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`)
    assert.is(await unpacked(...lines.map((line) => gzipSync(line))), lines.join(''))
  },
)

files('refuses gzip of which a part is missing or wrong, in any member', async ({ folder }) => {
  const path = `${folder}/a.gz`
  const wrong = Buffer.from(two)
  wrong[wrong.length - 8] ^= 1 // of its checksum
  const refuses = async (message: RegExp, ...parts: Uint8Array[]) => {
    await writeFileAtomically(path, Buffer.concat(parts))
    await fails('data', message, () => readBytes(path))
  }
  const whole = /a\.gz: expected a whole gzip file, but its \d+ bytes do not unpack: \w/
  await refuses(whole)
  await refuses(whole, Buffer.from('text'))
  await refuses(whole, wrong)
  await refuses(whole, one, wrong)
  await refuses(whole, one, Buffer.from('text'))
  for (const cut of [1, 5, 9, 12, 20]) await refuses(whole, one, two.subarray(0, cut))
  await refuses(/zeros come before the byte at 100024, where they may only end it$/, one, zeros, two)
})

files('reads UTF-16 behind its mark, and UTF-8 with or without one', async ({ folder }) => {
  const path = `${folder}/a.txt`
  const text = '1\tnée €\n'
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le')
  const utf8 = [...Buffer.from(text)]
  for (const bytes of [Buffer.from(text), Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16()]) {
    await writeFileAtomically(path, bytes)
    assert.is(await readText(path), text)
    assert.equal([...withoutMark(await readBytes(path), path)], utf8)
  }
  await writeFileAtomically(path, utf16.subarray(0, 7))
  await fails('data', `${path}: expected text in UTF-16LE, but its 7 bytes are not`, () => readText(path))
})

files('tells files, folders and nothing apart', async ({ folder }) => {
  await writeFileAtomically(`${folder}/b`, '')
  await writeFileAtomically(`${folder}/a`, '')
  assert.ok(await exists(`${folder}/a`))
  assert.not(await exists(`${folder}/c`))
  assert.ok(await isFolder(folder))
  assert.not(await isFolder(`${folder}/a`))
  assert.equal(await listFolder(folder), ['a', 'b'])
})

files('says what was found and where', async ({ folder }) => {
  await fails('data', /none: expected a file to read, but there is nothing$/, () => readText(`${folder}/none`))
  await fails('data', /expected a file to read, but it is a folder$/, () => readText(folder))
  await fails('data', /none: expected a folder, but there is nothing$/, () => listFolder(`${folder}/none`))
  await fails('data', /none: expected a file or folder, but there is nothing$/, () => isFolder(`${folder}/none`))
  await writeFileAtomically(`${folder}/latin1`, Uint8Array.of(0xe9, 0x0a))
  await fails('data', /latin1: expected text in UTF-8, but its 2 bytes are not$/, () => readText(`${folder}/latin1`))
})

files('a write that fails leaves the old content and nothing beside', async ({ folder }) => {
  await mkdir(`${folder}/taken`)
  await fails('data', /taken: expected a place to write a file, but/, () => writeFileAtomically(`${folder}/taken`, 'x'))
  await writeFileAtomically(`${folder}/file`, 'old')
  await fails('data', /below: expected a place to write a file, but a file/, () =>
    writeFileAtomically(`${folder}/file/below`, 'x'),
  )
  assert.is(await readText(`${folder}/file`), 'old')
  assert.equal(await listFolder(folder), ['file', 'taken'])
  // where no folder can be made
  if (await exists('/proc/self')) {
    await fails('data', /x: expected a place to write a file, but there is nothing$/, () =>
      writeFileAtomically('/proc/none/x', ''),
    )
  }
})

files.run()
