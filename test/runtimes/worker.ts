// Runs in a worker of a page. What uvu and the tests write, and how the run ended, goes to the page.
import type { AdapterReport } from './adapter.ts'

/** One of these comes at a time. */
export interface Message {
  readonly adapter?: AdapterReport
  readonly text?: string
  /** The run is over: '' where it came to its end, else what went wrong. */
  readonly end?: string
}

export interface TestFile {
  readonly name: string
  readonly load: () => Promise<unknown>
}

/** Runs the files as uvu's own runner does, which finds them on a disk. */
export async function runFiles(files: readonly TestFile[]): Promise<void> {
  const send = (message: Message) => postMessage(message)
  const fail = (what: unknown) => send({ end: what instanceof Error ? (what.stack ?? what.message) : String(what) })
  addEventListener('error', ({ error, message }) => fail(error ?? message))
  addEventListener('unhandledrejection', ({ reason }) => fail(reason))

  const state = globalThis as unknown as { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: unknown[][] }
  state.UVU_DEFER = 1
  console.log = (text: string) => send({ text }) // uvu keeps the one it finds, and ends its lines itself
  const { exec } = await import('uvu')
  console.log = console.warn = console.error = (...parts: unknown[]) => send({ text: `${parts.join(' ')}\n` })

  for (const [index, { name, load }] of files.entries()) {
    state.UVU_INDEX = index
    state.UVU_QUEUE.push([name])
    try {
      await load()
    } catch (error) {
      send({ text: `${name} does not load\n` })
      return fail(error)
    }
  }
  await exec().then(() => send({ end: '' }), fail)
}
