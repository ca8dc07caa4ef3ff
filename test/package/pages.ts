import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { pathToFileURL } from 'node:url'
import { project, root, tool } from './project.ts'

const sources = join(project, 'page')
cpSync(join(root, 'test/package/page'), sources, { recursive: true })

const load = (path: string) => import(pathToFileURL(tool(path)!).href)

/** Each way to bring the package to a page: builds it, fails at what the tool warns of, and yields the page's folder. */
export const ways = {
  async Vite(): Promise<string> {
    const { build, createLogger } = await load('vite/dist/node/index.js')
    const customLogger = createLogger('silent')
    customLogger.warn = customLogger.warnOnce = (message: string) => fail('Vite', message)
    const outDir = join(project, 'vite')
    // of how long its own plugins took it warns where a machine is busy
    const rolldownOptions = { checks: { bundlerTimings: false } }
    // where a worker has parts that are loaded later, it must be a module
    await build({
      root: sources,
      base: './',
      build: { outDir, emptyOutDir: false, rolldownOptions },
      worker: { format: 'es', rolldownOptions },
      customLogger,
      configFile: false,
    })
    return outDir
  },
  async webpack(): Promise<string> {
    const webpack = createRequire(import.meta.url)(tool('webpack/lib/index.js')!)
    const path = join(project, 'webpack')
    const stats = await new Promise<Stats>((resolve, reject) => {
      const options = { mode: 'production', context: sources, entry: './page.js', performance: false, output: { path } }
      webpack(options, (error: Error | null, stats: Stats) => (error ? reject(error) : resolve(stats)))
    })
    if (stats.hasErrors() || stats.hasWarnings()) fail('webpack', stats.toString())
    writePage(path, 'main.js')
    return path
  },
  async esbuild(): Promise<string> {
    const { build } = await load('esbuild/lib/main.js')
    const outdir = join(project, 'esbuild')
    const entryPoints = ['page.js', 'worker.js'].map((name) => join(sources, name))
    const { warnings } = await build({
      entryPoints,
      outdir,
      bundle: true,
      splitting: true,
      format: 'esm',
      minify: true,
      logLevel: 'silent',
    })
    if (warnings.length > 0) fail('esbuild', JSON.stringify(warnings))
    writePage(outdir, 'page.js')
    return outdir
  },
  /** The package's files as they are, named by their path. */
  async 'no bundler'(): Promise<string> {
    const folder = join(project, 'plain')
    cpSync(sources, folder, { recursive: true })
    cpSync(join(project, 'node_modules/rmaat/dist'), join(folder, 'rmaat'), { recursive: true })
    const ask = readFileSync(join(folder, 'ask.js'), 'utf8')
    writeFileSync(join(folder, 'ask.js'), ask.replace("'rmaat'", "'./rmaat/index.js'"))
    return folder
  },
}
interface Stats {
  hasErrors(): boolean
  hasWarnings(): boolean
  toString(): string
}

function fail(name: string, what: string): never {
  throw new Error(`${name} says ${what}`)
}

function writePage(folder: string, script: string): void {
  mkdirSync(folder, { recursive: true })
  const page = readFileSync(join(sources, 'index.html'), 'utf8')
  writeFileSync(join(folder, 'index.html'), page.replace('./page.js', `./${script}`))
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' }

/** A static server of a folder, under a path that is not the root, for pages that may share memory with their workers. */
export async function serve(folder: string, policy?: string): Promise<{ url: string; close(): void }> {
  const server = createServer(({ url }, response) => {
    const path = normalize(new URL(url!, 'http://localhost').pathname.replace(/^\/some\/path\//, ''))
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream')
    if (policy) response.setHeader('Content-Security-Policy', policy)
    try {
      response.end(readFileSync(join(folder, path)))
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/some/path/index.html`, close: () => void server.close() }
}
