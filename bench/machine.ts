// What the machine itself can do, as competitors that run beside the kernels: the bounds that they are held against.
import { readFileSync } from 'node:fs'
import { allowRelaxedSimd } from '../src/runtime/wasm-features.ts'
import type { Competitor } from './race.ts'

const STEPS = 1_000_000
const CHAINS = 12
const LANES = 4
/** Of one run of `peak`: a multiply-add is two. */
export const PEAK_FLOPS = STEPS * CHAINS * LANES * 2

const BUFFER = 64 * 1024 ** 2
/** Read and written by one run of `copy`. */
export const COPY_BYTES = 2 * BUFFER

interface Module {
  multiplyAdd(steps: number): number
  copy(to: number, from: number, bytes: number): void
}

async function build(): Promise<Module> {
  await allowRelaxedSimd()
  // a compiler of some megabytes, which most suites do without
  const { default: asc } = await import('assemblyscript/asc')
  const source = readFileSync(new URL('assembly/peak.ts', import.meta.url), 'utf8')
  for (const enable of [['simd', 'relaxed-simd'], ['simd']]) {
    const { error, stderr, binary } = await asc.compileString(source, {
      enable,
      optimizeLevel: 3,
      noAssert: true,
      runtime: 'stub', // AssemblyScript's name of the allocator that never frees: nothing here allocates
      initialMemory: COPY_BYTES / 65536,
    })
    if (error || !binary) throw new Error(`assembly/peak.ts does not compile: ${stderr}`)
    const bytes = binary as Uint8Array<ArrayBuffer>
    if (!WebAssembly.validate(bytes)) continue
    const { instance } = await WebAssembly.instantiate(bytes, { env: { abort: () => {} } })
    return instance.exports as unknown as Module
  }
  throw new Error('this WebAssembly engine has no SIMD')
}

/** `peak`: multiply-adds on registers, fused where the engine can. `copy`: within memory that no cache holds. */
export async function machine(): Promise<{ peak: Competitor; copy: Competitor }> {
  const { multiplyAdd, copy } = await build()
  return {
    peak: { name: 'peak', run: () => multiplyAdd(STEPS) },
    copy: { name: 'copy', run: () => copy(0, BUFFER, BUFFER) },
  }
}
