import { aFunction, aString, aWord, kind, maybe, takes, takesOptions } from '../checks.ts'
import { aDevice, type Device } from '../program/device.ts'
import type { Shape } from '../tensor/dtype.ts'
import { checkShape } from '../tensor/shape.ts'
import type { Variable } from '../tensor/variable.ts'
import { type Initializer, initialValues, normal } from './init.ts'
import { siteOf } from './random.ts'

export interface VariableOptions {
  /** `normal` draws with the deviation 1 / sqrt(first size), so that products keep their magnitude; or one of `init`. */
  readonly init?: 'zeros' | 'normal' | Initializer
  /** 0 to 2^32 - 1; 0 where none is given. */
  readonly seed?: number
  /**
   * Variables of the same seed and another name begin with other numbers. One without a name is called by its number: it is
   * the n-th of its device that does not begin `zeros` and has none. So two of them differ, and a program that makes them in the
   * same order begins with the same numbers, on any device; a name stays where others come and go.
   */
  readonly name?: string
}

/** How many without a name each device has. */
const unnamed = new WeakMap<Device, number>()

function nextName(device: Device): string {
  const count = (unnamed.get(device) ?? 0) + 1
  unnamed.set(device, count)
  return `variable ${count}`
}

const anInit = kind(
  "'zeros', 'normal' or an initialiser",
  (value) => value === 'zeros' || value === 'normal' || aFunction.fits(value),
)

/** One f32 variable of its own. Models keep theirs side by side in `Parameters`. */
export function variable(device: Device, shape: Shape, options: VariableOptions = {}): Variable {
  takes('variable', { device }, { device: aDevice })
  takesOptions('variable', options, {
    init: maybe(anInit),
    seed: maybe(aWord),
    name: maybe(aString),
  })
  checkShape('variable', shape)
  const { init = 'zeros', seed = 0, name } = options
  if (init === 'zeros') return device.variable(shape)
  const initializer = init === 'normal' ? normal(Math.max(1, shape[0] ?? 1) ** -0.5) : init
  const stream = { seed, site: siteOf(name ?? nextName(device)) }
  return device.variable(shape, 'f32', initialValues('variable', initializer, shape, stream))
}
