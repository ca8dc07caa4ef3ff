import fc from 'fast-check'
import { grad, stopGradient } from '../../src/autograd/grad.ts'
import { where } from '../../src/ops/elementwise.ts'
import { loop } from '../../src/ops/loop.ts'
import { concat, einsum, stack } from '../../src/ops/methods.ts'
import { dropout, randomBits, randomUniform } from '../../src/ops/random.ts'
import { tensor } from '../../src/ops/row.ts'
import { philox } from '../../src/ops/scalar.ts'
import type { Goal } from '../../src/program/lower.ts'
import type { DType, Shape } from '../../src/tensor/dtype.ts'
import { broadcastShapes, sizeOf } from '../../src/tensor/shape.ts'
import { Tensor } from '../../src/tensor/tensor.ts'
import { Variable } from '../../src/tensor/variable.ts'

/**
 * Random programs as plain data. A step names an operation; its numbers choose operands, axes and sizes modulo what there
 * is, so that every recipe is a valid graph and fast-check can leave steps out. Operand 0 is the youngest that fits.
 */
export interface Step {
  readonly op: OpName
  readonly a: number
  readonly b: number
  readonly c: number
  /** Of a loop. */
  readonly body?: readonly Step[]
}

export interface Recipe {
  readonly steps: readonly Step[]
  /** Adds the gradient of a sum over all results, with respect to every f32 input and variable. */
  readonly gradient: boolean
  /** Pairs (which variable, which value). */
  readonly updates: readonly (readonly [number, number])[]
}

/** A graph with the values of its inputs (by name) and variables (by id). */
export interface Graph extends Goal {
  readonly values: Readonly<Record<string, Float64Array>>
  readonly variables: readonly { readonly variable: Variable; readonly values: Float64Array }[]
}

const shapes: readonly Shape[] = [
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
interface Known {
  readonly x: Tensor
  readonly bound: number
}

/** Variables are known to backends by number: one graph serves them all. */
const anyDevice = { name: 'any device' }

const LARGE = 1500
const WRAPPED = 2 ** 31

class Builder {
  readonly inputs: Record<string, Tensor> = {}
  readonly values: Record<string, Float64Array> = {}
  readonly variables: { variable: Variable; values: Float64Array }[] = []
  readonly records: Tensor[] = []
  /** Whether loops are written out; undefined for some. */
  readonly unroll: boolean | undefined
  pool: Known[] = []
  /** How many loops stand around. */
  depth = 0
  /** Which body is being written, and how many leaves and loops it has so far. */
  private path = ''
  made = 0
  private readonly leaves = new Map<string, Known>()

  constructor(unroll?: boolean) {
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
    run(this, steps)
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

type Apply = (b: Builder, step: Step) => void

const unary =
  (f: (x: Tensor) => Tensor, bound: (n: number) => number = (n) => n): Apply =>
  (b, step) => {
    const known = b.float(step.a)
    b.push(f(known.x), bound(known.bound))
  }
const binary =
  (f: (x: Tensor, y: Tensor) => Tensor, bound: (n: number, m: number) => number, dtype?: DType): Apply =>
  (b, step) => {
    const x = (dtype ?? (step.c % 3 === 2 ? 'i32' : 'f32')) === 'f32' ? b.float(step.a) : b.int(step.a)
    const y = b.partner(x, step.b)
    if (step.c % 2) b.push(f(y.x, x.x), bound(y.bound, x.bound))
    else b.push(f(x.x, y.x), bound(x.bound, y.bound))
  }
const axesOf = (x: Tensor, mask: number): number[] => x.shape.flatMap((_, axis) => ((mask >> axis) & 1 ? [axis] : []))
const lastAxis = (x: Tensor): boolean => x.rank > 0 && x.shape[x.rank - 1] > 0

const operations = {
  input: (b, { b: kind, c }) => {
    b.pool.push(kind % 3 === 2 ? b.fresh(shapes[c % shapes.length], 'i32', -3, 4) : b.fresh(shapes[c % shapes.length]))
  },
  variable: (b, { b: kind, c }) => {
    b.pool.push(b.variable(shapes[c % 6], kind % 4 === 3 ? 'i32' : 'f32'))
  },
  add: binary(
    (x, y) => x.add(y),
    (n, m) => n + m,
  ),
  sub: binary(
    (x, y) => x.sub(y),
    (n, m) => n + m,
  ),
  mul: binary(
    (x, y) => x.mul(y),
    (n, m) => n * m,
  ),
  div: binary(
    (x, y) => x.div(y.abs().add(0.5)),
    (n) => 2 * n,
    'f32',
  ),
  minimum: binary((x, y) => x.minimum(y), Math.max),
  maximum: binary((x, y) => x.maximum(y), Math.max),
  less: binary(
    (x, y) => x.less(y),
    () => 1,
  ),
  lessEqual: binary(
    (x, y) => x.lessEqual(y),
    () => 1,
  ),
  equal: binary(
    (x, y) => x.equal(y),
    () => 1,
  ),
  where: (b, { a, b: other, c }) => {
    const x = c % 3 === 2 ? b.int(a) : b.float(a)
    const y = b.partner(x, other)
    const shape = broadcastShapes('where', x.x.shape, y.x.shape)
    const condition = b.find(c, (z) => z.dtype === 'i32' && String(z.shape) === String(shape)) ?? {
      x: b.fresh(shape.slice(-1), 'i32', 0, 2).x,
    }
    b.push(where(condition.x, x.x, y.x), Math.max(x.bound, y.bound))
  },
  literal: (b, { a, c }) => {
    const { x, bound } = b.float(a)
    const value = [0.3, -1.7, 3, 0.1][c % 4]
    const [result, size] = [
      [x.add(value), bound + 3],
      [x.mul(value), bound * 3],
      [x.neg().add(value), bound + 3],
      [x.maximum(value), bound + 3],
    ][(c >> 2) % 4] as [Tensor, number]
    b.push(result, size)
  },
  neg: unary((x) => x.neg()),
  abs: unary((x) => x.abs()),
  sign: unary(
    (x) => x.sign(),
    () => 1,
  ),
  exp: (b, { a }) => {
    const { x, bound } = b.float(a)
    b.push(bound > 5 ? x.mul(4 / bound).exp() : x.exp(), Math.exp(Math.min(bound, 5)))
  },
  log: unary(
    (x) => x.abs().add(0.1).log(),
    (n) => 3 + Math.log(n + 1),
  ),
  log1p: unary(
    (x) => x.abs().log1p(),
    (n) => Math.log(n + 2),
  ),
  sqrt: unary(
    (x) => x.abs().add(0.01).sqrt(),
    (n) => Math.sqrt(n + 1),
  ),
  rsqrt: unary(
    (x) => x.square().add(0.1).rsqrt(),
    () => 4,
  ),
  pow: unary(
    (x) => x.abs().add(0.1).pow(1.7),
    (n) => (n + 1) ** 1.7,
  ),
  tanh: unary(
    (x) => x.tanh(),
    () => 1,
  ),
  erf: unary(
    (x) => x.erf(),
    () => 1,
  ),
  elu: unary((x) => x.elu()),
  eluPlusOne: unary(
    (x) => x.eluPlusOne(),
    (n) => n + 1,
  ),
  sigmoid: unary(
    (x) => x.sigmoid(),
    () => 1,
  ),
  softplus: unary(
    (x) => x.softplus(),
    (n) => n + 1,
  ),
  relu: unary((x) => x.relu()),
  gelu: unary((x) => x.gelu()),
  geluTanh: unary((x) => x.gelu('tanh')),
  square: unary(
    (x) => x.square(),
    (n) => n * n,
  ),
  stopGradient: unary((x) => stopGradient(x)),
  negI: (b, { a }) => {
    const { x, bound } = b.int(a)
    b.push(x.neg().abs().sub(x.sign()), bound + 1)
  },
  cast: (b, { a }) => {
    const { x, bound } = b.find(a, () => true) ?? b.int(0)
    b.push(x.cast(x.dtype === 'f32' ? 'i32' : 'f32'), bound)
  },
  isFinite: unary(
    (x) => x.isFinite(),
    () => 1,
  ),
  sum: (b, { a, b: mask, c }) => {
    const { x, bound } = c % 4 === 3 ? b.int(a) : b.float(a)
    b.push(x.sum(axesOf(x, mask), c % 2 === 1), bound * sizeOf(x.shape))
  },
  mean: (b, { a, b: mask, c }) => {
    const { x, bound } = b.float(a)
    b.push(x.mean(axesOf(x, mask), c % 2 === 1), bound)
  },
  max: (b, { a, b: mask, c }) => {
    const { x, bound } = c % 4 === 3 ? b.int(a) : b.float(a)
    b.push(x.max(axesOf(x, mask), c % 2 === 1), bound)
  },
  min: (b, { a, b: mask, c }) => {
    const { x, bound } = b.float(a)
    b.push(x.min(axesOf(x, mask), c % 2 === 1), bound)
  },
  argmax: (b, { a, b: axis }) => {
    const { x } = b.float(a, (y) => y.rank > 0)
    if (x.rank) b.push(x.argmax(axis % x.rank), LARGE)
  },
  softmax: (b, { a }) => {
    b.push(b.float(a, lastAxis).x.softmax(), 1)
  },
  logSoftmax: (b, { a }) => {
    const { x, bound } = b.float(a, lastAxis)
    b.push(x.logSoftmax(), 2 * bound + 8)
  },
  logSumExp: (b, { a }) => {
    const { x, bound } = b.float(a, lastAxis)
    b.push(x.logSumExp(), bound + 8)
  },
  normalize: (b, { a }) => {
    b.push(b.float(a, lastAxis).x.normalize(), 30)
  },
  layerNorm: (b, { a }) => {
    const { x } = b.float(a, lastAxis)
    b.push(x.layerNorm(b.fresh(x.shape.slice(-1)).x, b.fresh(x.shape.slice(-1)).x), 30)
  },
  crossEntropy: (b, { a }) => {
    const { x, bound } = b.float(a, lastAxis)
    b.push(x.crossEntropy(b.fresh(x.shape.slice(0, -1), 'i32', 0, x.shape[x.rank - 1]).x), 2 * bound + 8)
  },
  matmul: (b, { a, b: other, c }) => {
    const left = b.float(a, (x) => x.rank > 0)
    const inner = left.x.shape[left.x.rank - 1]
    const fits = (y: Tensor): boolean => {
      if (y.dtype !== 'f32' || y.rank === 0 || y.shape[Math.max(0, y.rank - 2)] !== inner) return false
      try {
        const batch = broadcastShapes('matmul', left.x.shape.slice(0, -2), y.shape.slice(0, -2))
        return sizeOf(batch) * (left.x.shape.at(-2) ?? 1) * (y.rank > 1 ? y.shape[y.rank - 1] : 1) <= 2 * LARGE
      } catch {
        return false
      }
    }
    const right =
      c % 3 === 0 && left.x.rank > 1 && left.x.shape[left.x.rank - 2] < 40
        ? { ...left, x: left.x.transpose() }
        : (b.find(other, fits) ?? b.fresh(c % 2 ? [inner, 1 + (c % 11)] : [inner]))
    b.push(left.x.matmul(right.x), left.bound * right.bound * inner)
  },
  einsum: (b, { a, b: other, c }) => {
    // both operands get letters of their axes' sizes: equal sizes meet, and c says which letters stay
    const letters = new Map<number, string>()
    const name = (x: Tensor): string | undefined => {
      const taken = [...x.shape].map((size) => {
        if (!letters.has(size)) letters.set(size, String.fromCharCode(97 + letters.size))
        return letters.get(size)!
      })
      return new Set(taken).size === taken.length ? taken.join('') : undefined
    }
    const distinct = (x: Tensor): boolean => new Set(x.shape).size === x.rank
    const [x, y] = [b.float(a, distinct), b.float(other, distinct)]
    const [left, right] = [name(x.x), name(y.x)]
    if (left === undefined || right === undefined) return
    const all = [...new Set(left + right)].sort()
    if (c & 64) all.reverse()
    const out = all.filter((_, i) => (c >> i) & 1)
    const size = (names: string[]): number => sizeOf(names.map((n) => [...letters].find(([, m]) => m === n)![0]))
    if (size(out) > LARGE || size(all) > 200_000) return
    b.push(einsum(`${left},${right}->${out.join('')}`, x.x, y.x), x.bound * y.bound * size(all))
  },
  reshape: (b, { a, c }) => {
    const { x, bound } = b.find(a, () => true) ?? b.float(0)
    const size = sizeOf(x.shape)
    const divisor = [2, 3, 4, 5, 10].find((d) => size % d === 0 && d > c % 4) ?? 1
    b.push(
      x.reshape(
        [
          [size],
          [divisor, size / divisor],
          [size / divisor, divisor],
          [1, size],
          [...x.shape].reverse(),
          [size / divisor, 1, divisor],
        ][c % 6],
      ),
      bound,
    )
  },
  transpose: (b, { a, c }) => {
    const { x, bound } = b.find(a, (y) => y.rank > 1) ?? b.float(0)
    const order = x.shape.map((_, axis) => axis)
    const shift = c % (x.rank || 1)
    if (x.rank > 1)
      b.push(c % 2 ? x.transpose() : x.transpose([...order.slice(shift), ...order.slice(0, shift)]), bound)
  },
  slice: (b, { a, b: from, c }) => {
    const { x, bound } = b.find(a, (y) => y.rank > 0) ?? b.float(0)
    const start = x.shape.map((size, axis) => (axis % 2 ? from : c) % size)
    b.push(
      x.slice(
        start,
        x.shape.map((size, axis) => 1 + ((from + c) % (size - start[axis]))),
      ),
      bound,
    )
  },
  select: (b, { a, b: axis, c }) => {
    const { x, bound } = b.find(a, (y) => y.rank > 0) ?? b.float(0)
    b.push(x.select(axis % x.rank, c % x.shape[axis % x.rank]), bound)
  },
  broadcast: (b, { a, c }) => {
    const { x, bound } = b.find(a, (y) => sizeOf(y.shape) < 150) ?? b.float(0)
    b.push(
      x.broadcastTo([...(c % 2 ? [1 + (c % 4)] : []), ...x.shape.map((size) => (size === 1 ? 1 + (c % 5) : size))]),
      bound,
    )
  },
  pad: (b, { a, c }) => {
    const { x, bound } = b.find(a, (y) => y.rank > 0) ?? b.float(0)
    b.push(
      x.pad(
        x.shape.map((_, axis) => (axis === c % x.rank ? [c % 3, (c >> 2) % 3] : [0, 0])),
        x.dtype === 'f32' ? 0.5 : 2,
      ),
      bound,
    )
  },
  concat: (b, { a, b: other, c }) => {
    const x = b.find(a, (y) => y.rank > 0) ?? b.float(0)
    const axis = c % x.x.rank
    const y = b.find(
      other,
      (z) =>
        z.dtype === x.x.dtype && z.rank === x.x.rank && z.shape.every((size, i) => i === axis || size === x.x.shape[i]),
    )!
    b.push(concat(c % 3 ? [x.x, y.x] : [y.x, x.x, x.x], axis), Math.max(x.bound, y.bound))
  },
  stack: (b, { a, b: other, c }) => {
    const x = b.float(a)
    const y = b.find(other, (z) => z.dtype === 'f32' && String(z.shape) === String(x.x.shape)) ?? x
    b.push(stack([x.x, y.x], c % (x.x.rank + 1)), Math.max(x.bound, y.bound))
  },
  gather: (b, { a, c }) => {
    const { x, bound } = b.find(a, (y) => y.rank > 0) ?? b.float(0)
    const indices = b.fresh(c % 2 ? [1 + (c % 7)] : [2, 1 + (c % 3)], 'i32', 0, x.shape[0])
    b.push(x.gather(indices.x), bound)
  },
  scatterAdd: (b, { a, c }) => {
    const { x, bound } = b.float(a, (y) => y.rank > 0)
    const rank = 1 + (c % x.rank || 0)
    const rows = 1 + (c % 9)
    // some indices are out of range and dropped
    b.push(x.scatterAdd(b.fresh(x.shape.slice(0, rank), 'i32', -1, rows + 1).x, rows), bound * sizeOf(x.shape))
  },
  bits: (b, { a, c }) => {
    const { x } = b.float(a)
    const step = b.find(c, (y) => y.dtype === 'i32' && y.rank === 0)?.x ?? c
    b.push(randomBits(x.shape, { seed: 7 + c, site: a, segment: step, step: 3, firstElement: c % 5 }), WRAPPED)
  },
  uniform: (b, { a, c }) => {
    b.push(randomUniform(b.float(a).x.shape, { seed: c, site: 0xfffffff0 + a, step: c }), 1)
  },
  dropout: (b, { a, c }) => {
    const { x, bound } = b.float(a)
    const segment = b.find(0, (y) => y.dtype === 'i32' && y.rank === 0)?.x ?? 1
    b.push(dropout(x, 0.25, { seed: 1, site: c, segment }), 2 * bound)
  },
  loop: (b, step) => {
    const { a, c, body = [] } = step
    const source = b.find(a, (y) => y.rank > 0 && y.shape[0] <= 4) ?? b.fresh([1 + (c % 4), 3])
    const count = source.x.shape[0]
    const first = b.float(step.b)
    const second = b.find(step.b + 1, () => true) ?? first
    // without carries, iterations need nothing of each other
    const firsts = [[first], [first, second], [first], []][c % 4].map(({ x, bound }) =>
      x.dtype === 'f32' && bound > 2 ? x.tanh() : x,
    )
    const outside = b.pool
    b.made++
    const bounds: number[] = []
    const { carry, outputs, record } = loop(
      { count, carry: firsts, inputs: [source.x], unroll: b.unroll ?? c % 7 === 6 },
      (carries, [input], index) => {
        b.pool = [
          ...outside,
          { x: index, bound: count },
          { x: input, bound: source.bound },
          ...carries.map((x) => ({ x, bound: x.dtype === 'f32' ? 2 : WRAPPED })),
        ]
        b.inside(body)
        const made = b.pool.slice(outside.length).reverse()
        const next = firsts.map(({ shape, dtype }, i) => {
          const same = b.pool.filter(({ x }) => x.dtype === dtype && String(x.shape) === String(shape))
          const { x, bound } = same[same.length - 1 - ((a + i) % same.length)]
          return dtype === 'f32' && bound > 2 ? x.mul(2 / bound) : x
        })
        const results = made.slice(0, firsts.length > 0 ? step.b % 3 : 2)
        bounds.splice(0, bounds.length, ...results.map(({ bound }) => bound))
        return { carry: next, outputs: results.map(({ x }) => x) }
      },
    )
    b.pool = outside
    carry.forEach((x) => {
      b.push(x, x.dtype === 'f32' ? 2 : WRAPPED)
    })
    outputs.forEach((x, i) => {
      b.push(x, bounds[i])
    })
    if (c % 5 === 0 && b.depth === 0) b.records.push(...record.slice(0, 1))
    if (c % 5 === 1) for (const x of record) b.push(x, x.dtype === 'f32' ? 2 : WRAPPED)
  },
} as const satisfies Record<string, Apply>

export type OpName = keyof typeof operations
export const opNames = Object.keys(operations) as OpName[]

function run(b: Builder, steps: readonly Step[]): void {
  for (const step of steps) (operations[step.op] as Apply)(b, step)
}

/**
 * The graph of a recipe. Its results are what no other step uses, at most six. `unroll` says how
 * loops are written; then they are the last six tensors, whoever uses them.
 */
export function build({ steps, gradient, updates }: Recipe, unroll?: boolean): Graph {
  const b = new Builder(unroll)
  b.pool.push(b.fresh(shapes[3]))
  run(b, steps)
  const used = new Set(b.pool.flatMap(({ x }) => x.inputs))
  // a carry that comes back as it is, is the very tensor that went in where the loop is written out
  const ends = b.pool.map(({ x }) => x).filter((x) => unroll !== undefined || !used.has(x))
  const outputs: Record<string, Tensor> = Object.fromEntries(ends.slice(-6).map((x, i) => [`y${i}`, x]))
  if (b.records.length) outputs.record = b.records[0]
  if (gradient) {
    const terms = Object.values(outputs).flatMap((y) => {
      if (y.dtype !== 'f32') return []
      const weights = Float64Array.from({ length: sizeOf(y.shape) }, (_, i) => Math.fround(Math.cos(i) / (1 + (i % 7))))
      return [y.mul(tensor(weights, y.shape)).sum()]
    })
    const wrt = [...Object.values(b.inputs), ...b.variables.map(({ variable }) => variable)].filter(
      ({ dtype }) => dtype === 'f32',
    )
    if (terms.length) {
      grad(
        terms.reduce((x, y) => x.add(y)),
        wrt,
      ).forEach((g, i) => {
        outputs[`g${i}`] = g
      })
    }
  }
  const sets = new Map<Variable, Tensor>()
  const candidates = [...b.pool.map(({ x }) => x), ...Object.values(outputs)].reverse()
  for (const [which, value] of updates) {
    const variable = b.variables[which % (b.variables.length || 1)]?.variable
    if (!variable) continue
    const fitting = candidates.filter((x) => x.dtype === variable.dtype && String(x.shape) === String(variable.shape))
    sets.set(variable, fitting[value % fitting.length] ?? variable)
  }
  return { inputs: b.inputs, values: b.values, outputs, updates: [...sets], variables: b.variables }
}

const small = fc.nat({ max: 127 })
const numbersOfStep = { a: fc.nat({ max: 30 }), b: fc.nat({ max: 30 }), c: small }

/** Recipes of programs, with loops of at most two levels. `names` are the operations to choose from. */
export function recipes(
  options: { readonly names?: readonly OpName[]; readonly loops?: boolean; readonly steps?: number } = {},
): fc.Arbitrary<Recipe> {
  const { names = opNames, loops = true, steps = 12 } = options
  const plain: fc.Arbitrary<Step> = fc.record({
    op: fc.constantFrom(...names.filter((name) => name !== 'loop')),
    ...numbersOfStep,
  })
  const leaf = (['input', 'variable'] as const).filter((name) => names.includes(name))
  const first: fc.Arbitrary<Step> = fc.record({ op: fc.constantFrom('input' as const, ...leaf), ...numbersOfStep })
  const nested = (body: fc.Arbitrary<Step>): fc.Arbitrary<Step> =>
    fc.record({ op: fc.constant('loop' as const), ...numbersOfStep, body: fc.array(body, { maxLength: 5 }) })
  const inner = nested(plain)
  const outer = nested(fc.oneof({ weight: 6, arbitrary: plain }, { weight: 1, arbitrary: inner }))
  const step = loops ? fc.oneof({ weight: 12, arbitrary: plain }, { weight: 1, arbitrary: outer }) : plain
  return fc.record({
    steps: fc
      .tuple(
        fc.array(first, { maxLength: leaf.length && 3 }),
        fc.array(step, { minLength: 1, maxLength: steps, size: 'max' }),
      )
      .map(([leaves, rest]) => [...leaves, ...rest]),
    gradient: fc.boolean(),
    updates: fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 9 })), { maxLength: 3 }),
  })
}
