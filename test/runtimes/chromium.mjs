import { accessSync, constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { SourceMap } from 'node:module'
import { delimiter, join } from 'node:path'
import { root, SILENCE_MS, watchdog } from './child.mjs'
import { bundledChromium, canUnpack } from './unpack.mjs'

/** A headless Chromium: one that is installed, or the one of the npm packages; pages of it run the tests in workers. */
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

/** How long a page of such tests is waited for: machines differ tenfold, but what hangs is to be told before it is ended. */
export const WAIT_MS = SILENCE_MS - 20_000

/** A browser for tests of its own; undefined where there is none for this system. */
export async function anyBrowser() {
  for await (const candidate of candidates()) {
    // a signal is that of a test: it must not end the process that this browser serves
    const deaf = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }
    const browser = await launch({ ...candidate, ...deaf }).catch(() => undefined)
    if (browser) return browser
  }
}

async function launch(candidate) {
  const { chromium } = await import('playwright-core')
  return chromium.launch({
    ...candidate,
    args: [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      // see src/runtime/gpu.ts
      '--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
    ],
    timeout: SILENCE_MS,
  })
}

async function open(candidate) {
  const browser = await launch(candidate)
  const scripts = new Map()
  const server = await serve(scripts)
  const address = `http://127.0.0.1:${server.address().port}/`
  const close = async () => {
    server.close()
    await browser.close()
  }
  try {
    const adapter = await probe(browser, address, scripts)
    const start = async (files) => {
      scripts.set('/tests.js', await bundle(testsOf(files)))
      return startHost(browser, address, scripts.get('/tests.js').map)
    }
    return { name: `Chromium ${browser.version()}`, adapter, start, close }
  } catch (error) {
    await close()
    throw error
  }
}

const PROBE = `import { reportAdapter } from './adapter.ts'; postMessage({ adapter: await reportAdapter() })`
const testsOf = (files) => `import { host } from './worker.ts'
host({ ${files.map((name) => `'${name}': () => import('../${name}')`).join(',\n')} })`

/** A page whose worker runs the script; what the worker says comes one message at a time. */
async function startWorker(browser, address, script, hear) {
  const page = await browser.newPage()
  await page.goto(address)
  await page.exposeFunction('hear', hear)
  await page.evaluate((url) => {
    window.worker = new Worker(url, { type: 'module' })
    window.worker.onmessage = ({ data }) => window.hear(data)
    window.worker.onerror = ({ message }) => window.hear({ broken: message || `${url} does not load` })
  }, script)
  return page
}

async function probe(browser, address, scripts) {
  scripts.set('/probe.js', await bundle(PROBE))
  let page
  const adapter = await new Promise((resolve, reject) => {
    const hear = ({ adapter, broken }) => (adapter ? resolve(adapter) : reject(new Error(broken)))
    startWorker(browser, address, '/probe.js', hear).then((started) => {
      page = started
    }, reject)
    setTimeout(() => reject(new Error('looking for an adapter takes too long')), SILENCE_MS).unref()
  })
  await page?.close()
  return adapter
}

/** A page that runs test files. */
async function startHost(browser, address, map) {
  let output = ''
  let end // of the page, where it is over
  let finished
  const isOver = (how) => {
    end ??= how
    finished?.()
  }
  const dog = watchdog(() => isOver(`said nothing for ${SILENCE_MS / 1000} s and was ended`))
  const page = await startWorker(browser, address, '/tests.js', ({ text, broken, done }) => {
    dog.heard()
    output += inSources(text ?? '', map)
    if (broken) isOver(`failed: ${inSources(broken, map)}`)
    if (done) finished?.()
  })
  page.on('crash', () => isOver('crashed'))
  browser.on('disconnected', () => isOver('ended before the tests did'))
  return {
    async run(name) {
      output = ''
      await new Promise((resolve) => {
        finished = resolve
        if (end) resolve()
        else page.evaluate((name) => window.worker.postMessage(name), name).catch(({ message }) => isOver(message))
      })
      finished = undefined
      if (end) dog.stop()
      return { output, end }
    },
    async close() {
      dog.stop()
      await page.close().catch(() => {}) // it may be gone
      return end
    },
  }
}

async function bundle(contents) {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(root, 'test/runtimes'), sourcefile: 'entry.ts', loader: 'ts' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    keepNames: true, // tests name functions and classes
    ignoreAnnotations: true, // package.json says which files of dist/ have effects, and these are src/
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
