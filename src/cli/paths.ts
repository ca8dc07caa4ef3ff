import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RmaatError } from '../errors.ts'
import { listFolder, readBytes } from '../runtime/files.ts'

const root = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)))

/**
 * A path as it was typed, from where this process can use it. npm runs a package's own scripts in its root, and says in
 * INIT_CWD where the command was typed.
 */
export function typed(path: string): string {
  const from = process.cwd() === root ? process.env.INIT_CWD : undefined
  return from === undefined || from === root || isAbsolute(path) ? path : resolve(from, path)
}

/** The same path from anywhere, to be kept. */
export const absolute = (path: string): string => resolve(typed(path))

/**
 * The bytes of a weights file.
 * @throws RmaatError 'data' where it cannot be read; of a folder with weights in it, with their names
 */
export async function readWeights(path: string): Promise<Uint8Array> {
  const from = typed(path)
  return readBytes(from).catch(async (cause) => {
    const names = (await listFolder(from).catch(() => [])).filter((name) => name.endsWith('.safetensors'))
    if (names.length === 0) throw cause
    const files = names.map((name) => join(path, name)).join(' or ')
    throw new RmaatError('data', `${path}: expected a weights file, such as ${files}, but it is a folder`, { cause })
  })
}
