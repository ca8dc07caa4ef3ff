import type { DType, Shape } from './dtype.ts'
import { type DeviceIdentity, Tensor } from './tensor.ts'

let created = 0

/** Memory on a device that outlives a run: parameters and the state of optimisers. Made by `device.variable`. */
export class Variable {
  readonly id: number
  readonly device: DeviceIdentity
  readonly shape: Shape
  readonly dtype: DType
  /** Its value before the run, in any formula. */
  readonly tensor: Tensor<{ variable: Variable }>

  constructor(device: DeviceIdentity, shape: Shape, dtype: DType) {
    this.id = created++
    this.device = device
    this.shape = shape
    this.dtype = dtype
    this.tensor = new Tensor('variable', [], { variable: this }, shape, dtype, device)
  }
}
