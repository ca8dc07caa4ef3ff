import type { ScatterAdd } from '../../program/plan.ts'
import { WORKGROUP } from '../sizes.ts'
import { type Abilities, Block, constants, type Encoded } from './dispatch.ts'
import shared from './modules/call.wgsl.ts'
import text from './modules/scatterAdd.wgsl.ts'
import { joinChunks } from './reduce.ts'

/** Indices that a workgroup reads at a time. */
const TILE = WORKGROUP
/** Enough workgroups to keep a large GPU busy. */
const BUSY = 512
/** A chunk has at least so many tiles of indices. */
const TILES = 2

/** Many indices for a small table are cut into chunks, each with a partial table; these are added in order. */
export function scatterAdd(call: ScatterAdd, abilities: Abilities): Encoded {
  const { x, indices, out, count, width, tableRows, accumulate } = call
  const elements = tableRows * width
  const groups = Math.ceil(elements / TILE)
  if (groups === 0) return { dispatches: [], scratch: 0 }
  const most = Math.max(1, Math.min(Math.ceil(BUSY / groups), Math.floor(count / (TILES * TILE))))
  const length = TILE * Math.ceil(count / most / TILE)
  const chunks = Math.max(1, Math.ceil(count / length) || 1)
  const block = new Block().place(x).place(indices)
  if (chunks === 1) block.place(out)
  else block.scratch()
  block.vector(count, width, tableRows, length).vector(chunks, groups)
  const head = constants({ TILE, ACCUMULATE: accumulate && chunks === 1 })
  const source = `alias Word = u32;\n${head}${shared}\n${text}`
  const add = { name: 'scatterAdd', source, block, groups: groups * chunks }
  if (chunks === 1) return { dispatches: [add], scratch: 0 }
  const join = joinChunks({ op: 'sum', dtype: 'f32', accumulate, out }, elements, chunks, abilities)
  return { dispatches: [add, join], scratch: chunks * elements }
}
