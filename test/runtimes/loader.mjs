// Loads TypeScript into a Node that has no module.register yet (before 20.6), by --loader.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context)
  const source = await readFile(new URL(url), 'utf8')
  const options = { loader: 'ts', target: 'es2022', sourcemap: 'inline', sourcefile: fileURLToPath(url) }
  return { format: 'module', source: (await transform(source, options)).code, shortCircuit: true }
}
