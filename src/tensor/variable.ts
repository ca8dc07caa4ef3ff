import type { DType, Shape } from './dtype.ts'
import { type DeviceIdentity, Tensor } from './tensor.ts'

/**
 * Memory on a device that outlives a run: parameters and the state of optimisers. Made by `device.variable`; in a
 * formula it is the value before the run.
 */
export class Variable extends Tensor {
  declare readonly device: DeviceIdentity

  constructor(device: DeviceIdentity, shape: Shape, dtype: DType) {
    super('variable', [], {}, shape, dtype, device)
  }
}
