import type { Gather, ScatterAdd } from '../../program/plan.ts'
import { Block, constants, type Encoded } from './dispatch.ts'
import shared from './modules/call.wgsl.ts'
import gatherText from './modules/gather.wgsl.ts'
import scatterText from './modules/scatterAdd.wgsl.ts'

const GROUP = 256
/** What a row that the table has not holds: the bits of NaN, or the smallest integer. */
const UNKNOWN = { f32: 0x7fc00000, i32: -0x80000000 } as const

export function gather({ table, indices, out, count, width, tableRows, dtype }: Gather): Encoded {
  const block = new Block().place(table).place(indices).place(out).row(count, width, tableRows, UNKNOWN[dtype])
  const source = `alias Word = u32;\n${shared}\n${gatherText}`
  const groups = Math.ceil((count * width) / GROUP)
  return { dispatches: groups ? [{ name: 'gather', source, block, groups }] : [], scratch: 0 }
}

export function scatterAdd({ x, indices, out, count, width, tableRows, accumulate }: ScatterAdd): Encoded {
  const block = new Block().place(x).place(indices).place(out).row(count, width, tableRows)
  const source = `alias Word = u32;\n${constants({ ACCUMULATE: accumulate })}${shared}\n${scatterText}`
  const groups = Math.ceil((tableRows * width) / GROUP)
  return { dispatches: groups ? [{ name: 'scatterAdd', source, block, groups }] : [], scratch: 0 }
}
