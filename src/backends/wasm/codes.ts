import { type ScalarName, scalars } from '../../ops/scalar.ts'
import { FIRST_SCALAR } from './opcodes.ts'

/** Two operations in one, without storing what the first one gives: op2(op1(a, b), c), or `from`: c - op1(a, b). */
export const pairs = [
  'add add',
  'add mul',
  'sub mul',
  'mul add',
  'mul sub',
  'mul from',
  'mul mul',
  'sub exp',
  'mul exp',
  'mul erf',
] as const satisfies readonly `${ScalarName} ${ScalarName | 'from'}`[]

const names: readonly string[] = [...Object.keys(scalars), ...pairs]

/** Scalar operations and pairs as the kernels number them; scripts/build-wasm.mjs writes the kernels' side. */
export const codes = Object.fromEntries(names.map((name, i) => [name, FIRST_SCALAR + i])) as Readonly<
  Record<ScalarName | (typeof pairs)[number], number>
>
