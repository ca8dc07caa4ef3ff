import { accessSync, constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { SourceMap } from 'node:module'
import { delimiter, join } from 'node:path'
import { root, SILENCE_MS, totalsOf, watchdog } from './child.mjs'
import { bundledChromium, canUnpack } from './unpack.mjs'

/** A headless Chromium: one that is installed, or the one of the npm packages; a page of it runs the tests in a worker. */
export async function chromium() {
  const failures = []
  let plain // started, but without WebGPU
  for await (const candidate of candidates()) {
    const found = await open(candidate).catch((error) => {
      failures.push(`${candidate.channel ?? candidate.executablePath}: ${error.message.split('\n')[0]}`)
    })
    if (found?.adapter.found) {
      await plain?.close()
      return found
    }
    if (plain) await found?.close()
    else plain = found
  }
  return plain ?? { name: 'Chromium', missing: failures.join('; ') || 'there is none for this system' }
}

async function* candidates() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const path = (process.env.PATH ?? '')
      .split(delimiter)
      .map((folder) => join(folder, name))
      .find(isExecutable)
    if (path) yield { executablePath: path }
  }
  if (process.platform !== 'linux') yield { channel: 'chrome' } // where the system keeps it
  if (!canUnpack) return
  const { executablePath, libraries } = await bundledChromium()
  const paths = [libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter)
  yield { executablePath, env: { ...process.env, LD_LIBRARY_PATH: paths } }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function open(candidate) {
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({
    ...candidate,
    args: [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      // see src/runtime/gpu.ts
      '--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
    ],
    timeout: 30_000,
  })
  const scripts = new Map()
  const server = await serve(scripts)
  const close = async () => {
    server.close()
    await browser.close()
  }
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    let hear // what the one worker that runs says
    await page.exposeFunction('hear', (message) => hear(message))
    const start = async (name, source, listener) => {
      scripts.set(name, await bundle(source))
      hear = listener
      await page.evaluate((url) => {
        const worker = new Worker(url, { type: 'module' })
        worker.onmessage = ({ data }) => window.hear(data)
        worker.onerror = ({ message }) => window.hear({ end: message || `${url} does not load` })
      }, name)
    }
    const adapter = await new Promise((resolve, reject) => {
      const listener = (message) => (message.adapter ? resolve(message.adapter) : reject(new Error(message.end)))
      start('/probe.js', PROBE, listener).catch(reject)
      setTimeout(() => reject(new Error('looking for an adapter takes too long')), 30_000).unref()
    })
    const run = (files, write) => runPage(browser, page, start, scripts, files, write).finally(close)
    return { name: `Chromium ${browser.version()}`, adapter, run, close }
  } catch (error) {
    await close()
    throw error
  }
}

const PROBE = `import { reportAdapter } from './adapter.ts'; postMessage({ adapter: await reportAdapter() })`

async function runPage(browser, page, start, scripts, files, write) {
  const entries = files.map((name) => `{ name: '${name}', load: () => import('../${name}') },\n`)
  const source = `import { runFiles } from './worker.ts'\nrunFiles([\n${entries.join('')}])`
  let output = ''
  let dog
  const end = await new Promise((resolve) => {
    dog = watchdog(() => resolve(`said nothing for ${SILENCE_MS / 1000} s and was ended`))
    page.on('crash', () => resolve('crashed'))
    browser.on('disconnected', () => resolve('ended before the tests did'))
    start('/tests.js', source, ({ text, end }) => {
      dog.heard()
      const plain = inSources(text ?? end, scripts.get('/tests.js').map)
      if (text === undefined) return resolve(plain && `failed: ${plain}`)
      output += plain
      write(plain)
    }).catch((error) => resolve(`did not start: ${error.message}`))
  })
  dog.stop()
  return { totals: totalsOf(output), end: end || undefined }
}

async function bundle(contents) {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(root, 'test/runtimes'), sourcefile: 'entry.ts', loader: 'ts' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['node:*'], // fails when it is asked for, as it does in any page
    sourcemap: 'external',
    outdir: root,
    write: false,
    logLevel: 'silent',
  })
  const [map, code] = ['.map', '.js'].map((ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text)
  return { code, map: new SourceMap(JSON.parse(map)) }
}

/** With the places of a bundle said in the files that it was made of. */
function inSources(text, map) {
  return text.replaceAll(/http:\/\/127\.0\.0\.1:\d+\/\w+\.js:(\d+):(\d+)/g, (place, line, column) => {
    const { fileName, lineNumber, columnNumber } = map.findOrigin(Number(line), Number(column))
    return fileName ? `${fileName.replace(/^(\.\.\/)+/, '')}:${lineNumber}:${columnNumber}` : place
  })
}

/** Serves a page that may share memory with its workers, the bundles, and the golden files. */
async function serve(scripts) {
  const server = createServer(async ({ url }, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    const golden = /^\/test\/golden\/[\w-]+\.(?:safetensors|json)$/.test(url)
    if (url === '/') response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Tests</title>')
    else if (scripts.has(url)) response.setHeader('Content-Type', 'text/javascript').end(scripts.get(url).code)
    else if (golden) response.end(await readFile(join(root, url)).catch(() => response.writeHead(404) && undefined))
    else response.writeHead(404).end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
