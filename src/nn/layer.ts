import { aCount, anObject, takes } from '../checks.ts'
import { expectDType } from '../ops/row.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Throws where a layer is given no tensor of f32, or weights that lack one of those named. */
export function takesLayer(where: string, x: Tensor, weights: object, names: readonly string[] = []): void {
  takes(where, { x, weights }, { x: aTensor, weights: anObject })
  expectDType(where, x, 'f32')
  const given: Readonly<Record<string, unknown>> = { ...weights }
  for (const name of names) takes(where, { [`weights.${name}`]: given[name] }, { [`weights.${name}`]: aTensor })
}

/** Throws where a size, by its name, is no whole number above 0. */
export function takesSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  takes(where, sizes, Object.fromEntries(Object.keys(sizes).map((name) => [name, aCount])))
}
