import { compile, type Device, type Shape, type Tensor } from '../src/index.ts'
import type { Prepared } from './peers/peer.ts'

/**
 * A formula as a program of its own. Operands and result stay on the device, as they do within a larger program: a run is
 * the kernels and nothing else.
 */
export function formula(
  device: Device,
  operands: readonly (readonly [Shape, ArrayLike<number>])[],
  build: (...operands: Tensor[]) => Tensor,
): Prepared & { readonly close: () => void } {
  const variables = operands.map(([shape, values]) => device.variable(shape, 'f32', values))
  const y = device.variable(build(...variables).shape)
  const program = compile(device, {}, () => ({ updates: [[y, build(...variables)]] }))
  return {
    run: () => program.run({}),
    result: async () => {
      await program.run({})
      return (await device.readVariable(y)) as Float32Array
    },
    close: () => {
      program.close()
      for (const variable of [...variables, y]) device.delete(variable)
    },
  }
}
