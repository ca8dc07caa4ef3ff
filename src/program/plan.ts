import type { ScalarName } from '../ops/rounded.ts'
import type { DType, Shape } from '../tensor/dtype.ts'

/**
 * A Plan is a program as plain data: a flat list of kernel calls over numbered buffers. It can be cloned to a worker,
 * printed, and run by any backend. All offsets, strides and sizes count elements of four bytes.
 */
export interface Plan {
  readonly buffers: readonly Buffer[]
  readonly instructions: readonly Instruction[]
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly memory: Memory
}

/** Memory that a plan reads or writes. Buffer 0 is always the arena. */
export type Buffer =
  | { readonly kind: 'arena'; readonly elements: number }
  | { readonly kind: 'input'; readonly name: string; readonly elements: number }
  | { readonly kind: 'variable'; readonly id: number; readonly elements: number }
  | { readonly kind: 'constant'; readonly values: Float64Array; readonly dtype: DType; readonly elements: number }

/** What a plan takes, in elements; `Program.memory` and the events of a training have the same in bytes. */
export interface Memory {
  /** The whole arena: results and replay buffers, allocated by their live ranges. */
  readonly arena: number
  /** Of it, what loops keep for their replay, the most at a time: the records of their carries, and what is held. */
  readonly replay: number
  /** Inputs, held for the time of a run. */
  readonly inputs: number
  /** Variables that the program reads or writes. */
  readonly variables: number
}

/** A named tensor that goes into a program or comes out of it. */
export interface Port {
  readonly name: string
  readonly dtype: DType
  readonly shape: Shape
  readonly view: View
}

/** A place in a buffer: element `offset` + the sum over the enclosing loops, outermost first, of iteration x loop stride. */
export interface Place {
  readonly buffer: number
  readonly offset: number
  readonly loopStrides: readonly number[]
}

export interface Axis {
  readonly size: number
  readonly stride: number
}

/** A strided tensor at a place, axes outermost first. */
export interface View extends Place {
  readonly axes: readonly Axis[]
}

/** A call that computes. What is known of each kind stands in `kernels.ts`. */
export type Kernel = Fused | Reduce | Matmul | Scan | Gather | ScatterAdd
export type KernelOf<Kind extends Kernel['kind']> = Extract<Kernel, { kind: Kind }>

export type Instruction = Loop | { readonly kind: 'end' } | Kernel

/** Runs the instructions up to its `end` `count` times. */
export interface Loop {
  readonly kind: 'loop'
  readonly count: number
  /**
   * Only where iterations are independent: the last part of the arena, which holds the private results of one iteration.
   * Threads that run iterations at the same time need one such part each.
   */
  readonly threadPrivate?: { readonly offset: number; readonly elements: number }
}

/** The loop in which a value of a fused program is computed: for each element, or once for each row of elements. */
export type Level = 'inner' | 'outer'

/** A fused scalar program over `rows` rows of `width` elements each, in static single assignment form. */
export interface Fused {
  readonly kind: 'fused'
  readonly rows: number
  readonly width: number
  readonly operands: readonly FusedOperand[]
  /** Loop-invariant steps, whose values are the same for every row or block of rows: run once, before the others. */
  readonly prologue: readonly Step[]
  readonly steps: readonly Step[]
}

/** Elements in memory, or (`index`) element numbers as i32: offset + sum of index x stride. */
export type FusedOperand = { readonly kind: 'memory' | 'index'; readonly dtype: DType; readonly view: View }

/** Makes value `to` of the values `args`, as an SSA instruction does. A store makes none. */
export type Step =
  | (Made & { readonly op: 'load'; readonly operand: number })
  | (Omit<Made, 'to'> & { readonly op: 'store'; readonly operand: number })
  | (Made & { readonly op: 'constant'; readonly dtype: DType; readonly value: number })
  | (Made & { readonly op: 'broadcast' })
  | (Made & { readonly op: 'sum' | 'max'; readonly dtype: DType })
  | ScalarStep

interface Made {
  readonly level: Level
  readonly to: number
  readonly args: readonly number[]
}

export interface ScalarStep extends Made {
  readonly op: ScalarName
  /** Of `philox` alone. */
  readonly seed?: number
  readonly site?: number
}

/** out[kept...] (+)= sum or max over the reduced axes of x[kept..., reduced...]; `out` is contiguous in the order of `kept`. */
export interface Reduce {
  readonly kind: 'reduce'
  readonly op: 'sum' | 'max'
  readonly dtype: DType
  readonly accumulate: boolean
  readonly out: Place
  readonly x: Place
  readonly kept: readonly Axis[]
  readonly reduced: readonly Axis[]
}

/** out[batch, m, n] (+)= sum over k of a[batch, m, k] x b[batch, k, n]; each of the four is a list of axes. */
export interface Matmul {
  readonly kind: 'matmul'
  readonly accumulate: boolean
  readonly a: Place
  readonly b: Place
  readonly out: Place
  readonly batch: readonly ProductAxis[]
  readonly m: readonly ProductAxis[]
  readonly n: readonly ProductAxis[]
  readonly k: readonly ProductAxis[]
}

/** An axis with its stride in each operand: 0 where the operand does not have it. */
export interface ProductAxis {
  readonly size: number
  readonly a: number
  readonly b: number
  readonly out: number
}

/**
 * out[lane, t] = a[lane, t - 1] x out[lane, t - 1] + b[lane, t], or in reverse a[lane, t] x out[lane, t + 1] + b[lane, t]; the
 * first step is b's alone, and a has a step less. `out` is contiguous in the order of the axes that these come from.
 */
export interface Scan {
  readonly kind: 'scan'
  readonly a: Place
  readonly b: Place
  readonly out: Place
  readonly reverse: boolean
  /** Whether the imaginary part of a is taken with the other sign. */
  readonly conjugate: boolean
  readonly steps: ProductAxis
  /** Real numbers have one part, complex ones two: the real and the imaginary one. */
  readonly parts: ProductAxis
  readonly lanes: readonly ProductAxis[]
}

/** `count` indices of rows of a table [tableRows, width]; all contiguous. */
interface Indexed {
  readonly indices: Place
  readonly out: Place
  readonly count: number
  readonly width: number
  readonly tableRows: number
}

/** out[i, :] = table[indices[i], :]. An index out of range gives NaN. */
export interface Gather extends Indexed {
  readonly kind: 'gather'
  readonly dtype: DType
  readonly table: Place
}

/** out[indices[i], :] += x[i, :] in the order of i, from zero unless `accumulate`; an index out of range is dropped. */
export interface ScatterAdd extends Indexed {
  readonly kind: 'scatterAdd'
  readonly accumulate: boolean
  readonly x: Place
}
