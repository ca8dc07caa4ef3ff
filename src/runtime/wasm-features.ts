import { load } from './load.ts'

/** Lets WebAssembly compile relaxed SIMD where the engine has it behind a flag (Node 20 and 21). */
export async function allowRelaxedSimd(): Promise<void> {
  const version = globalThis.process?.versions?.node
  if (version === undefined || Number(version.split('.')[0]) >= 22) return
  const { setFlagsFromString } = await load<typeof import('node:v8')>('node:v8')
  setFlagsFromString('--experimental-wasm-relaxed-simd')
}
