import type { Place } from '../../program/plan.ts'

/** One dispatch of a compute shader. Sources hold no shapes and no offsets, so that few pipelines serve all programs. */
export interface Dispatch {
  /** The kernel that it belongs to, for people. */
  readonly name: string
  /** The whole shader; its entry point is `main`. */
  readonly source: string
  /** The uniform block at binding 1, `call` in the shader. */
  readonly block: Block
  /** How many workgroups run; the backend folds them onto two axes. */
  readonly groups: number
}

/** The limits and features of an adapter that kernels depend on. */
export interface Abilities {
  /** Lanes of a subgroup, the same for every kernel; 0 where there are none or their size varies. */
  readonly subgroup: number
  /** Bytes of memory that a workgroup may share. */
  readonly workgroupStorage: number
}

/** The dispatches of one instruction, and the elements of scratch that they need. */
export interface Encoded {
  readonly dispatches: readonly Dispatch[]
  readonly scratch: number
}

/** Calls that share a shader: the scratch that they need together, and their dispatches. */
export interface Beside {
  readonly scratch: number
  readonly encode: () => readonly Encoded[]
}

/** Stands for the scratch where a buffer is numbered. */
export const SCRATCH = -1

/**
 * A uniform block of vectors of four words, as WGSL lays out `vec4<i32>`. Places are element numbers of the heap. They
 * depend on where the buffers are, so they are written when the program is linked.
 */
export class Block {
  readonly words: number[] = []
  readonly places: { readonly word: number; readonly buffer: number; readonly offset: number }[] = []

  /** A vector for an operand's place: first element, strides of the outer and the inner loop. */
  place({ buffer, offset, loopStrides }: Place): this {
    this.places.push({ word: this.words.length, buffer, offset })
    return this.vector(0, loopStrides[0] ?? 0, loopStrides[1] ?? 0)
  }

  /** A vector for the place of the scratch. */
  scratch(offset = 0): this {
    return this.place({ buffer: SCRATCH, offset, loopStrides: [] })
  }

  /** All of another block, whose scratch begins at an element of the whole scratch. */
  append({ words, places }: Block, scratch: number): this {
    for (const { word, buffer, offset } of places)
      this.places.push({ word: this.words.length + word, buffer, offset: offset + (buffer === SCRATCH ? scratch : 0) })
    this.words.push(...words)
    return this
  }

  /** A vector of up to four integers. */
  vector(...values: number[]): this {
    for (let i = 0; i < 4; i++) this.words.push(values[i] ?? 0)
    return this
  }

  /** Vectors for axes, each with its size and up to three strides. */
  axes(...list: readonly (readonly number[])[]): this {
    for (const axis of list) this.vector(...axis)
    return this
  }
}

/** The constants that a kernel names in its head, as WGSL. */
export const constants = (values: Readonly<Record<string, number | boolean | string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `const ${name} = ${value};\n`)
    .join('')
