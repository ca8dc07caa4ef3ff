import { RmaatError } from '../errors.ts'
import { Device } from '../program/device.ts'
import { allowRelaxedSimd } from '../runtime/wasm-features.ts'
import { ReferenceBackend } from './reference/backend.ts'
import { WasmBackend } from './wasm/backend.ts'
import { isSoftware, nameOf, openAdapter, openWebgpu } from './webgpu/open.ts'

export const deviceNames = ['auto', 'webgpu', 'wasm', 'reference'] as const
export type DeviceName = (typeof deviceNames)[number]

/** The instruction sets that kernels are built for, the best one first. */
const modules = {
  relaxed: () => import('./wasm/modules/relaxed.wasm.ts'),
  simd: () => import('./wasm/modules/simd.wasm.ts'),
} as const
export type InstructionSet = keyof typeof modules

export interface DeviceOptions {
  /** Of `wasm`: one build of the kernels, else the best that the engine accepts is taken. */
  readonly instructionSet?: InstructionSet
  /** Of `webgpu`: false for the kernels without subgroups, else they are used where the adapter has them. */
  readonly subgroups?: boolean
}

/**
 * Opens a device. `auto` takes a GPU where there is one, else the CPU; `device.backend.description` says what was taken,
 * and why.
 * @throws RmaatError 'device' where it is not here, with what is missing
 */
export async function openDevice(name: DeviceName = 'auto', options: DeviceOptions = {}): Promise<Device> {
  switch (name) {
    case 'reference':
      return new Device(new ReferenceBackend())
    case 'wasm':
      return new Device(await openWasm(options.instructionSet))
    case 'webgpu':
      return new Device(await openWebgpu(await openAdapter(), options.subgroups))
    case 'auto':
      return openFastest(options)
    default:
      throw new RmaatError('device', `no device is called '${name}'; there are ${deviceNames.join(', ')}`)
  }
}

async function openFastest(options: DeviceOptions): Promise<Device> {
  let why: string
  try {
    const adapter = await openAdapter()
    if (!isSoftware(adapter)) return new Device(await openWebgpu(adapter, options.subgroups))
    why = `the only GPU is ${nameOf(adapter)}`
  } catch (error) {
    why = (error as Error).message
  }
  return new Device(await openWasm(options.instructionSet, why))
}

/** `why` it was taken, where nobody asked for it by name. */
async function openWasm(wanted?: InstructionSet, why = ''): Promise<WasmBackend> {
  await allowRelaxedSimd()
  for (const set of wanted ? [wanted] : (Object.keys(modules) as InstructionSet[])) {
    const { default: text } = await modules[set]()
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
    if (WebAssembly.validate(bytes)) {
      return new WasmBackend(
        await WebAssembly.compile(bytes),
        `WebAssembly, one thread, 128-bit SIMD${set === 'relaxed' ? ', relaxed' : ''}${why && ` (${why})`}`,
        set === 'relaxed',
      )
    }
  }
  throw new RmaatError(
    'device',
    `this WebAssembly engine has no ${wanted === 'relaxed' ? 'relaxed ' : ''}SIMD; use the device 'reference'`,
  )
}
