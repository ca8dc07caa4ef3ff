import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { project, tool } from './project.ts'

/** What a page downloads: the chunks that its code needs at once, and those of what it loads later. */
export interface Download {
  /** Bytes, minified and compressed by brotli. */
  readonly total: number
  /** Of each file of the package, minified, in bytes; the largest first. */
  readonly files: readonly (readonly [name: string, bytes: number])[]
}

/** Of a page with that code, which loads the files whose names match besides. */
export async function download(code: string, later: RegExp): Promise<Download> {
  const { build } = await import(pathToFileURL(tool('esbuild/lib/main.js')!).href)
  const { metafile, outputFiles } = await build({
    stdin: { contents: code, resolveDir: project },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    outdir: join(project, 'size'),
    absWorkingDir: project,
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  const outputs: Record<string, Output> = metafile.outputs
  const needed = new Set<string>()
  const need = (path: string): void => {
    if (needed.has(path)) return
    needed.add(path)
    for (const { path: next, kind } of outputs[path].imports)
      if (kind !== 'dynamic-import' || later.test(outputs[next].entryPoint ?? '')) need(next)
  }
  need('size/stdin.js')
  const sizes = new Map<string, number>()
  let total = 0
  for (const path of needed) {
    const { contents } = outputFiles.find((file: { path: string }) => file.path === join(project, path))
    total += brotliCompressSync(contents).length
    for (const [name, { bytesInOutput }] of Object.entries(outputs[path].inputs))
      sizes.set(name.replace(/^.*rmaat\/dist\//, ''), bytesInOutput)
  }
  return { total, files: [...sizes].sort((a, b) => b[1] - a[1]) }
}
interface Output {
  readonly imports: readonly { readonly path: string; readonly kind: string }[]
  readonly entryPoint?: string
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>
}
