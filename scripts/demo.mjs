// Builds the page of demo/ into demo/dist, which any static host serves from any path, and serves it here with the headers that
// threads need.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...path) => join(root, ...path)
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.txt': 'text/plain',
  '.map': 'application/json',
}

/** The page as files in `folder`, with relative addresses. */
export async function buildDemo(folder = at('demo/dist')) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'assembly'), { recursive: true })
  const options = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['node:*'], // fails when it is asked for, as it does in any page
    outdir: folder,
    sourcemap: true,
    logLevel: 'warning',
    ignoreAnnotations: true, // those of package.json are of what is built of the sources
  }
  await build({ ...options, entryPoints: ['demo/page.ts', { in: 'demo/style.css', out: 'page' }] })
  // apart from the page: what the engine loads later, such as one of its builds of WebAssembly, is a file of its own
  await build({ ...options, entryPoints: ['demo/engine.ts'], splitting: true })
  cpSync(at('demo/index.html'), join(folder, 'index.html'))
  // isolates the page on hosts that send no headers for that
  const isolates = 'coi-serviceworker.min.js'
  cpSync(at('node_modules/coi-serviceworker', isolates), join(folder, isolates))
  for (const name of readdirSync(at('assembly')))
    if (name.endsWith('.ts')) cpSync(at('assembly', name), join(folder, 'assembly', `${name}.txt`))
  return folder
}

/** The file in a folder that an address asks for; none for what is no address, such as `/%`. */
function fileOf(folder, address) {
  try {
    const path = normalize(`/${decodeURIComponent(address.replace(/[?#].*/, ''))}`)
    return join(folder, path.endsWith('/') ? `${path}index.html` : path)
  } catch {
    return undefined
  }
}

/** Serves a folder to this machine alone; yields the server. */
export async function serve(folder, port = 0, isolated = true) {
  const server = createServer(async ({ url }, response) => {
    if (isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    }
    const file = fileOf(folder, url)
    const found = file && (await readFile(file).catch(() => undefined))
    if (found === undefined) return response.writeHead(404).end()
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream').end(found)
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return server
}

/** A port, or 0 for one that is free. */
function portOf(text) {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('A whole number up to 65535 is expected.')
  return port
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { build: alone, port } = new Command('npm run demo --')
    .description('Builds the page into demo/dist, and serves it to this machine with the headers that threads need.')
    .option('--build', 'build it alone')
    .option('--port <n>', 'where to serve it; 0 takes one that is free', portOf, 8080)
    .parse()
    .opts()
  const folder = await buildDemo()
  console.log(`built ${folder}`)
  if (!alone) {
    const server = await serve(folder, port).catch(({ message }) => {
      console.error(`port ${port} cannot be had (${message}): --port N takes another`)
      process.exit(1)
    })
    console.log(`open http://localhost:${server.address().port}/ (Ctrl-C ends it)`)
  }
}
