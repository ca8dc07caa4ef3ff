import { elementsOf } from '../../program/axes.ts'
import type { Scan } from '../../program/plan.ts'
import { inOrder } from '../../program/scan.ts'
import { WORKGROUP } from '../sizes.ts'
import { Block, constants, type Encoded } from './dispatch.ts'
import shared from './modules/call.wgsl.ts'
import text from './modules/scan.wgsl.ts'

/** Lanes of a workgroup that does not cut its steps. */
const GROUP = 64
/** So many lanes keep a large GPU busy. */
const BUSY = 16384
/** The fewest steps of a chunk, and the most chunks: neighbouring lanes are read together. */
const STEPS = 16
const CHUNKS = 32
/** Steps that are read at once. */
const BATCH = 8

export function scan(call: Scan): Encoded {
  const { a, b, out, steps } = inOrder(call)
  const { parts, lanes, conjugate } = call
  const count = elementsOf(lanes)
  const most = count < BUSY ? Math.min(CHUNKS, Math.max(1, steps.size / STEPS)) : 1
  const chunks = 2 ** Math.floor(Math.log2(most))
  const group = chunks > 1 ? WORKGROUP : GROUP
  const block = new Block()
    .place(a)
    .place(b)
    .place(out)
    .vector(count, steps.size, Math.ceil(steps.size / chunks))
  for (const axis of [steps, parts]) block.vector(axis.a, axis.b, axis.out)
  block.axes(...lanes.map((axis) => [axis.size, axis.a, axis.b, axis.out]))
  if (lanes.length === 0) block.vector() // the shader's list has one at least
  const head = constants({
    GROUP: group,
    LANES: group / chunks,
    CHUNKS: chunks,
    BATCH,
    RANK: lanes.length,
    COMPLEX: parts.size === 2,
    SIGN: conjugate ? '-1.0' : '1.0',
  })
  const source = `alias Word = u32;\n${head}${shared}\n${text}`
  return { dispatches: [{ name: 'scan', source, block, groups: Math.ceil((count * chunks) / group) }], scratch: 0 }
}
