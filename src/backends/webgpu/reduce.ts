import { elementsOf } from '../../program/axes.ts'
import type { Reduce } from '../../program/plan.ts'
import { WORKGROUP } from '../sizes.ts'
import { combiners, lanesFor, specialize } from './combine.ts'
import { type Abilities, Block, constants, type Dispatch, type Encoded } from './dispatch.ts'
import axes from './modules/axes.wgsl.ts'
import shared from './modules/call.wgsl.ts'
import numbers from './modules/numbers.wgsl.ts'
import text from './modules/reduce.wgsl.ts'

const GROUP = WORKGROUP
/** Enough workgroups to keep a large GPU busy. */
const BUSY = 512
/** The fewest terms of a lane in a chunk. */
const TERMS = 16
/** Fewer chunks save less time than the second dispatch takes. */
const CHUNKS = 4
/** So few outputs do not fill neighbouring lanes. */
const FEW = 32
const UNIT = { size: 1, stride: 0 }

export function reduce(call: Reduce, abilities: Abilities): Encoded {
  const [outputs, terms] = [elementsOf(call.kept), elementsOf(call.reduced)]
  if (outputs === 0) return { dispatches: [], scratch: 0 }
  const chunks = chunksOf(call, outputs, terms, abilities)
  if (chunks === 1) return { dispatches: [dispatch(call, abilities, 1)], scratch: 0 }
  const partial = dispatch({ ...call, accumulate: false }, abilities, chunks, 'out')
  return { dispatches: [partial, joinChunks(call, outputs, chunks, abilities)], scratch: chunks * outputs }
}

/** Reduces scratch[chunk, output] over the chunks. */
export function joinChunks(
  { op, dtype, accumulate, out }: Pick<Reduce, 'op' | 'dtype' | 'accumulate' | 'out'>,
  outputs: number,
  chunks: number,
  abilities: Abilities,
): Dispatch {
  const kept = [{ size: outputs, stride: 1 }]
  const reduced = [{ size: chunks, stride: outputs }]
  return dispatch({ kind: 'reduce', op, dtype, accumulate, out, x: out, kept, reduced }, abilities, 1, 'x')
}

/** How many lanes share an output, and whether neighbouring lanes take neighbouring terms: else neighbouring outputs. */
function shape({ kept, reduced }: Reduce, abilities: Abilities): { lanes: number; adjacent: boolean } {
  const terms = elementsOf(reduced)
  const adjacent = kept.at(-1)?.stride !== 1 || elementsOf(kept) < FEW
  if (adjacent) return { lanes: lanesFor(terms, GROUP, abilities), adjacent }
  return { lanes: Math.min(8, 2 ** Math.floor(Math.log2(Math.max(terms, 1)))), adjacent }
}

function chunksOf(call: Reduce, outputs: number, terms: number, abilities: Abilities): number {
  const { lanes } = shape(call, abilities)
  const groups = Math.ceil(outputs / (GROUP / lanes))
  const chunks = Math.min(Math.ceil(BUSY / groups), Math.floor(terms / (TERMS * lanes)))
  return chunks < CHUNKS ? 1 : chunks
}

function dispatch(call: Reduce, abilities: Abilities, chunks: number, inScratch?: 'out' | 'x'): Dispatch {
  const [outputs, terms] = [elementsOf(call.kept), elementsOf(call.reduced)]
  const { lanes, adjacent } = shape(call, abilities)
  const perGroup = GROUP / lanes
  const combination = `${call.op}_${call.dtype}` as const
  const { enable, text: combiner } = combiners(
    [combination],
    { group: GROUP, lanes, stride: adjacent ? 1 : perGroup },
    abilities,
  )
  // with as many axes as another sum's, they share a shader
  const kept = [UNIT, UNIT, ...call.kept].slice(-Math.max(2, call.kept.length))
  const block = new Block()
  for (const name of ['out', 'x'] as const) inScratch === name ? block.scratch() : block.place(call[name])
  block.vector(outputs, terms, Math.ceil(terms / chunks), chunks)
  block.axes(...[...kept, ...call.reduced].map(({ size, stride }) => [size, stride]))
  const head = constants({
    OUTPUTS: `${perGroup}u`,
    TERMS_ADJACENT: adjacent,
    ACCUMULATE: call.accumulate,
    KEPT: kept.length,
    REDUCED: call.reduced.length,
  })
  return {
    name: 'reduce',
    source: `${enable}alias Word = u32;\n${head}${numbers}\n${combiner}\n${shared}\n${axes}\n${specialize(text, combination)}`,
    block,
    groups: Math.ceil(outputs / perGroup) * chunks,
  }
}
