// Runs in a worker of a page. What uvu and the tests write, and how a file ended, goes to the page.
import type { AdapterReport } from './adapter.ts'

/** One of these comes at a time. */
export interface Message {
  readonly adapter?: AdapterReport
  readonly text?: string
  /** A file is over. */
  readonly done?: true
  /** Outside of any test something went wrong. */
  readonly broken?: string
}

/** Runs files as uvu's own runner does, which finds them on a disk; their names come as messages, the next after the last is done. */
export function host(files: Readonly<Record<string, () => Promise<unknown>>>): void {
  const send = (message: Message) => postMessage(message)
  const worded = (what: unknown) => (what instanceof Error ? (what.stack ?? what.message) : String(what))
  addEventListener('error', ({ error, message }) => send({ broken: worded(error ?? message) }))
  addEventListener('unhandledrejection', ({ reason }) => send({ broken: worded(reason) }))

  const state = globalThis as unknown as { UVU_DEFER: number; UVU_QUEUE: unknown[][] }
  state.UVU_DEFER = 1
  console.log = (text: string) => send({ text }) // uvu keeps the one it finds, and ends its lines itself
  const uvu = import('uvu').then((module) => {
    console.log = console.warn = console.error = (...parts: unknown[]) => send({ text: `${parts.join(' ')}\n` })
    return module
  })

  addEventListener('message', async ({ data: name }) => {
    try {
      const { exec } = await uvu
      state.UVU_QUEUE.splice(0, Number.POSITIVE_INFINITY, [null])
      await files[name]()
      await exec()
    } catch (error) {
      send({ text: `${worded(error)}\n` })
    }
    send({ done: true })
  })
}
