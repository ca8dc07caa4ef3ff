import { stopGradient } from '../../src/autograd/grad.ts'
import { where } from '../../src/ops/elementwise.ts'
import type { DType } from '../../src/tensor/dtype.ts'
import { broadcastShapes } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { type Apply, shapes } from './random-builder.ts'

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

/** Operations that compute each element by itself, and leaves. */
export const elementwise = {
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
  divideWhole: binary(
    (x, y) => x.mod(y).add(x.floorDivide(y)),
    (n, m) => 2 * n + m,
    'i32',
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
  power: binary(
    (x, y) => x.abs().add(0.5).minimum(2).pow(y.tanh()),
    () => 2,
    'f32',
  ),
  sin: unary(
    (x) => x.sin(),
    () => 1,
  ),
  cos: unary(
    (x) => x.cos(),
    () => 1,
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
} as const satisfies Record<string, Apply>
