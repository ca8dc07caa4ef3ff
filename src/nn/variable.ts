import type { Device } from '../program/device.ts'
import type { Shape } from '../tensor/dtype.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Variable } from '../tensor/variable.ts'
import { normal, siteOf } from './random.ts'

export interface VariableOptions {
  /** `normal` draws with the deviation 1 / sqrt(first size), so that products keep their magnitude. */
  readonly init?: 'zeros' | 'normal'
  readonly seed?: number
  /** Variables of the same seed and another name begin with other numbers. */
  readonly name?: string
}

/** One f32 variable of its own. Models keep theirs side by side in `Parameters`. */
export function variable(
  device: Device,
  shape: Shape,
  { init = 'zeros', seed = 0, name = '' }: VariableOptions = {},
): Variable {
  const std = (shape[0] ?? 1) ** -0.5
  const values = init === 'normal' ? normal(sizeOf(shape), { seed, site: siteOf(name), std }) : undefined
  return device.variable(shape, 'f32', values)
}
