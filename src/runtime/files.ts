import { RmaatError } from '../errors.ts'
import { load } from './load.ts'

/** Node's file system, which Deno offers as well; loaded when it is first needed, so that a page can load this module. */
async function fileSystem() {
  try {
    return {
      ...(await load<typeof import('node:fs/promises')>('node:fs/promises')),
      ...(await load<typeof import('node:path')>('node:path')),
      createReadStream: (await load<typeof import('node:fs')>('node:fs')).createReadStream,
    }
  } catch (cause) {
    throw new RmaatError('data', 'files can be read and written in Node and Deno only, not in a page', { cause })
  }
}

/** Whether a path is the address of what a page was given: of a file that was dropped on it, or that it made. */
const isGiven = (path: string): boolean => path.startsWith('blob:')

const zlib = () => load<typeof import('node:zlib')>('node:zlib')

/**
 * The bytes of a file; one whose name ends in `.gz`, in either case, is unpacked: all its members, one after another, and
 * zeros that pad it at its end. In a page a path is the `blob:` address of a file, which is taken as it is.
 * @throws RmaatError 'data' where there is no such file, it cannot be read, or it is not whole gzip
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  if (isGiven(path)) {
    const response = await fetch(path).catch((cause) => fail(path, 'a file of this page', cause))
    return new Uint8Array(await response.arrayBuffer())
  }
  const { readFile } = await fileSystem()
  const bytes = await readFile(path).catch((cause) => fail(path, 'a file to read', cause))
  return /\.gz$/i.test(path) ? unpack(bytes, path) : bytes
}

/** The standard's DecompressionStream is no help: from one runtime to the next it takes one member alone, or all. */
async function unpack(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  const { gunzip } = await zlib()
  const refuse = (found: string, cause?: unknown): never => {
    throw new RmaatError('data', `${path}: expected a whole gzip file, but ${found}`, { cause })
  }
  // `info` adds how much of the file was read; the declarations do not know of it
  const options = { info: true } as { info?: boolean }
  const { buffer, engine } = await new Promise<Unpacked>((resolve, reject) => {
    gunzip(bytes, options, (error, found) => (error ? reject(error) : resolve(found as unknown as Unpacked)))
  }).catch((cause) => refuse(`its ${bytes.length} bytes do not unpack: ${cause.message}`, cause))
  // members end at the first zero: what may follow is zeros
  const after = bytes.subarray(engine.bytesWritten).findIndex((byte) => byte !== 0)
  if (after !== -1) refuse(`zeros come before the byte at ${engine.bytesWritten + after}, where they may only end it`)
  return buffer
}
interface Unpacked {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

/**
 * The lines of a file of any length, one after another, without what ends them and without a byte order mark, behind which they may
 * be in UTF-16; unpacked where its name ends in `.gz`, all members of it.
 * @throws RmaatError 'data' where there is no such file, it cannot be read, or it is not whole gzip
 */
export async function* readLines(path: string): AsyncGenerator<Uint8Array, void> {
  const { createReadStream } = await fileSystem()
  const packed = /\.gz$/i.test(path)
  const { pipeline } = await load<typeof import('node:stream')>('node:stream')
  const { createGunzip } = await zlib()
  // opened last: an error that comes before somebody listens would end the process
  const file = createReadStream(path)
  // an error of the file ends the unpacking, too
  const stream = packed ? pipeline(file, createGunzip(), () => {}) : file
  let rest: Uint8Array[] = []
  const line = (end: Uint8Array): Uint8Array => {
    const whole = rest.length === 0 ? end : joined([...rest, end])
    rest = []
    return whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole
  }
  try {
    for await (const chunk of piecesWithoutMark(stream as AsyncIterable<Uint8Array>, path)) {
      let start = 0
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        yield line(chunk.subarray(start, end))
        start = end + 1
      }
      if (start < chunk.length) rest.push(chunk.slice(start))
    }
  } catch (cause) {
    if (cause instanceof RmaatError) throw cause
    const ofGzip = packed && String((cause as { code?: string }).code).startsWith('Z_')
    fail(path, ofGzip ? 'a whole gzip file' : 'a file to read', cause)
  }
  if (rest.length > 0) yield line(new Uint8Array())
}
const NEWLINE = 10
const RETURN = 13

/** Bytes one behind the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Bytes as a gzip file holds them, with their checksum. */
export async function pack(bytes: Uint8Array): Promise<Uint8Array> {
  const { gzip } = await zlib()
  return new Promise((resolve, reject) => {
    gzip(bytes, (error, packed) => (error ? reject(error) : resolve(packed)))
  })
}

/**
 * The text of a file in UTF-8, or in UTF-16 behind its byte order mark; unpacked where its name ends in `.gz`.
 * @throws RmaatError 'data' as readBytes and decode do
 */
export const readText = async (path: string): Promise<string> => decode(await readBytes(path), path)

/** Byte order marks by encoding. */
const MARKS = [
  { encoding: 'utf-16le', mark: [0xff, 0xfe] },
  { encoding: 'utf-16be', mark: [0xfe, 0xff] },
  { encoding: 'utf-8', mark: [0xef, 0xbb, 0xbf] },
] as const

const markOf = (bytes: Uint8Array) => MARKS.find(({ mark }) => mark.every((byte, i) => bytes[i] === byte))

/**
 * Text without its byte order mark: in UTF-16 where that says so, else in UTF-8.
 * @param where the file's name, for errors
 * @throws RmaatError 'data' for bytes that are not the text that they claim to be
 */
export function decode(bytes: Uint8Array, where: string): string {
  const encoding = markOf(bytes)?.encoding ?? 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    const found = `expected text in ${encoding.toUpperCase()}, but its ${bytes.length} bytes are not`
    throw new RmaatError('data', `${where}: ${found}`, { cause })
  }
}

/** Text as bytes of UTF-8 without a byte order mark. What has none stays as it is, whatever its bytes are. */
export function withoutMark(bytes: Uint8Array, where: string): Uint8Array {
  const found = markOf(bytes)
  if (!found) return bytes
  return found.encoding === 'utf-8' ? bytes.subarray(3) : new TextEncoder().encode(decode(bytes, where))
}

/** The same of bytes that come piece by piece; nothing of them is kept. */
export async function* piecesWithoutMark(
  pieces: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<Uint8Array, void> {
  let first: Uint8Array | undefined = new Uint8Array()
  let wide: TextDecoder | undefined
  const narrow = (piece?: Uint8Array): Uint8Array => {
    try {
      return new TextEncoder().encode(wide!.decode(piece, { stream: piece !== undefined }))
    } catch (cause) {
      const found = `expected text in ${wide!.encoding.toUpperCase()}, but its bytes are not`
      throw new RmaatError('data', `${where}: ${found}`, { cause })
    }
  }
  for await (const piece of pieces) {
    if (!first) {
      yield wide ? narrow(piece) : piece
      continue
    }
    const begun: Uint8Array = Uint8Array.from([...first, ...piece])
    first = begun
    if (begun.length < 3) continue
    const encoding = markOf(begun)?.encoding
    if (encoding && encoding !== 'utf-8') wide = new TextDecoder(encoding, { fatal: true })
    yield wide ? narrow(begun) : begun.subarray(encoding ? 3 : 0)
    first = undefined
  }
  if (first) yield withoutMark(first, where)
  if (wide) yield narrow()
}

/**
 * Makes a folder and those above it, as far as they are not there. Node's `recursive` says of a read-only file system that
 * there is nothing, and under /proc it never ends.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await exists(path)) return // where it is a file, whoever writes into it hears of it
  const { dirname, mkdir } = await fileSystem()
  const above = dirname(path)
  if (above !== path) await makeFolder(above)
  await mkdir(path).catch((error) => {
    if (error.code !== 'EEXIST') throw error // others may make it meanwhile
  })
}

/**
 * Writes a file beside its place and renames it into place, so that nobody ever sees half of it and a failure leaves the
 * old one as it was. Folders on the way are made.
 * @throws RmaatError 'data' where the file cannot be written
 */
export async function writeFileAtomically(path: string, data: string | Uint8Array): Promise<void> {
  const { dirname, open, rename, rm } = await fileSystem()
  const beside = `${path}.${crypto.randomUUID()}.part`
  try {
    await makeFolder(dirname(path))
    const file = await open(beside, 'wx')
    try {
      await file.writeFile(data)
      await file.sync() // else a power cut may leave the new name with no content
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {})
    fail(path, 'a place to write a file', cause)
  }
}

/** Removes what writers that were killed have left beside the places of their files. */
export async function removeParts(folder: string): Promise<void> {
  const { rm } = await fileSystem()
  const parts = (await listFolder(folder)).filter((name) => PART.test(name))
  await Promise.all(parts.map((name) => rm(`${folder}/${name}`, { force: true })))
}
const PART = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/

/** Whether there is a file or folder at the path. */
export async function exists(path: string): Promise<boolean> {
  const { stat } = await fileSystem()
  return stat(path).then(
    () => true,
    () => false,
  )
}

/**
 * Whether the path is a folder.
 * @throws RmaatError 'data' where there is nothing
 */
export async function isFolder(path: string): Promise<boolean> {
  if (isGiven(path)) return false
  const { stat } = await fileSystem()
  return (await stat(path).catch((cause) => fail(path, 'a file or folder', cause))).isDirectory()
}

/** The name of a file among those of a folder, plain or as `.gz`. */
export const asItIsOrPacked = (names: readonly string[], name: string): string | undefined =>
  names.find((other) => other === name || (other.startsWith(name) && /^\.gz$/i.test(other.slice(name.length))))

/**
 * The names in a folder, sorted.
 * @throws RmaatError 'data' where there is no such folder
 */
export async function listFolder(path: string): Promise<string[]> {
  const { readdir } = await fileSystem()
  return (await readdir(path).catch((cause) => fail(path, 'a folder', cause))).sort()
}

const FOUND: Readonly<Record<string, string>> = {
  EACCES: 'access is denied',
  EBUSY: 'it is a folder, or in use',
  EEXIST: 'a file stands in the way',
  EFBIG: 'it would be larger than a file may be',
  EIO: 'it cannot be reached',
  EISDIR: 'it is a folder',
  ENOENT: 'there is nothing',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file stands where a folder should be',
  EPERM: 'access is denied',
  EROFS: 'the file system is read-only',
}

/** Why the system refuses a file or a stream, in words. */
export function whyRefused(cause: unknown): string {
  const { code, message } = cause as { code?: string; message?: string }
  return FOUND[code ?? ''] ?? `${message}`
}

function fail(path: string, expected: string, cause: unknown): never {
  throw new RmaatError('data', `${path}: expected ${expected}, but ${whyRefused(cause)}`, { cause })
}
