import { RmaatError } from '../errors.ts'
import { Device } from '../program/device.ts'
import { allowRelaxedSimd } from '../runtime/wasm-features.ts'
import { ReferenceBackend } from './reference/backend.ts'
import { WasmBackend } from './wasm/backend.ts'

export const deviceNames = ['auto', 'wasm', 'reference'] as const
export type DeviceName = (typeof deviceNames)[number]

/** The instruction sets that kernels are built for, the best one first. */
const modules = {
  relaxed: () => import('./wasm/modules/relaxed.wasm.ts'),
  simd: () => import('./wasm/modules/simd.wasm.ts'),
} as const
export type InstructionSet = keyof typeof modules

/**
 * Opens a device. `auto` takes the fastest that is here. `instructionSet` asks for one build of the WASM kernels,
 * otherwise the best that the engine accepts is taken; `device.backend.description` says which.
 */
export async function openDevice(
  name: DeviceName = 'auto',
  options: { instructionSet?: InstructionSet } = {},
): Promise<Device> {
  switch (name) {
    case 'reference':
      return new Device(new ReferenceBackend())
    case 'auto':
    case 'wasm':
      return new Device(await openWasm(options.instructionSet))
    default:
      throw new RmaatError('device', `no device is called '${name}'; there are ${deviceNames.join(', ')}`)
  }
}

async function openWasm(wanted?: InstructionSet): Promise<WasmBackend> {
  await allowRelaxedSimd()
  for (const set of wanted ? [wanted] : (Object.keys(modules) as InstructionSet[])) {
    const { default: text } = await modules[set]()
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
    if (WebAssembly.validate(bytes)) {
      return new WasmBackend(
        await WebAssembly.compile(bytes),
        `WebAssembly, one thread, 128-bit SIMD${set === 'relaxed' ? ', relaxed' : ''}`,
      )
    }
  }
  throw new RmaatError(
    'device',
    `this WebAssembly engine has no ${wanted === 'relaxed' ? 'relaxed ' : ''}SIMD; use the device 'reference'`,
  )
}
