import { RmaatError } from '../../errors.ts'
import { isBrowser } from '../../runtime/load.ts'
import { allowRelaxedSimd } from '../../runtime/wasm-features.ts'
import { coreCount, whyAlone } from '../../runtime/workers.ts'
import type { InstructionSet } from '../open.ts'
import { MOST_THREADS } from '../sizes.ts'
import { WasmBackend } from './backend.ts'
import { bytesOf } from './text.ts'

/** The builds of the kernels, the best instruction set first. */
const modules: Record<InstructionSet, Record<'alone' | 'threads', () => Promise<{ readonly default: string }>>> = {
  relaxed: {
    alone: () => import('./modules/relaxed.wasm.ts'),
    threads: () => import('./modules/relaxed-threads.wasm.ts'),
  },
  simd: {
    alone: () => import('./modules/simd.wasm.ts'),
    threads: () => import('./modules/simd-threads.wasm.ts'),
  },
}

export interface WasmOptions {
  /** One build of the kernels, else the best that the engine accepts is taken. */
  readonly instructionSet?: InstructionSet
  /** How many compute, the calling one among them; else one for each core. */
  readonly threads?: number
  /** The least work of a thread's part, in nanoseconds; 0 shares every kernel, however small. */
  readonly grain?: number
  /** Seconds without a heartbeat, after which a thread counts as gone (20); 1 to 86,400, parts of one count as a whole one. */
  readonly patience?: number
  /** In a page: the file that threads run, instead of a blob. */
  readonly worker?: string | URL
}

/** The number of threads by default. */
export const usualThreads = async (): Promise<number> => (whyAlone() ? 1 : Math.min(await coreCount(), MOST_THREADS))

/**
 * @param why it was taken, where nobody asked for it by name
 * @throws RmaatError 'device' where the engine has no SIMD, or a content security policy forbids WebAssembly
 */
export async function openWasm(options: WasmOptions = {}, why = ''): Promise<WasmBackend> {
  const { instructionSet, threads, grain, patience, worker } = options
  if (patience !== undefined && !(patience > 0 && patience <= 86_400)) {
    throw new RmaatError('device', `a patience of ${patience} seconds was asked for; expected 1 to 86400`)
  }
  if (typeof WebAssembly === 'undefined') {
    throw new RmaatError('device', "this engine has no WebAssembly; use the device 'reference'")
  }
  await allowRelaxedSimd()
  const wanted = threads ?? Math.min(await coreCount(), MOST_THREADS)
  let alone = wanted > 1 ? whyAlone() : undefined
  if (wanted > 1 && !alone) {
    const found = await find('threads', instructionSet)
    try {
      if (found) return await open(found, wanted)
      alone = 'this engine has no WebAssembly threads'
    } catch (error) {
      if (!(error instanceof RmaatError)) throw error
      alone = error.message
    }
  }
  const found = await find('alone', instructionSet)
  if (found) return open(found, 1)
  throw new RmaatError(
    'device',
    `this WebAssembly engine has no ${instructionSet === 'relaxed' ? 'relaxed ' : ''}SIMD; use the device 'reference'`,
  )

  function open({ module, set }: Found, count: number): Promise<WasmBackend> {
    const many = count === 1 ? 'one thread' : `${count} threads`
    const reasons = [alone && `no more threads: ${alone}`, why].filter(Boolean).join('; ')
    return WasmBackend.open(module, {
      threads: count,
      relaxed: set === 'relaxed',
      grain,
      worker,
      // threads count it in seconds
      patience: patience === undefined ? undefined : Math.ceil(patience),
      description: `WebAssembly, ${many}, 128-bit SIMD${set === 'relaxed' ? ', relaxed' : ''}${reasons && ` (${reasons})`}`,
    })
  }
}

interface Found {
  readonly module: WebAssembly.Module
  readonly set: InstructionSet
}

/** The first build that the engine accepts. */
async function find(build: 'alone' | 'threads', wanted?: InstructionSet): Promise<Found | undefined> {
  for (const set of wanted ? [wanted] : (Object.keys(modules) as InstructionSet[])) {
    const module = await moduleOf(set, build)
    if (module) return { module, set }
  }
  return undefined
}

const compiled = new Map<string, Promise<WebAssembly.Module | undefined>>()

/** A build's module, compiled once for all devices; undefined where the engine does not accept it. */
function moduleOf(set: InstructionSet, build: 'alone' | 'threads'): Promise<WebAssembly.Module | undefined> {
  const key = `${set} ${build}`
  const known = compiled.get(key)
  if (known) return known
  const module = modules[set][build]().then(({ default: text }) => compileText(text))
  compiled.set(key, module)
  module.catch(() => compiled.delete(key))
  return module
}

async function compileText(text: string): Promise<WebAssembly.Module | undefined> {
  const bytes = bytesOf(text)
  return WebAssembly.validate(bytes) ? WebAssembly.compile(bytes).catch(refuse) : undefined
}

/** Of a valid module: engines say this in their own words. Browsers forbid it by a policy of the page, some hosts at all. */
function refuse(cause: Error): never {
  const forbidden = /content security|\bcsp\b|unsafe-eval|embedder/i.test(cause.message)
  throw new RmaatError(
    'device',
    !forbidden
      ? `this engine does not compile WebAssembly: ${cause.message}`
      : isBrowser()
        ? "this page's content security policy forbids WebAssembly: its script-src must hold 'wasm-unsafe-eval'; the device 'reference' needs none"
        : "this host forbids to compile WebAssembly while a program runs; the device 'reference' needs none",
    { cause },
  )
}
