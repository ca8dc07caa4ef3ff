import { RmaatError } from '../../errors.ts'
import { allowRelaxedSimd, type InstructionSet } from '../../runtime/wasm-features.ts'
import { coreCount, whyAlone } from '../../runtime/workers.ts'
import { WasmBackend } from './backend.ts'

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
export const instructionSets = Object.keys(modules) as InstructionSet[]

/** Beyond, meeting at a barrier costs more than it gives. */
export const MOST_THREADS = 64

export interface WasmOptions {
  /** One build of the kernels, else the best that the engine accepts is taken. */
  readonly instructionSet?: InstructionSet
  /** How many compute, the calling one among them; else one for each core. */
  readonly threads?: number
  /** Nanoseconds of work on one thread that are worth a second one; 0 shares every kernel, however small. */
  readonly grain?: number
  /** Seconds without a sign of life, until a thread counts as gone (20); 1 to 86,400, parts of one count as a whole one. */
  readonly patience?: number
}

/** How many threads a device has where nothing is said of them. */
export const usualThreads = async (): Promise<number> => (whyAlone() ? 1 : Math.min(await coreCount(), MOST_THREADS))

/**
 * @param why it was taken, where nobody asked for it by name
 * @throws RmaatError 'device' where the engine has no SIMD
 */
export async function openWasm(options: WasmOptions = {}, why = ''): Promise<WasmBackend> {
  const { instructionSet, threads, grain, patience } = options
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
  for (const set of wanted ? [wanted] : instructionSets) {
    const { default: text } = await modules[set][build]()
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
    if (WebAssembly.validate(bytes)) return { module: await WebAssembly.compile(bytes), set }
  }
  return undefined
}
