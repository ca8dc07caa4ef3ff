import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { serve, ways } from './pages.ts'
import { root } from './project.ts'

const { anyBrowser, WAIT_MS } = await import(pathToFileURL(join(root, 'test/runtimes/chromium.mjs')).href)
const browser: Browser | undefined = await anyBrowser()

/** What the tests use of Playwright. */
interface Browser {
  newPage(): Promise<Page>
  close(): Promise<void>
}
interface Page {
  setDefaultTimeout(milliseconds: number): void
  goto(url: string): Promise<unknown>
  on(event: 'console' | 'pageerror' | 'requestfailed', listener: (what: { type?(): string }) => void): void
  evaluate(call: (question: Question) => unknown, question: Question): Promise<Answer>
  waitForFunction(call: () => unknown): Promise<unknown>
  close(): Promise<void>
}
interface Question {
  readonly device: string
  readonly options?: object
}
interface Answer {
  readonly description?: string
  readonly losses: number[]
  readonly events: number[]
  /** How often a timer rang in a loop of runs. */
  readonly heard: number
  readonly name?: string
  readonly code?: string
  readonly message?: string
}
declare const inPage: (question: Question) => unknown
declare const inWorker: (question: Question) => unknown

/** Opens a folder's page, and asks it. */
async function open(folder: string, policy?: string) {
  const { url, close } = await serve(folder, policy)
  const page = await browser!.newPage()
  page.setDefaultTimeout(WAIT_MS)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type!()))
      complaints.push(String((message as { text?(): string }).text?.()))
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(url)
  await page.waitForFunction(() => 'inWorker' in globalThis)
  return {
    complaints,
    inPage: (question: Question) => page.evaluate((question) => inPage(question), question),
    inWorker: (question: Question) => page.evaluate((question) => inWorker(question), question),
    async close() {
      await page.close()
      close()
    },
  }
}

function learns({ description, losses, events, message }: Answer): void {
  assert.ok(description, message)
  assert.is(losses.length, 10)
  assert.ok(losses[9] < losses[0] / 2, losses.join(', '))
  assert.is(events.length, 2)
  assert.ok(events.every(Number.isFinite), events.join(', '))
}

const where = browser ? test : test.skip

for (const [name, build] of Object.entries(ways))
  where(`a page trains, and so does its worker, with threads: ${name}`, async () => {
    const page = await open(await build())
    const alone = await page.inPage({ device: 'wasm' })
    learns(alone)
    assert.match(alone.description!, /^WebAssembly, one thread, .*open the device in a worker/)
    const many = await page.inWorker({ device: 'wasm', options: { threads: 2 } })
    learns(many)
    assert.ok(alone.heard > 0, 'a loop of runs never lets the page hear its timers')
    assert.match(many.description!, /^WebAssembly, 2 threads, 128-bit SIMD, relaxed$/)
    assert.equal(many.losses, alone.losses)
    learns(await page.inPage({ device: 'reference' }))
    learns(await page.inPage({ device: 'auto' }))
    assert.equal(page.complaints, [])
    await page.close()
  })

where('a content security policy without wasm-unsafe-eval is named, and auto goes on', async () => {
  const page = await open(await ways['no bundler'](), "default-src 'self'")
  for (const ask of [page.inPage, page.inWorker]) {
    const { name, code, message } = await ask({ device: 'wasm', options: { threads: 2 } })
    assert.equal([name, code], ['RmaatError', 'device'])
    assert.match(message!, /content security policy forbids WebAssembly: its script-src must hold 'wasm-unsafe-eval'/)
    const auto = await ask({ device: 'auto' })
    learns(auto)
    assert.match(auto.description!, /^plain TypeScript, double precision, slow \(.*'wasm-unsafe-eval'/)
  }
  await page.close()
})

where("with worker-src 'self' threads take the package's file, and without it one thread says why", async () => {
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
  const page = await open(await ways['no bundler'](), policy)
  const alone = await page.inWorker({ device: 'wasm', options: { threads: 2 } })
  learns(alone)
  assert.match(
    alone.description!,
    /one thread.*worker-src must hold blob:, or openDevice be given the file rmaat\/worker/,
  )
  const worker = '/some/path/rmaat/worker.js'
  const many = await page.inWorker({ device: 'wasm', options: { threads: 2, worker } })
  learns(many)
  assert.match(many.description!, /^WebAssembly, 2 threads/)
  const missing = await page.inWorker({ device: 'wasm', options: { threads: 2, worker: '/some/path/nothing.js' } })
  assert.match(missing.description!, /one thread.*nothing\.js does not load/)
  await page.close()
})

test.after(() => browser?.close())

test.run()
