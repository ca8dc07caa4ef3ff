import { RmaatError } from '../../errors.ts'
import { isKernel } from '../../program/kernels.ts'
import type { Kernel, KernelOf, Plan } from '../../program/plan.ts'
import { checkCounts, MOST } from '../counts.ts'
import { LOOP_DEPTH } from '../sizes.ts'
import { beside, type Joint } from './beside.ts'
import { type Abilities, type Encoded, SCRATCH } from './dispatch.ts'
import { fused } from './fused.ts'
import { gather } from './gather.ts'
import { matmul } from './matmul.ts'
import { reduce } from './reduce.ts'
import { scan } from './scan.ts'
import { scatterAdd } from './scatterAdd.ts'

/** A block that holds the iteration of the enclosing loops. */
export const ITERATION_BYTES = 16

/** A dispatch with the place of its uniform block, in bytes. */
export interface Placed extends Joint {
  readonly at: number
}

/** A plan as dispatches, with all their uniforms in one buffer: a block for each dispatch, then one for each iteration. */
export interface EncodedPlan {
  /** Of each instruction; loops, their ends and what runs beside an earlier instruction have none. */
  readonly dispatches: readonly (readonly Placed[])[]
  readonly uniforms: Int32Array
  /** Words of `uniforms` that hold an element of the heap: where `buffer` lies plus `offset`. */
  readonly places: readonly { readonly word: number; readonly buffer: number; readonly offset: number }[]
  /** Bytes from the start of the block of iteration (0, 0) to those of (1, 0) and (0, 1). */
  readonly iterations: { readonly at: number; readonly outer: number; readonly inner: number }
  /** Bytes of the largest block. */
  readonly blockBytes: number
  /** Elements of scratch: the most that one instruction needs. */
  readonly scratch: number
}

/** `alignment`: of uniform blocks on this device, in bytes. */
export function encode(plan: Plan, abilities: Abilities, alignment: number): EncodedPlan {
  const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment
  const blocks: Placed[] = []
  const counts = [1, 1]
  LOOP_DEPTH satisfies 2 // a place holds two loop strides, a block two iterations
  let at = 0
  let blockBytes = ITERATION_BYTES
  let depth = 0
  const place = (dispatch: Joint): Placed => {
    const placed = { ...dispatch, at }
    const bytes = dispatch.block.words.length * 4
    blocks.push(placed)
    at += aligned(bytes)
    blockBytes = Math.max(blockBytes, bytes)
    return placed
  }
  const encoded = plan.instructions.map((instruction): Encoded => {
    if (instruction.kind === 'loop') {
      if (depth === LOOP_DEPTH) throw new RmaatError('internal', `loops nest deeper than ${LOOP_DEPTH}`)
      counts[depth] = Math.max(counts[depth], instruction.count)
      depth++
    }
    if (instruction.kind === 'end') depth--
    return isKernel(instruction) ? encodeKernel(instruction, abilities) : { dispatches: [], scratch: 0 }
  })
  const { dispatches: joint, scratch } = beside(plan.instructions, encoded, abilities)
  const dispatches = joint.map((own) => own.map(place))

  const iterations = { at, outer: counts[1] * alignment, inner: alignment }
  // every block can be bound with the length of the longest
  const bytes = at + counts[0] * iterations.outer + aligned(blockBytes)
  if (bytes > MOST)
    throw new RmaatError(
      'memory',
      `the program takes ${bytes} bytes of uniforms, nearly all for the iterations of its loops; at most ${MOST} can be addressed`,
    )
  const uniforms = new Int32Array(bytes / 4)
  for (const { block, at: start } of blocks) uniforms.set(block.words, start / 4)
  for (let outer = 0; outer < counts[0]; outer++) {
    for (let inner = 0; inner < counts[1]; inner++) {
      uniforms.set([outer, inner], (at + outer * iterations.outer + inner * iterations.inner) / 4)
    }
  }
  const places = blocks.flatMap(({ block, at: start }) =>
    block.places.map(({ word, buffer, offset }) => ({ word: start / 4 + word, buffer, offset })),
  )
  return { dispatches, uniforms, places, iterations, blockBytes, scratch }
}

const kernels: {
  readonly [Kind in Kernel['kind']]: (call: KernelOf<Kind>, on: Abilities) => Encoded
} = {
  fused,
  reduce,
  matmul,
  scan,
  gather,
  scatterAdd,
}

function encodeKernel(call: Kernel, abilities: Abilities): Encoded {
  checkCounts(call, MOST)
  return kernels[call.kind](call as never, abilities)
}

/** Writes the places into the uniforms. `bases`: the first element of each buffer of the plan. */
export function link({ uniforms, places }: EncodedPlan, bases: readonly number[], scratch: number): void {
  for (const { word, buffer, offset } of places) {
    uniforms[word] = (buffer === SCRATCH ? scratch : bases[buffer]) + offset
  }
}
