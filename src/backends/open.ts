import { maybe, oneOf, shown, takesOptions, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { Device } from '../program/device.ts'
import type { InstructionSet } from '../runtime/wasm-features.ts'
import { ReferenceBackend } from './reference/backend.ts'
import { instructionSets, MOST_THREADS, openWasm } from './wasm/open.ts'
import { isSoftware, nameOf, openAdapter, openWebgpu } from './webgpu/open.ts'

/** What `openDevice` can be asked for. */
export const deviceNames = ['auto', 'webgpu', 'wasm', 'reference'] as const
/** One of `deviceNames`. */
export type DeviceName = (typeof deviceNames)[number]

const threadCount = wholeFrom(1, MOST_THREADS)

export interface DeviceOptions {
  /** Of `wasm`: one build of the kernels, else the best that the engine accepts is taken. */
  readonly instructionSet?: InstructionSet
  /** Of `wasm`: how many compute, the calling one among them; else one for each core. */
  readonly threads?: number
}

/**
 * Opens a device. `auto` takes a GPU where there is one, else the CPU; `device.backend.description` says what was taken,
 * and why.
 * @throws RmaatError 'device' where it is not here, with what is missing
 */
export async function openDevice(name: DeviceName = 'auto', options: DeviceOptions = {}): Promise<Device> {
  takesOptions('openDevice', options, { instructionSet: maybe(oneOf(instructionSets)), threads: maybe(threadCount) })
  switch (name) {
    case 'reference':
      return new Device(new ReferenceBackend())
    case 'wasm':
      return new Device(await openWasm(options))
    case 'webgpu':
      return new Device(await openWebgpu(await openAdapter()))
    case 'auto':
      return openFastest(options)
    default:
      throw new RmaatError('device', `no device is called ${shown(name)}; there are ${deviceNames.join(', ')}`)
  }
}

async function openFastest(options: DeviceOptions): Promise<Device> {
  let why: string
  try {
    const adapter = await openAdapter()
    if (!isSoftware(adapter)) return new Device(await openWebgpu(adapter))
    why = `the only GPU is ${nameOf(adapter)}`
  } catch (error) {
    why = (error as Error).message
  }
  return new Device(await openWasm(options, why))
}
