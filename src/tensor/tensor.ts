import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { DType, Shape } from './dtype.ts'
import { checkShape, formatShape } from './shape.ts'

/** What a tensor needs to know of a device: which one it is. All that a device does stands in program/device.ts. */
export interface DeviceIdentity {
  readonly name: string
}

/** A number stands for a scalar of whatever type the other operand has. */
export type TensorLike = Tensor | number

let created = 0

/**
 * A node of the graph: an operation, its inputs, and the shape and type of its result. Making one computes nothing.
 * Inputs are always older than the node itself, so that rising `id` is an order in which a graph can be evaluated.
 * Operations make tensors; the constructor is theirs.
 *
 * The operations are methods here by name (`x.add(y).sum(-1)`); `ops/` installs them.
 */
export class Tensor<Attributes = unknown> {
  /** Rises with every node that is made. */
  readonly id: number
  /** The name of the operation. */
  readonly op: string
  /** What the operation takes. */
  readonly inputs: readonly Tensor[]
  /** What else the operation needs to know: axes, literals. */
  readonly attributes: Attributes
  /** Sizes of the axes; [] of a scalar. */
  readonly shape: Shape
  /** The type of the elements: f32 or i32. */
  readonly dtype: DType
  /** The device of the variables and inputs that it is made from; none for constants. */
  readonly device: DeviceIdentity | undefined

  constructor(
    op: string,
    inputs: readonly Tensor[],
    attributes: Attributes,
    shape: Shape,
    dtype: DType,
    device: DeviceIdentity | undefined = commonDevice(op, inputs),
  ) {
    checkShape(op, shape)
    if (dtype !== 'f32' && dtype !== 'i32')
      throw new RmaatError('dtype', `${op}: the type is ${shown(dtype)}; expected 'f32' or 'i32'`)
    this.id = created++
    this.op = op
    this.inputs = inputs
    this.attributes = attributes
    this.shape = shape
    this.dtype = dtype
    this.device = device
  }

  /** How many axes there are: 0 of a scalar. */
  get rank(): number {
    return this.shape.length
  }

  /** Operation, number, type and shape: `add#7 f32[2, 3]`. */
  toString(): string {
    return `${this.op}#${this.id} ${this.dtype}${formatShape(this.shape)}`
  }
}

function commonDevice(op: string, inputs: readonly Tensor[]): DeviceIdentity | undefined {
  const [device, other] = new Set(inputs.flatMap((input) => input.device ?? []))
  if (!other) return device
  const found = `${device.name} and ${other.name}`
  throw new RmaatError(
    'device',
    `${op}: operands live on two devices, ${found}; read the one and give it to the other as an input`,
  )
}
