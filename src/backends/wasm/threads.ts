import { RmaatError } from '../../errors.ts'
import { startWorker, type WorkerThread } from '../../runtime/workers.ts'
import { FAILED, JOB, PATIENCE, REASON, REASON_BYTES, REASON_LIMIT, RELEASED, START } from './control.ts'

/** The first message to a worker. */
interface Task {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly control: number
  readonly thread: number
}

interface Start {
  readonly patience: number
  readonly worker?: string | URL
}

/**
 * The program of a worker, as text, so that it does not depend on how this file was loaded. It stays in `serve` while it
 * lives. An exception ends the run in progress, with its reason in the control block, where the other threads look.
 */
export const WORKER = `({ module, memory, control, thread }, say) => {
  const { serve } = new WebAssembly.Instance(module, { env: { memory, abort() {} } }).exports
  say('ready')
  try {
    serve(control, thread)
  } catch (error) {
    const bytes = new TextEncoder().encode(String(error)).subarray(0, ${REASON_LIMIT})
    const words = new Int32Array(memory.buffer)
    new Uint8Array(memory.buffer, control + ${REASON}).set(bytes)
    words[(control + ${REASON_BYTES}) >> 2] = bytes.length
    Atomics.store(words, (control + ${FAILED}) >> 2, 1)
    for (const word of [${JOB}, ${RELEASED}]) Atomics.notify(words, (control + word) >> 2)
  }
}`

/** The other threads of the team. Each waits for jobs in the control block, see assembly/threads.ts. */
export class Threads {
  /** Of the team, with the calling thread. */
  readonly count: number
  private readonly memory: WebAssembly.Memory
  private readonly control: number
  private readonly workers: WorkerThread[] = []
  private ended: string | undefined

  private constructor(count: number, memory: WebAssembly.Memory, control: number) {
    this.count = count
    this.memory = memory
    this.control = control
  }

  /**
   * @param control the address of `sizeOfControl(count)` bytes of zeros
   * @param patience seconds without a heartbeat, after which a thread counts as gone
   * @param worker in a page: the file that threads run, instead of a blob
   * @throws RmaatError 'device' where one of them does not start
   */
  static async start(
    count: number,
    { module, memory, control, patience, worker }: Omit<Task, 'thread'> & Start,
  ): Promise<Threads> {
    const threads = new Threads(count, memory, control)
    new Int32Array(memory.buffer, control)[PATIENCE >> 2] = patience
    const starts = Array.from({ length: count - 1 }, (_, i) => {
      const task: Task = { module, memory, control, thread: i + 1 }
      return startWorker(WORKER, task, patience, (reason) => threads.fail(`a thread is gone: ${reason}`), worker)
    })
    const results = await Promise.allSettled(starts)
    for (const result of results) if (result.status === 'fulfilled') threads.workers.push(result.value)
    const refused = results.find((result) => result.status === 'rejected')
    if (!refused) return threads
    threads.close()
    throw refused.reason
  }

  /**
   * Does nothing while all threads are well.
   * @throws RmaatError 'device' with the reason, once one is not
   */
  check(): void {
    const words = new Int32Array(this.memory.buffer, this.control, REASON >> 2)
    if (Atomics.load(words, FAILED >> 2) === 0) return
    const length = words[REASON_BYTES >> 2]
    const bytes = new Uint8Array(this.memory.buffer, this.control + REASON, length).slice()
    this.ended ??= length > 0 ? `a thread has failed: ${new TextDecoder().decode(bytes)}` : 'a thread does not answer'
    throw new RmaatError('device', `${this.ended}; open the device anew`)
  }

  /** Makes every thread stop at its next barrier, and every later check fail. */
  fail(reason: string): void {
    this.ended ??= reason
    const words = new Int32Array(this.memory.buffer, this.control, REASON >> 2)
    Atomics.store(words, FAILED >> 2, 1)
    for (const word of [JOB, RELEASED]) Atomics.notify(words, word >> 2)
  }

  /** Ends the workers: they return by themselves, or are terminated if they do not answer. */
  close(): void {
    const words = new Int32Array(this.memory.buffer, this.control, REASON >> 2)
    Atomics.store(words, START >> 2, 0)
    Atomics.add(words, JOB >> 2, 1)
    Atomics.notify(words, JOB >> 2)
    for (const worker of this.workers) worker.terminate()
    this.workers.length = 0
  }
}
