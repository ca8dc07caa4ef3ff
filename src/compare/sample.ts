import { philox } from '../ops/rounded.ts'
import type { InputSpec } from '../program/program.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Domain } from './domains.ts'

/** The random number of an element, in [0, 1): the same in every run. `stream` tells inputs apart. */
export const uniform = (element: number, stream: number, seed: number): number =>
  philox([element, stream, 0, 0], [seed, 0])[0] / 2 ** 32

/** Inputs of a program: their types, and values of them. */
export interface Sample {
  readonly specs: Readonly<Record<string, InputSpec>>
  readonly values: Readonly<Record<string, Float64Array>>
}

/** The inputs that a domain describes, with reproducible values. */
export function sample({ shapes, dtypes, from = 0, to = 1 }: Domain, seed: number): Sample {
  const specs: Record<string, InputSpec> = {}
  const values: Record<string, Float64Array> = {}
  shapes.forEach((shape, i) => {
    const dtype = dtypes?.[i] ?? 'f32'
    specs[`x${i}`] = { shape, dtype }
    values[`x${i}`] = Float64Array.from({ length: sizeOf(shape) }, (_, element) => {
      const value = from + uniform(element, i, seed) * (to - from)
      return dtype === 'i32' ? Math.floor(value) : Math.fround(value)
    })
  })
  return { specs, values }
}
