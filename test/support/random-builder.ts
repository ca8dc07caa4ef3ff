import { philox } from '../../src/ops/rounded.ts'
import type { DType, Shape } from '../../src/tensor/dtype.ts'
import { broadcastShapes, sizeOf } from '../../src/tensor/shape.ts'
import { Tensor } from '../../src/tensor/tensor.ts'
import { Variable } from '../../src/tensor/variable.ts'
import type { Step } from './random-graphs.ts'

export const shapes: readonly Shape[] = [
  [],
  [1],
  [5],
  [3, 4],
  [2, 3, 4],
  [4, 1],
  [17],
  [1, 4],
  [2, 1, 9],
  [7, 33],
  [2500],
  [5, 130],
  [2, 2, 3, 5],
  [130, 3],
]

/** A tensor and a bound on its magnitude: random chains would overflow otherwise. */
export interface Known {
  readonly x: Tensor
  readonly bound: number
}

/** Variables are known to backends by number: one graph serves them all. */
const anyDevice = { name: 'any device' }

export const LARGE = 1500
export const WRAPPED = 2 ** 31

export class Builder {
  readonly inputs: Record<string, Tensor> = {}
  readonly values: Record<string, Float64Array> = {}
  readonly variables: { variable: Variable; values: Float64Array }[] = []
  readonly records: Tensor[] = []
  /** Whether loops are written out; undefined for some. */
  readonly unroll: boolean | undefined
  private readonly run: (b: Builder, steps: readonly Step[]) => void
  pool: Known[] = []
  /** How many loops stand around. */
  depth = 0
  /** Which body is being written, and how many leaves and loops it has so far. */
  private path = ''
  made = 0
  private readonly leaves = new Map<string, Known>()

  constructor(run: (b: Builder, steps: readonly Step[]) => void, unroll?: boolean) {
    this.run = run
    this.unroll = unroll
  }

  /** A new input with reproducible values; integers lie in from ... to - 1. */
  fresh(shape: Shape, dtype: DType = 'f32', from = -2, to = 2): Known {
    return this.once(() => {
      const name = `x${Object.keys(this.inputs).length}`
      this.inputs[name] = new Tensor('input', [], { name }, shape, dtype)
      this.values[name] = numbers(sizeOf(shape), dtype, from, to, Object.keys(this.inputs).length)
      return { x: this.inputs[name], bound: Math.max(Math.abs(from), Math.abs(to)) }
    })
  }

  variable(shape: Shape, dtype: DType): Known {
    return this.once(() => {
      const variable = new Variable(anyDevice, shape, dtype)
      this.variables.push({ variable, values: numbers(sizeOf(shape), dtype, -2, 2, 1000 + this.variables.length) })
      return { x: variable, bound: 2 }
    })
  }

  /** Every iteration of a loop that is written out gets the leaves of the first. */
  private once(make: () => Known): Known {
    const key = `${this.path} ${this.made++}`
    const leaf = this.leaves.get(key) ?? make()
    this.leaves.set(key, leaf)
    return leaf
  }

  /** Runs the body of a loop. */
  inside(steps: readonly Step[]): void {
    const { path, made } = this
    this.path = `${path} ${made}/`
    this.made = 0
    this.depth++
    this.run(this, steps)
    this.depth--
    this.path = path
    this.made = made
  }

  /** The tensor of the pool that a number chooses among those that fit. */
  find(choice: number, fits: (x: Tensor) => boolean): Known | undefined {
    const fitting = this.pool.filter(({ x }) => fits(x))
    return fitting[fitting.length - 1 - (choice % (fitting.length || 1))]
  }

  float(choice: number, fits: (x: Tensor) => boolean = () => true): Known {
    return this.find(choice, (x) => x.dtype === 'f32' && fits(x)) ?? this.fresh(shapes[3])
  }

  int(choice: number, fits: (x: Tensor) => boolean = () => true): Known {
    return this.find(choice, (x) => x.dtype === 'i32' && fits(x)) ?? this.fresh(shapes[3], 'i32', -3, 4)
  }

  /** A partner that broadcasts with x to no more than a moderate size. */
  partner({ x }: Known, choice: number): Known {
    const fits = (y: Tensor): boolean => {
      try {
        return y.dtype === x.dtype && sizeOf(broadcastShapes('partner', x.shape, y.shape)) <= LARGE
      } catch {
        return false
      }
    }
    const last = x.shape.slice(-1)
    return choice % 5 === 4 || !this.find(0, fits) ? this.fresh(last, x.dtype, -2, 3) : this.find(choice, fits)!
  }

  push(x: Tensor, bound: number): void {
    if (sizeOf(x.shape) > 4 * LARGE || sizeOf(x.shape) === 0) return
    const tame = x.dtype === 'f32' && bound > 50
    this.pool.push(tame ? { x: x.mul(2 / bound), bound: 2 } : { x, bound: Math.min(bound, WRAPPED) })
  }
}

function numbers(size: number, dtype: DType, from: number, to: number, stream: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => {
    const value = from + (philox([i, stream, 0, 0], [5, 0])[0] / 2 ** 32) * (to - from)
    return dtype === 'i32' ? Math.floor(value) : Math.fround(value)
  })
}

/** Applies the operation of a step, and adds what comes of it to the pool. */
export type Apply = (b: Builder, step: Step) => void
