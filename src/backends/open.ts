import { kind, maybe, oneOf, shown, takesOptions, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { Device } from '../program/device.ts'
import { MOST_THREADS } from './sizes.ts'

/** What `openDevice` can be asked for. */
export const deviceNames = ['auto', 'webgpu', 'wasm', 'reference'] as const
/** One of `deviceNames`. */
export type DeviceName = (typeof deviceNames)[number]

/** What the kernels of `wasm` are built for, the best first: 128-bit SIMD, with its relaxed instructions or without. */
const instructionSets = ['relaxed', 'simd'] as const
/** One of `instructionSets`. */
export type InstructionSet = (typeof instructionSets)[number]

const threadCount = wholeFrom(1, MOST_THREADS)
const address = kind(
  'the address of a file',
  (value) => value instanceof URL || (typeof value === 'string' && value !== ''),
)

export interface DeviceOptions {
  /** Of `wasm`: one build of the kernels, else the best that the engine accepts is taken. */
  readonly instructionSet?: InstructionSet
  /** Of `wasm`: how many compute, the calling one among them; else one for each core. */
  readonly threads?: number
  /**
   * Of `wasm` in a page: where the page finds the file `rmaat/worker`, which its threads run instead of a blob. A content
   * security policy with `worker-src 'self'` needs it.
   */
  readonly worker?: string | URL
}

// a page loads the code of the device that it opens, and no other
const reference = () => import('./reference/backend.ts')
const wasm = () => import('./wasm/open.ts')
const webgpu = () => import('./webgpu/open.ts')

/**
 * Opens a device. `auto` takes a GPU where there is one, else the CPU, by `wasm` or, where a page's content security policy
 * lacks `'wasm-unsafe-eval'`, by `reference`; `device.backend.description` says what was taken, and why.
 * @throws RmaatError 'device' where it is not here, with what is missing
 */
export async function openDevice(name: DeviceName = 'auto', options: DeviceOptions = {}): Promise<Device> {
  takesOptions('openDevice', options, {
    instructionSet: maybe(oneOf(instructionSets)),
    threads: maybe(threadCount),
    worker: maybe(address),
  })
  switch (name) {
    case 'reference':
      return new Device(new (await reference()).ReferenceBackend())
    case 'wasm':
      return new Device(await (await wasm()).openWasm(options))
    case 'webgpu':
      return openGpu()
    case 'auto':
      return openFastest(options)
    default:
      throw new RmaatError('device', `no device is called ${shown(name)}; there are ${deviceNames.join(', ')}`)
  }
}

async function openGpu(): Promise<Device> {
  const { openAdapter, openWebgpu } = await webgpu()
  return new Device(await openWebgpu(await openAdapter()))
}

async function openFastest(options: DeviceOptions): Promise<Device> {
  const why: string[] = []
  const { isSoftware, nameOf, openAdapter, openWebgpu } = await webgpu()
  try {
    const adapter = await openAdapter()
    if (!isSoftware(adapter)) return new Device(await openWebgpu(adapter))
    why.push(`the only GPU is ${nameOf(adapter)}`)
  } catch (error) {
    why.push((error as Error).message)
  }
  try {
    return new Device(await (await wasm()).openWasm(options, why[0]))
  } catch (error) {
    if (!(error instanceof RmaatError)) throw error
    why.push(error.message)
  }
  return new Device(new (await reference()).ReferenceBackend(why.join('; ')))
}
