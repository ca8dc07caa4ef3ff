import { RmaatError } from '../errors.ts'
import { load } from './load.ts'

/** A worker thread. It does not keep the process alive. */
export interface WorkerThread {
  /** Ends it, at once. */
  terminate(): void
}

/** The number of threads that this machine runs at once. */
export async function coreCount(): Promise<number> {
  const cores = globalThis.navigator?.hardwareConcurrency
  if (cores || !hasNodeWorkers()) return cores || 1
  const { availableParallelism, cpus } = await load<typeof import('node:os')>('node:os')
  return availableParallelism?.() ?? cpus().length
}

/** Why the calling thread cannot share memory with others and wait for them; undefined where it can. */
export function whyAlone(): string | undefined {
  if (typeof SharedArrayBuffer === 'undefined' || globalThis.crossOriginIsolated === false)
    return 'memory is shared only in a page that is cross-origin isolated'
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0)
    return undefined
  } catch {
    return "a page's main thread must not wait for others: open the device in a worker"
  }
}

/** Whether threads come from node:worker_threads, which Deno has too: its own keep the process alive. */
const hasNodeWorkers = (): boolean => globalThis.process?.versions?.node !== undefined

/**
 * Starts a thread that runs `source`, the text of a function `(data, post) => void`, and resolves at its first message.
 * `onEnd` is called with the reason when the thread ends, unless it was terminated here.
 * @param patience the timeout of the first message in seconds, at most 86,400
 * @param file in a page: where it is that holds \`inPage(source)\`, run instead of a blob
 * @throws RmaatError 'device' where none comes
 */
export function startWorker(
  source: string,
  data: unknown,
  patience: number,
  onEnd: (reason: string) => void,
  file?: string | URL,
): Promise<WorkerThread> {
  return new Promise((resolve, reject) => {
    let [started, ended] = [false, false]
    let terminate = (): void => {}
    const timer = setTimeout(() => end(`it has said nothing for ${patience} seconds`), patience * 1000)
    const end = (reason: string): void => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      terminate()
      if (started) onEnd(reason)
      else reject(new RmaatError('device', `a worker does not start: ${reason}`))
    }
    const start = (): void => {
      clearTimeout(timer)
      started = true
      resolve({
        terminate() {
          ended = true
          terminate()
        },
      })
    }
    const open = hasNodeWorkers() ? openInNode : openInPage
    open(source, data, end, start, file).then(
      (stop) => {
        terminate = stop
        if (ended) stop()
      },
      (error: Error) => end(error.message),
    )
  })
}

/** Opens a worker; `start` is called at its first message, `end` with the reason when it ends. Returns what terminates it. */
type Open = (
  source: string,
  data: unknown,
  end: (reason: string) => void,
  start: () => void,
  file?: string | URL,
) => Promise<() => void>

const openInNode: Open = async (source, data, end, start) => {
  const { Worker } = await load<typeof import('node:worker_threads')>('node:worker_threads')
  const text = `const { parentPort, workerData } = require('node:worker_threads')
    ;(${source})(workerData, (message) => parentPort.postMessage(message))`
  // no options of this process: they may load a compiler, which takes long
  const worker = new Worker(text, { eval: true, workerData: data, execArgv: [] })
  worker.on('error', (error: Error) => end(error.message))
  worker.on('exit', (code) => end(`it ended with code ${code}`))
  worker.once('message', () => {
    worker.unref()
    start()
  })
  return () => void worker.terminate()
}

/** What a page's worker runs. */
export const inPage = (source: string): string => `onmessage = (event) => (${source})(event.data, postMessage)`

const openInPage: Open = async (source, data, end, start, file) => {
  const blob = file ? undefined : URL.createObjectURL(new Blob([inPage(source)], { type: 'text/javascript' }))
  const done = () => blob && URL.revokeObjectURL(blob)
  const worker = new Worker(file ?? blob!)
  worker.onerror = (event) => {
    event.preventDefault() // else it is an error of this thread as well
    done()
    end(event.message || (file ? `${file} does not load` : BLOB_REFUSED))
  }
  worker.onmessage = () => {
    done()
    start()
  }
  worker.postMessage(data)
  return () => worker.terminate()
}
const BLOB_REFUSED =
  "the page's content security policy forbids it: worker-src must hold blob:, or openDevice be given the file rmaat/worker"
