import type { Blocks } from '../blocks.ts'
import type { StreamWork } from '../stream.ts'

/** A computation that is ready to run on its operands, again and again. */
export interface Prepared {
  readonly run: () => unknown
  /** What it computes. */
  readonly result: () => Promise<Float32Array>
}

/** A library that computes in WebAssembly as well. Matrices lie row by row; `softmax` and `layerNorm` work on each row. */
export interface Peer {
  readonly name: string
  /** [m, k] x [k, n] */
  readonly matmul: (a: Matrix, b: Matrix) => Promise<Prepared>
  readonly softmax: (x: Matrix) => Promise<Prepared>
  /** With gain 1 and bias 0. */
  readonly layerNorm: (x: Matrix, epsilon: number) => Promise<Prepared>
  /** A training step; its result is the loss before it. Undefined where the library has no gradients. */
  readonly train?: (work: Blocks) => Promise<Prepared>
  /** A sequence, segment by segment; its result is the memory behind it. Undefined where the library does not read our model. */
  readonly stream?: (work: StreamWork) => Promise<Prepared>
}

export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly values: Float32Array<ArrayBuffer>
}
