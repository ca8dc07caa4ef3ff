import { dirname, isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

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
