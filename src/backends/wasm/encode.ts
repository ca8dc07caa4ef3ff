import { RmaatError } from '../../errors.ts'
import { elementsOf } from '../../program/axes.ts'
import type { Axis, Instruction, Loop, Place, Plan, Rows } from '../../program/plan.ts'
import { checkCounts } from '../counts.ts'
import { aligned } from '../heap.ts'
import { LOOP_DEPTH } from '../nesting.ts'
import * as code from './opcodes.ts'
import { type Sharing, share } from './sharing.ts'
import { encodeStep, machineRows } from './steps.ts'

/** Lanes of a block: few enough that its registers stay in the second-level cache, enough to share the cost of interpreting. */
const BLOCK_LANES = 2048

/**
 * An activation of a slice takes at most so much: with all that is near it in a program, it stays in a core's second-level
 * cache. Four times as much is as fast on two cores, but leaves too few slices of small models for more of them.
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
  /** Scratch that its hungriest kernel needs in each thread, in bytes. */
  readonly scratch: number
  readonly sharing: Sharing
}

/** What its threads need in bytes, where there are so many: scratch, and what the others have for themselves behind the arena. */
export function threadBytes(
  { instructions }: Plan,
  { scratch, sharing }: Encoded,
  threads: number,
): { scratch: number; own: number } {
  const count = sharing.worthwhile ? threads : 1
  const parts = instructions.map((call) => (call.kind === 'loop' && call.own ? call.own.elements * 4 : 0))
  return { scratch: scratch * count, own: Math.max(0, ...parts) * (count - 1) }
}

/** What a program takes beside arena, inputs and variables, in bytes, where there are so many threads. */
export function workspaceOf(plan: Plan, threads: number, encoded: Encoded = encode(plan, threads)): number {
  const { scratch, own } = threadBytes(plan, encoded, threads)
  // what begins at an address of its own ends at the next one
  const beside = plan.buffers.reduce((sum, buffer) => {
    if (buffer.kind === 'arena') return sum
    const bytes = buffer.elements * 4
    return sum + aligned(bytes) - (buffer.kind === 'constant' ? 0 : bytes)
  }, 0)
  return aligned(encoded.words.byteLength) + scratch + own + beside
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

  const place = ({ buffer, offset, steps }: Place): void => {
    relocations.push({ word: words.length, buffer, bytes: offset * 4 })
    const own = open[0]?.loop.own
    const isOwn = own && buffer === 0 && offset >= own.offset
    words.push(0, ...[0, 1].map((depth) => (steps[depth] ?? 0) * 4), isOwn ? own.elements * 4 : 0)
  }
  const instruction = (opcode: number, write: () => void): void => {
    const start = words.length
    words.push(opcode + 256 * sharing.parts[starts.length - 1], 0)
    write()
    words[start + 1] = words.length - start
  }
  const axes = (list: readonly Axis[]): void => {
    for (const { size, stride } of list) words.push(size, stride * 4)
  }

  const rows = (call: Rows): void => {
    const start = words.length - 2
    const { prologue, steps, registers } = machineRows(call)
    // no fewer blocks than threads that are worth it
    const parts = Math.min(sharing.parts[starts.length - 1], threads)
    const blockRows = Math.max(1, Math.min(Math.ceil(call.rows / parts), Math.floor(BLOCK_LANES / call.width)))
    // whole groups of four lanes, and one to spare: runs that begin anywhere are filled by groups
    const registerBytes = Math.max(64, Math.ceil((blockRows * call.width) / 4) * 16) + 16
    scratch = Math.max(scratch, Math.ceil((registers * 4) / 64) * 64 + registers * registerBytes)
    words.push(
      call.rows,
      call.width,
      blockRows,
      registerBytes,
      registers,
      call.operands.length,
      prologue.length,
      steps.length,
    )
    const operands = call.operands.map(({ kind, view }) => {
      const at = words.length - start
      if (kind === 'index') {
        words.push(code.INDEX, view.offset, ...[0, 1].map((depth) => view.steps[depth] ?? 0), 0, view.axes.length)
        for (const { size, stride } of view.axes) words.push(size, stride)
      } else {
        words.push(code.MEMORY)
        place(view)
        words.push(view.axes.length)
        axes(view.axes)
      }
      return at
    })
    for (const step of [...prologue, ...steps]) words.push(...encodeStep(step, call.width, operands))
  }

  plan.instructions.forEach((call, i) => {
    starts.push(words.length)
    if (sharing.barriers[i]) words.push(code.BARRIER, 2)
    if (call.kind !== 'loop' && call.kind !== 'end') checkCounts(call)
    switch (call.kind) {
      case 'loop': {
        if (open.length === LOOP_DEPTH) throw new RmaatError('internal', `loops nest deeper than ${LOOP_DEPTH}`)
        const begin = words.length
        if (call.own) instruction(code.EACH, () => words.push(open.length, call.count, 0))
        else instruction(code.LOOP, () => words.push(open.length))
        open.push({ begin, body: words.length, loop: call })
        break
      }
      case 'end': {
        const { begin, body, loop } = open.pop()!
        instruction(loop.own ? code.EACH_END : code.END, () => {
          words.push(open.length, loop.count)
          jumps.push({ word: words.length, target: body })
          words.push(0)
        })
        if (loop.own) jumps.push({ word: begin + 4, target: words.length })
        break
      }
      case 'rows':
        instruction(code.ROWS, () => rows(call))
        break
      case 'reduce':
        scratch = Math.max(scratch, REDUCE_SCRATCH)
        instruction(code.REDUCE, () => {
          words.push(reduceCode(call), Number(call.accumulate))
          place(call.out)
          place(call.x)
          words.push(call.kept.length, call.reduced.length)
          axes(call.kept)
          axes(call.reduced)
        })
        break
      case 'matmul':
        scratch = Math.max(scratch, matmulScratch(call))
        instruction(code.MATMUL, () => {
          const { batch, m, n, k } = call
          words.push(Number(call.accumulate))
          for (const operand of [call.a, call.b, call.out]) place(operand)
          words.push(batch.length, m.length, n.length, k.length)
          for (const axis of batch) words.push(axis.size, axis.a * 4, axis.b * 4, axis.out * 4)
          for (const axis of m) words.push(axis.size, axis.a * 4, axis.out * 4)
          for (const axis of n) words.push(axis.size, axis.b * 4, axis.out * 4)
          for (const axis of k) words.push(axis.size, axis.a * 4, axis.b * 4)
        })
        break
      case 'gather':
        instruction(code.GATHER, () => {
          words.push(Number(call.dtype === 'f32'))
          for (const operand of [call.table, call.indices, call.out]) place(operand)
          words.push(call.count, call.width, call.tableRows)
        })
        break
      case 'scatterAdd':
        instruction(code.SCATTER_ADD, () => {
          words.push(Number(call.accumulate))
          for (const operand of [call.x, call.indices, call.out]) place(operand)
          words.push(call.count, call.width, call.tableRows)
        })
    }
  })
  starts.push(words.length)
  words.push(code.STOP, 2)
  return { words: Int32Array.from(words), relocations, jumps, starts, scratch: Math.ceil(scratch / 64) * 64, sharing }
}

const reduceCode = ({ op, dtype }: Extract<Instruction, { kind: 'reduce' }>): number =>
  dtype === 'f32'
    ? op === 'sum'
      ? code.REDUCE_SUM
      : code.REDUCE_MAX
    : op === 'sum'
      ? code.REDUCE_SUM_I
      : code.REDUCE_MAX_I

// What assembly/matmul.ts and assembly/reduce.ts say that they need.
const REDUCE_SCRATCH = 4 * 512 * 8

function matmulScratch({ m, n, k }: Extract<Instruction, { kind: 'matmul' }>): number {
  const [rows, columns, inner] = [
    Math.min(elementsOf(m), 160),
    Math.min(elementsOf(n), 1024),
    Math.min(elementsOf(k), 288),
  ]
  const panels = Math.ceil(columns / 8)
  return 512 + 8 * (rows + columns + inner + 21) + panels + 64 + 32 * inner * (1 + panels)
}
