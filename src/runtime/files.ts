import { RmaatError } from '../errors.ts'

/** Node's file system, which Deno offers as well; loaded when it is first needed, so that a page can load this module. */
async function fileSystem() {
  try {
    return { ...(await import('node:fs/promises')), ...(await import('node:path')) }
  } catch (cause) {
    throw new RmaatError('data', 'files can be read and written in Node and Deno only, not in a page', { cause })
  }
}

/**
 * The bytes of a file; one whose name ends in `.gz` is unpacked.
 * @throws RmaatError 'data' where there is no such file, it cannot be read, or it is not whole gzip
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  const { readFile } = await fileSystem()
  const bytes = await readFile(path).catch((cause) => fail(path, 'a file to read', cause))
  if (!path.endsWith('.gz')) return bytes
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  try {
    return new Uint8Array(await new Response(unpacked).arrayBuffer())
  } catch (cause) {
    throw new RmaatError('data', `${path}: expected a whole gzip file, but its ${bytes.length} bytes do not unpack`, {
      cause,
    })
  }
}

/**
 * The text of a file in UTF-8, unpacked where its name ends in `.gz`.
 * @throws RmaatError 'data' as readBytes does, and for bytes that are not UTF-8
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new RmaatError('data', `${path}: expected text in UTF-8, but its ${bytes.length} bytes are not`, { cause })
  }
}

/**
 * Writes a file beside its place and renames it into place, so that nobody ever sees half of it and a failure leaves the
 * old one as it was. Folders on the way are made.
 * @throws RmaatError 'data' where the file cannot be written
 */
export async function writeFileAtomically(path: string, data: string | Uint8Array): Promise<void> {
  const { dirname, mkdir, open, rename, rm } = await fileSystem()
  const beside = `${path}.${crypto.randomUUID()}.part`
  try {
    await mkdir(dirname(path), { recursive: true })
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
  const { stat } = await fileSystem()
  return (await stat(path).catch((cause) => fail(path, 'a file or folder', cause))).isDirectory()
}

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
  EEXIST: 'a file stands in the way',
  EISDIR: 'it is a folder',
  ENOENT: 'there is nothing',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file stands where a folder should be',
  EPERM: 'access is denied',
  EROFS: 'the file system is read-only',
}

function fail(path: string, expected: string, cause: unknown): never {
  const { code, message } = cause as { code?: string; message?: string }
  throw new RmaatError('data', `${path}: expected ${expected}, but ${FOUND[code ?? ''] ?? message}`, { cause })
}
