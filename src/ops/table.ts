import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { contractionRows } from './contraction.ts'
import { elementwiseRows } from './elementwise.ts'
import { formulaRows } from './formulas.ts'
import { indexingRows } from './indexing.ts'
import { reductionRows } from './reductions.ts'
import { noGradient, type OpRow } from './row.ts'
import { viewRows } from './views.ts'

const leaf = { gradient: noGradient }

/** Nodes without inputs, and loops: what flows back through them is found in `autograd/`. */
const leafRows = {
  constant: leaf,
  data: leaf,
  input: leaf,
  iota: leaf,
  loop: leaf,
  loopResult: leaf,
  parameter: leaf,
  variable: leaf,
}

/** Every operation's row. */
const rows = {
  ...contractionRows,
  ...elementwiseRows,
  ...formulaRows,
  ...indexingRows,
  ...leafRows,
  ...reductionRows,
  ...viewRows,
}

type OpName = keyof typeof rows
/** Those that `program/` lowers by name. */
export type StructureName = {
  [Name in OpName]: (typeof rows)[Name] extends { readonly scalar: unknown } | { readonly formula: unknown }
    ? never
    : Name
}[OpName]

export function rowOf(op: string): OpRow {
  if (!Object.hasOwn(rows, op)) throw new RmaatError('argument', `no operation is called ${shown(op)}`)
  return rows[op as OpName]
}
