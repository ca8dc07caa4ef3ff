import type { ScalarName } from '../ops/scalar.ts'
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

/** Where the lanes of a plan live. Buffer 0 is always the arena. */
export type Buffer =
  | { readonly kind: 'arena'; readonly elements: number }
  | { readonly kind: 'input'; readonly name: string; readonly elements: number }
  | { readonly kind: 'variable'; readonly id: number; readonly elements: number }
  | { readonly kind: 'constant'; readonly values: Float64Array; readonly dtype: DType; readonly elements: number }

/** What the arena is made of, in elements. */
export interface Memory {
  /** The whole arena: results and replay buffers, placed by their lifetimes. */
  readonly arena: number
  /** Of it, what the records of loops take: the memory tokens that replay keeps. */
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

/** A place in a buffer: element `offset + sum over enclosing loops of iteration x step`, outermost loop first. */
export interface Place {
  readonly buffer: number
  readonly offset: number
  readonly steps: readonly number[]
}

export interface Axis {
  readonly size: number
  readonly stride: number
}

/** A strided tensor at a place, axes outermost first. */
export interface View extends Place {
  readonly axes: readonly Axis[]
}

export type Instruction = Loop | { readonly kind: 'end' } | Rows | Reduce | Matmul | Gather | ScatterAdd

/** Runs what stands between it and its `end` `count` times. */
export interface Loop {
  readonly kind: 'loop'
  readonly count: number
  /**
   * Where iterations need nothing of each other: the part of the arena, at its end, that holds what one of them makes for
   * itself. Whoever runs several at the same time gives each such a part of its own.
   */
  readonly own?: { readonly offset: number; readonly elements: number }
}

export type Level = 'full' | 'row'

/**
 * A fused scalar program over `rows` rows of `width` lanes each. `full` values have a lane for each element,
 * `row` values one for each row.
 */
export interface Rows {
  readonly kind: 'rows'
  readonly rows: number
  readonly width: number
  readonly operands: readonly RowsOperand[]
  /** Steps whose results are the same for every block of rows: run once, before the others. */
  readonly prologue: readonly Step[]
  readonly steps: readonly Step[]
}

/** Lanes in memory, or (`index`) the place's own number as an i32: offset + sum of index x stride. */
export type RowsOperand = { readonly kind: 'memory' | 'index'; readonly dtype: DType; readonly view: View }

/** Makes a value from others, by their numbers; each number is given once. A store makes none. */
export type Step =
  | (Made & { readonly op: 'load'; readonly operand: number })
  | (Omit<Made, 'to'> & { readonly op: 'store'; readonly operand: number })
  | (Made & { readonly op: 'constant'; readonly dtype: DType; readonly value: number })
  | (Made & { readonly op: 'spread' })
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

/** An axis with its strides in the operands: 0 in one that does not have it. */
export interface ProductAxis {
  readonly size: number
  readonly a: number
  readonly b: number
  readonly out: number
}

/** `count` indices, each of a row of `width` elements in a table of `tableRows`; all contiguous. */
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
