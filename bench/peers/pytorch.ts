// PyTorch's eager mode in a process of its own, where it is installed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Method } from '../../src/index.ts'

export const APT = 'on Debian: apt-get install python3-torch libopenblas0-pthread'

/** The one that Debian's packages are for, where it is there. */
export const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

/** A method, computed in full or with the last block's outputs left out that nobody reads, as in our model. */
export type Way = Method | `${Method} shortened`

export type Reading = 'stream' | 'stream shortened'

export interface Pytorch {
  readonly description: string
  /** One training step: its loss. */
  readonly step: (way: Way) => Promise<number>
  /** Reads the batch's sequences, and learns nothing: the memory behind them. */
  readonly stream: (way: Reading) => Promise<Float32Array>
  readonly close: () => Promise<void>
}

/**
 * What makes it as fast as it can be: threads of its own and none of OpenBLAS's beside them, no instruction set forced
 * on OpenBLAS, and memory kept by malloc, which would give every activation back to the system and fault it in again.
 */
function fairEnvironment(threads: number): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _, ...environment } = process.env
  return {
    ...environment,
    MALLOC_MMAP_THRESHOLD_: `${4 * 1024 ** 3}`,
    MALLOC_TRIM_THRESHOLD_: `${8 * 1000 ** 3}`,
    MALLOC_TOP_PAD_: `${256 * 1024 ** 2}`,
    OPENBLAS_NUM_THREADS: '1',
    OMP_NUM_THREADS: `${threads}`,
  }
}

/** A script that answers each line with one of JSON. */
interface Conversation {
  /** What it said first. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the script says
  readonly begun: any
  // biome-ignore lint/suspicious/noExplicitAny: whatever the script says
  readonly ask: (line: string) => Promise<any>
  readonly close: () => Promise<void>
}

/** @throws Error where PyTorch is not here, with what would help */
async function converse(name: string, file: string, threads: number): Promise<Conversation> {
  const script = fileURLToPath(new URL(name, import.meta.url))
  const child = spawn(python, [script, file], {
    env: fairEnvironment(threads),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (data) => {
    complaint += data
  })
  child.stdin.on('error', () => {}) // it ended: its lines do so too
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const closed = once(child, 'close')
  closed.catch(() => {}) // where it does not even start
  const answer = async () => {
    const { done, value } = await lines.next()
    if (!done) return JSON.parse(value)
    await closed
    throw new Error(`PyTorch does not run (${complaint.trim().split('\n').at(-1) || python}); ${APT}`)
  }
  const missing = once(child, 'error').then(([error]) => {
    throw new Error(`PyTorch does not run (${error.message}); ${APT}`)
  })
  missing.catch(() => {})
  const begun = await Promise.race([answer(), missing])
  return {
    begun,
    ask: (line) => {
      child.stdin.write(`${line}\n`)
      return answer()
    },
    close: async () => {
      child.stdin.end()
      await closed
    },
  }
}

/**
 * Trains from the weights and on the batch of a file that `writeBeginning` wrote.
 * @throws Error where PyTorch is not here, or is no fair peer, with what would help
 */
export async function openPytorch(file: string): Promise<Pytorch> {
  const { begun, ask, close } = await converse('pytorch_step.py', file, 2)
  const { torch, blas, gigaflops } = begun
  if (!blas) {
    await close()
    throw new Error(`PyTorch ${torch} has a reference BLAS (${gigaflops.toFixed(0)} GFLOP/s): no fair peer; ${APT}`)
  }
  return {
    description: `PyTorch ${torch}, ${blas}, ${gigaflops.toFixed(0)} GFLOP/s in a product, two threads`,
    step: async (way) => (await ask(way)).loss,
    stream: async (way) => Float32Array.from((await ask(way)).memory),
    close,
  }
}

/** Single operations, each with its gradient. */
export interface PytorchOperations {
  readonly description: string
  /** Writes what an operation yields into the file of its operand, as float32. */
  readonly result: (name: string, gradient: boolean) => Promise<void>
  /** Seconds of so many calls. */
  readonly time: (name: string, gradient: boolean, calls: number) => Promise<number>
  readonly close: () => Promise<void>
}

/**
 * Operations on the operand in a file, on one thread.
 * @throws Error where PyTorch is not here, with what would help
 */
export async function openOperations(file: string): Promise<PytorchOperations> {
  const { begun, ask, close } = await converse('pytorch_operations.py', file, 1)
  return {
    description: `PyTorch ${begun.torch}, one thread`,
    result: async (name, gradient) => void (await ask(JSON.stringify({ name, gradient, calls: 0 }))),
    time: async (name, gradient, calls) => (await ask(JSON.stringify({ name, gradient, calls }))).seconds,
    close,
  }
}
