import { RmaatError } from '../../errors.ts'
import type { Loop, Place, Plan } from '../../program/plan.ts'
import { checkCounts } from '../counts.ts'
import { aligned } from '../heap.ts'
import { LOOP_DEPTH } from '../sizes.ts'
import { kernelOf, type Writer } from './kernels.ts'
import * as code from './opcodes.ts'
import { type Sharing, share } from './sharing.ts'

/**
 * The most that an activation of a slice may take: with the activations around it, it stays in a core's second-level cache.
 * Four times as much is as fast on two cores, but leaves small models too few slices for more cores.
 */
export const SLICE_BYTES = 2 ** 15

/** A program in words. Addresses in it are byte offsets within a buffer, until `relocations` are applied. */
export interface Encoded {
  readonly words: Int32Array
  readonly relocations: readonly { readonly word: number; readonly buffer: number; readonly bytes: number }[]
  /** Words that hold the address of another word of the program. */
  readonly jumps: readonly { readonly word: number; readonly target: number }[]
  /** The first word of each instruction, and one more behind the last. */
  readonly starts: readonly number[]
  /** Bytes of scratch for each thread: the most that one of its kernels needs. */
  readonly scratch: number
  readonly sharing: Sharing
}

/** What so many threads need, in bytes: scratch, and behind the arena a thread-private part for each but the first. */
export function threadBytes(
  { instructions }: Plan,
  { scratch, sharing }: Encoded,
  threads: number,
): { scratch: number; threadPrivate: number } {
  const count = sharing.worthwhile ? threads : 1
  const parts = instructions.map((call) =>
    call.kind === 'loop' && call.threadPrivate ? call.threadPrivate.elements * 4 : 0,
  )
  return { scratch: scratch * count, threadPrivate: Math.max(0, ...parts) * (count - 1) }
}

/** What a program takes beside arena, inputs and variables on so many threads, in bytes. */
export function workspaceOf(plan: Plan, threads: number, encoded: Encoded = encode(plan, threads)): number {
  const { scratch, threadPrivate } = threadBytes(plan, encoded, threads)
  // buffers with addresses of their own are padded to the heap's alignment
  const beside = plan.buffers.reduce((sum, buffer) => {
    if (buffer.kind === 'arena') return sum
    const bytes = buffer.elements * 4
    return sum + aligned(bytes) - (buffer.kind === 'constant' ? 0 : bytes)
  }, 0)
  return aligned(encoded.words.byteLength) + scratch + threadPrivate + beside
}

/**
 * @param threads that may share it
 * @param grain see `share`
 */
export function encode(plan: Plan, threads: number, grain?: number): Encoded {
  const sharing = share(plan, grain)
  const words: number[] = []
  const relocations: Encoded['relocations'][number][] = []
  const jumps: Encoded['jumps'][number][] = []
  const starts: number[] = []
  const open: { begin: number; body: number; loop: Loop }[] = []
  let scratch = 0
  let begun = 0

  const place = ({ buffer, offset, loopStrides }: Place): void => {
    relocations.push({ word: words.length, buffer, bytes: offset * 4 })
    const part = open[0]?.loop.threadPrivate
    const isPrivate = part && buffer === 0 && offset >= part.offset
    const loops = Array.from({ length: LOOP_DEPTH }, (_, depth) => (loopStrides[depth] ?? 0) * 4)
    words.push(0, ...loops, isPrivate ? part.elements * 4 : 0)
  }
  const instruction = (opcode: number, write: () => void): void => {
    begun = words.length
    words.push(opcode + 256 * sharing.parts[starts.length - 1], 0)
    write()
    words[begun + 1] = words.length - begun
  }
  const writer: Writer = {
    at: () => words.length - begun,
    push: (...list) => void words.push(...list),
    place,
    axes: (list) => {
      for (const { size, stride } of list) words.push(size, stride * 4)
    },
  }

  plan.instructions.forEach((call, i) => {
    starts.push(words.length)
    if (sharing.barriers[i]) words.push(code.BARRIER, 2)
    switch (call.kind) {
      case 'loop': {
        if (open.length === LOOP_DEPTH) throw new RmaatError('internal', `loops nest deeper than ${LOOP_DEPTH}`)
        const begin = words.length
        if (call.threadPrivate) instruction(code.PARALLEL, () => words.push(open.length, call.count, 0))
        else instruction(code.LOOP, () => words.push(open.length))
        open.push({ begin, body: words.length, loop: call })
        break
      }
      case 'end': {
        const { begin, body, loop } = open.pop()!
        instruction(loop.threadPrivate ? code.PARALLEL_END : code.END, () => {
          words.push(open.length, loop.count)
          jumps.push({ word: words.length, target: body })
          words.push(0)
        })
        if (loop.threadPrivate) jumps.push({ word: begin + 4, target: words.length })
        break
      }
      default: {
        checkCounts(call)
        const { opcode, write } = kernelOf(call)
        const parts = Math.min(sharing.parts[i], threads)
        instruction(opcode, () => {
          scratch = Math.max(scratch, write(call, writer, parts))
        })
      }
    }
  })
  starts.push(words.length)
  words.push(code.STOP, 2)
  return { words: Int32Array.from(words), relocations, jumps, starts, scratch: Math.ceil(scratch / 64) * 64, sharing }
}
