import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { exists, isFolder, listFolder, readBytes, readText, writeFileAtomically } from '../../src/runtime/files.ts'
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

files('unpacks gzip, several members in one file too', async ({ folder }) => {
  const path = `${folder}/a.txt.gz`
  await writeFileAtomically(path, Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]))
  assert.is(await readText(path), 'one\ntwo\n')
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
  await writeFileAtomically(`${folder}/cut.gz`, gzipSync('a text').subarray(0, 15))
  await fails('data', /cut\.gz: expected a whole gzip file, but its 15 bytes do not unpack$/, () =>
    readBytes(`${folder}/cut.gz`),
  )
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
})

files.run()
