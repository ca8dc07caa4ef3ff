import { mkdirSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../cli/run.ts'

/** As much of Playwright as these tests use. */
export interface Page {
  setDefaultTimeout(milliseconds: number): void
  goto(url: string): Promise<unknown>
  url(): string
  addInitScript(code: string): Promise<unknown>
  reload(): Promise<unknown>
  click(selector: string): Promise<void>
  fill(selector: string, text: string): Promise<void>
  selectOption(selector: string, value: string): Promise<unknown>
  setInputFiles(selector: string, path: string): Promise<void>
  textContent(selector: string): Promise<string>
  inputValue(selector: string): Promise<string>
  locator(selector: string): { count(): Promise<number> }
  keyboard: { press(key: string): Promise<void> }
  focus(selector: string): Promise<void>
  waitForTimeout(milliseconds: number): Promise<void>
  waitForFunction(code: string, argument?: unknown, options?: { timeout: number }): Promise<unknown>
  waitForEvent(name: 'download'): Promise<{ saveAs(path: string): Promise<void> }>
  evaluate<T>(code: string): Promise<T>
  emulateMedia(options: { colorScheme: 'light' | 'dark' }): Promise<void>
  setViewportSize(size: { width: number; height: number }): Promise<void>
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>
  on(name: string, hear: (said: { type?(): string; text?(): string; message?: string }) => void): void
}
interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly target: readonly string[] }[]
}
interface Browser {
  newPage(options: object): Promise<Page>
  close(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const axe = fileURLToPath(new URL('../runtimes/node_modules/axe-core/axe.min.js', import.meta.url))
const load = async (path: string) => import(new URL(path, import.meta.url).href)

/** The page, built and served from a folder within a host, in a headless Chromium; undefined where there is none. */
export async function openDemo() {
  const { anyBrowser, WAIT_MS } = await load('../runtimes/chromium.mjs')
  const browser: Browser | undefined = await anyBrowser()
  if (!browser) return undefined
  const { buildDemo, serve } = await load('../../scripts/demo.mjs')
  const folder = temporaryFolder()
  await buildDemo(folder.path('some', 'where'))
  const servers: Server[] = []
  /** What the console said that is no advice, and what was thrown. */
  const faults: string[] = []
  /** What was asked for, as paths within the host. */
  const fetched = new Set<string>()
  return {
    root,
    fetched,
    folder,
    faults,
    /** `isolated`: whether the host sends the headers that isolate it; `isolates`: whether the service worker may. */
    async page({ isolated = true, isolates = false, hash = '' } = {}): Promise<Page> {
      const server: Server = await serve(folder.path(), 0, isolated)
      servers.push(server)
      server.on('request', ({ url }) => fetched.add(url === '/some/where/' ? `${url}index.html` : url!))
      const page = await browser.newPage({ locale: 'en-US', viewport: { width: 1360, height: 900 } })
      page.setDefaultTimeout(WAIT_MS)
      if (!isolates) await page.addInitScript('window.coi = { shouldRegister: () => false }')
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type!())) faults.push(message.text!())
      })
      page.on('pageerror', ({ message }) => faults.push(message!))
      const { port } = server.address() as AddressInfo
      await page.goto(`http://127.0.0.1:${port}/some/where/${hash}`)
      return page
    },
    /** What axe finds serious or worse: its rule, and where. */
    async unreachable(page: Page): Promise<string[]> {
      await page.evaluate(readFileSync(axe, 'utf8'))
      const { violations } = await page.evaluate<{ violations: Violation[] }>(
        `axe.run({ resultTypes: ['violations'] })`,
      )
      return violations
        .filter(({ impact }) => ['serious', 'critical'].includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
    },
    /** Pictures of the whole page, to be looked at: runs/page/. */
    async pictures(page: Page, name: string): Promise<void> {
      const to = join(root, 'runs/page')
      mkdirSync(to, { recursive: true })
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const [words, width] of [
          ['wide', 1360],
          ['narrow', 390],
        ] as const) {
          await page.setViewportSize({ width, height: 900 })
          await page.screenshot({ path: join(to, `${name}-${colorScheme}-${words}.png`), fullPage: true })
        }
      }
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize({ width: 1360, height: 900 })
    },
    async close(): Promise<void> {
      for (const server of servers) server.close()
      await browser.close()
      folder.remove()
    },
  }
}
