import { RmaatError } from '../errors.ts'
import { Device, type Loaded } from '../program/device.ts'
import { constantBytes } from './counts.ts'
import { loadNested } from './nesting.ts'
import { SLICE_BYTES, workspaceOf } from './wasm/encode.ts'

const refuse = (): never => {
  throw new RmaatError('device', 'a device for plans runs none of them: expected one of openDevice')
}

/** A program that takes so many bytes beside its plan. */
const planned = (workspace: number): Loaded => ({
  workspace,
  run: async () => refuse(),
  profile: async () => refuse(),
  runTo: async () => refuse(),
  peek: async () => refuse(),
  close: () => {},
})

/** A device that plans programs as the named one would, computes nothing and holds nothing: what they take is known all the same. */
export const planningDevice = (name: 'wasm' | 'reference', threads: number): Device =>
  new Device({
    name,
    description: 'plans alone',
    sliceBytes: name === 'wasm' ? SLICE_BYTES : undefined,
    heldBytes: 0,
    createVariable: () => {},
    writeVariable: () => {},
    deleteVariable: () => {},
    readVariable: async () => refuse(),
    load: (plan) =>
      name === 'wasm' ? loadNested(plan, (own) => planned(workspaceOf(own, threads))) : planned(constantBytes(plan)),
    close: () => {},
  })
