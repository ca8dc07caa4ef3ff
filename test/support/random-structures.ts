import { loop } from '../../src/autograd/loop.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { concat, stack } from '../../src/ops/views.ts'
import '../../src/ops/methods.ts'
import { dropout, randomBits, randomUniform } from '../../src/ops/random.ts'
import { broadcastShapes, sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { type Apply, LARGE, WRAPPED } from './random-builder.ts'

const axesOf = (x: Tensor, mask: number): number[] => x.shape.flatMap((_, axis) => ((mask >> axis) & 1 ? [axis] : []))
const lastAxis = (x: Tensor): boolean => x.rank > 0 && x.shape[x.rank - 1] > 0

/** Operations that move, reduce or repeat. */
export const structures = {
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
    const steps = x.shape.map((_, axis) => [1, 1, -1, 2, -3][(from + axis * c) % 5])
    const most = x.shape.map((size, axis) =>
      Math.ceil((steps[axis] > 0 ? size - start[axis] : start[axis] + 1) / Math.abs(steps[axis])),
    )
    b.push(
      x.slice(
        start,
        most.map((count) => 1 + ((from + c) % count)),
        steps,
      ),
      bound,
    )
  },
  flip: (b, { a, c }) => {
    const { x, bound } = b.find(a, (y) => y.rank > 0) ?? b.float(0)
    b.push(x.flip(axesOf(x, c)), bound)
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
  scan: (b, { a, b: other, c }) => {
    const { x, bound } = b.float(a, (y) => y.rank > 0 && y.shape.every((size) => size > 0))
    const axis = other % x.rank
    const pair = c % 3 === 0 ? x.shape.findIndex((size, at) => size === 2 && at !== axis) : -1
    const shape = x.shape.map((size, at) => (at !== pair && (c >> (at % 4)) % 3 === 0 ? 1 : size))
    const factors = b.fresh(shape).x.clamp(-0.7, 0.7)
    const options = { axis, reverse: c % 2 === 1, ...(pair < 0 ? {} : { complex: pair }) }
    b.push(factors.scan(x, options), 2 * bound * x.shape[axis])
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
