import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { contractionEntries } from './contraction.ts'
import { elementwiseEntries } from './elementwise.ts'
import { noGradient, type OpEntry } from './entry.ts'
import { formulaEntries } from './formulas.ts'
import { indexingEntries } from './indexing.ts'
import { reductionEntries } from './reductions.ts'
import type { ScalarName } from './rounded.ts'
import { scanEntries } from './scan.ts'
import { viewEntries } from './views.ts'

const leaf = { gradient: noGradient }

/** Nodes without inputs, and loops: what flows back through them is found in `autograd/`. */
const leafEntries = {
  constant: leaf,
  data: leaf,
  input: leaf,
  iota: leaf,
  loop: leaf,
  loopResult: leaf,
  parameter: leaf,
  variable: leaf,
}

/** Every operation's entry, but those of elementwise ones. */
const entries = {
  ...contractionEntries,
  ...formulaEntries,
  ...indexingEntries,
  ...leafEntries,
  ...reductionEntries,
  ...scanEntries,
  ...viewEntries,
}

type OpName = keyof typeof entries
/** Those that `program/` lowers by name. */
export type StructureName = {
  [Name in OpName]: (typeof entries)[Name] extends { readonly formula: unknown } ? never : Name
}[OpName]

export function entryOf(op: string): OpEntry {
  const entry = Object.hasOwn(entries, op) ? entries[op as OpName] : elementwiseEntries.get(op as ScalarName)
  if (!entry) throw new RmaatError('argument', `no operation is called ${shown(op)}`)
  return entry
}
