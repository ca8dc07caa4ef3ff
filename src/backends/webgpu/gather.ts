import type { Gather } from '../../program/plan.ts'
import { WORKGROUP } from '../sizes.ts'
import { Block, constants, type Encoded } from './dispatch.ts'
import shared from './modules/call.wgsl.ts'
import text from './modules/gather.wgsl.ts'

/** The result for an index out of range: the bits of NaN, or the smallest integer. */
const UNKNOWN = { f32: 0x7fc00000, i32: -0x80000000 } as const

export function gather({ table, indices, out, count, width, tableRows, dtype }: Gather): Encoded {
  const block = new Block().place(table).place(indices).place(out).vector(count, width, tableRows, UNKNOWN[dtype])
  const source = `alias Word = u32;\n${constants({ GROUP: WORKGROUP })}${shared}\n${text}`
  const groups = Math.ceil((count * width) / WORKGROUP)
  return { dispatches: groups ? [{ name: 'gather', source, block, groups }] : [], scratch: 0 }
}
