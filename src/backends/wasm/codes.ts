import { type ScalarName, scalarNames } from '../../ops/rounded.ts'
import { FIRST_SCALAR } from './opcodes.ts'

/** Two operations in one, without a register in between: op2(op1(a, b), c), or `from`: c - op1(a, b). */
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
] as const satisfies readonly `${ScalarName} ${ScalarName | 'from'}`[]

const names: readonly string[] = [...scalarNames, ...pairs]

/** The opcodes of scalar operations and pairs, from which scripts/build-wasm.mjs writes the interpreter's switch. */
export const codes = Object.fromEntries(names.map((name, i) => [name, FIRST_SCALAR + i])) as Readonly<
  Record<ScalarName | (typeof pairs)[number], number>
>
