import type { Domain } from '../../src/ops/row.ts'
import { philox } from '../../src/ops/scalar.ts'
import type { InputSpec } from '../../src/program/program.ts'

/** The inputs that a domain describes, as specifications and as reproducible values. */
export function sample(
  domain: Domain,
  seed: number,
): { specs: Record<string, InputSpec>; values: Record<string, Float64Array> } {
  const specs: Record<string, InputSpec> = {}
  const values: Record<string, Float64Array> = {}
  domain.shapes.forEach((shape, i) => {
    const dtype = domain.dtypes?.[i] ?? 'f32'
    const size = shape.reduce((product, n) => product * n, 1)
    specs[`x${i}`] = { shape, dtype }
    values[`x${i}`] = Float64Array.from({ length: size }, (_, element) => {
      const uniform = philox([element, i, 0, 0], [seed, 0])[0] / 2 ** 32
      const value = (domain.from ?? 0) + uniform * ((domain.to ?? 1) - (domain.from ?? 0))
      return dtype === 'i32' ? Math.floor(value) : Math.fround(value)
    })
  })
  return { specs, values }
}
