import { RmaatError } from '../errors.ts'
import { isBrowser, load } from './load.ts'

/** WebGPU's constants. The standard has them as globals, which Node lacks. */
export const BufferUsage = {
  MAP_READ: 0x1,
  MAP_WRITE: 0x2,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const
export const MapMode = { READ: 1, WRITE: 2 } as const
export const ShaderStage = { COMPUTE: 4 } as const

let entry: Promise<GPU> | undefined

/**
 * The entry of WebGPU: `navigator.gpu` in pages, workers and Deno, the package `webgpu` in Node.
 * @throws RmaatError 'device' where there is none, with what would help
 */
export function gpuEntry(): Promise<GPU> {
  // kept for good: in Node the process aborts when the entry is collected, and a second one is not safe
  entry ??= openEntry()
  return entry
}

/** The message where `requestAdapter()` yields nothing. */
export const noAdapter = (): string =>
  'WebGPU found no adapter: a graphics driver is missing or too old' +
  (systemOf() === 'linux' ? '; on Linux it must be a Vulkan driver, with its loader libvulkan.so.1' : '')

async function openEntry(): Promise<GPU> {
  const gpu = globalThis.navigator?.gpu
  if (gpu) return gpu
  const { Deno: deno, process } = globalThis as { Deno?: { version: { deno: string } }; process?: NodeJS.Process }
  if (deno) throw new RmaatError('device', `Deno ${deno.version.deno} has no WebGPU: 2.9 or newer is expected`)
  if (process?.versions?.node) return dawn()
  throw new RmaatError(
    'device',
    !isBrowser()
      ? 'this host has no WebGPU'
      : globalThis.isSecureContext
        ? 'this browser has no WebGPU: a current Chromium, Firefox or Safari is expected, with graphics acceleration on'
        : 'this page has no WebGPU because it is not a secure context: serve it by https or from localhost',
  )
}

/**
 * Dawn writes a shader's own zeros into workgroup memory, instead of asking the driver for them: SwiftShader unrolls them,
 * and takes five times as long to compile a kernel with 16 KiB.
 */
const ZERO_BY_LOOP = 'use_vulkan_zero_initialize_workgroup_memory_extension'
/** Against pages that spy on each other; profile() would see multiples of 65 microseconds. */
const QUANTIZED_CLOCK = 'timestamp_quantization'

async function dawn(): Promise<GPU> {
  checkLoader()
  try {
    const { create } = await load<{ create(options: string[]): GPU }>('webgpu')
    return create([`disable-dawn-features=${ZERO_BY_LOOP},${QUANTIZED_CLOCK}`])
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND'
    throw new RmaatError(
      'device',
      missing
        ? 'WebGPU in Node needs the package webgpu: npm install webgpu'
        : `the package webgpu does not load here: ${(cause as Error).message}`,
      { cause },
    )
  }
}

/** Vulkan's loader, on Linux: where there is none the package would write lines of its own to the standard error. */
function checkLoader(): void {
  if (systemOf() !== 'linux') return
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1')
  } catch (cause) {
    // one that is found is refused, too: it is no addon of Node's
    if (/No such file/.test((cause as Error).message)) throw new RmaatError('device', noAdapter(), { cause })
  }
}

const systemOf = (): string | undefined =>
  (globalThis.process?.platform as string | undefined) ??
  (/linux/i.test(globalThis.navigator?.userAgent ?? '') ? 'linux' : undefined)
