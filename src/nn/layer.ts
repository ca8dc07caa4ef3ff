import { aCount, anObject, takes } from '../checks.ts'
import { expectDType } from '../ops/entry.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Checks that a layer's input is an f32 tensor, and that its weights have the given names. */
export function takesLayer(where: string, x: Tensor, weights: object, names: readonly string[] = []): void {
  takes(where, { x, weights }, { x: aTensor, weights: anObject })
  expectDType(where, x, 'f32')
  const given: Readonly<Record<string, unknown>> = { ...weights }
  for (const name of names) takes(where, { [`weights.${name}`]: given[name] }, { [`weights.${name}`]: aTensor })
}

/** Checks that sizes, by name, are whole numbers above 0. */
export function takesSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  takes(where, sizes, Object.fromEntries(Object.keys(sizes).map((name) => [name, aCount])))
}
