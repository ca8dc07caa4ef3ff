import { gpuEntry, noAdapter } from '../../src/runtime/gpu.ts'

/** The WebGPU adapter of the runtime that this runs in, in words. */
export interface AdapterReport {
  readonly found: boolean
  /** Its name; where there is none, the reason. */
  readonly text: string
  readonly software: boolean
}

export async function reportAdapter(): Promise<AdapterReport> {
  try {
    const adapter = await (await gpuEntry()).requestAdapter()
    if (!adapter) return { found: false, text: noAdapter(), software: false }
    const { architecture, description, isFallbackAdapter, vendor } = adapter.info
    return { found: true, text: description || `${vendor} ${architecture}`, software: isFallbackAdapter }
  } catch (error) {
    return { found: false, text: (error as Error).message, software: false }
  }
}
