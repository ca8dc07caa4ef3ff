import { type LoopBody, type LoopOptions, loop as repeat } from '../../src/autograd/loop.ts'
import { where } from '../../src/ops/elementwise.ts'
import { f32, type InputSpec, i32 } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'

type Tensors = Record<string, Tensor>
/** Or replayed, without or with all that is worth holding. */
export type Unroll = boolean | 'hold'
const loop = ({ unroll, ...rest }: Omit<LoopOptions, 'unroll'> & { readonly unroll: Unroll }, body: LoopBody) =>
  repeat({ ...rest, unroll: unroll === true, hold: unroll === 'hold' ? 99 : 0 }, body)

export interface Case {
  readonly inputs: Record<string, InputSpec>
  /** The loss, further results, and what to differentiate by beside all f32 inputs. */
  readonly build: (inputs: Tensors, unroll: Unroll) => { loss: Tensor; also?: Tensors; wrt?: Tensors }
}

/** Reproducible values between -1 and 1; integers from 0 to 2. */
export function valuesOf<I extends Record<string, InputSpec>>(specs: I): { readonly [Name in keyof I]: Float64Array } {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }], at) => [
      name,
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
        const value = Math.sin(12.9898 * (i + 1) + 78.233 * (at + 1)) * 43758.5453
        const uniform = value - Math.floor(value)
        return dtype === 'i32' ? Math.floor(3 * uniform) : Math.fround(2 * uniform - 1)
      }),
    ]),
  ) as { readonly [Name in keyof I]: Float64Array }
}

/** Losses of loops. What a case says with `unroll` is the same with the loop written out. */
export const cases: Record<string, Case> = {
  'one carry, closed over weights and a bias that broadcasts': {
    inputs: { h: f32(4, 5), w: f32(5, 5), bias: f32(5) },
    build: ({ h, w, bias }, unroll) => {
      const { carry } = loop({ count: 6, carry: [h], unroll }, ([h]) => ({ carry: [h.matmul(w).add(bias).tanh()] }))
      return { loss: carry[0].square().sum() }
    },
  },
  'a carry that feeds another, per-iteration inputs, outputs in the loss': {
    inputs: { a: f32(3, 4), b: f32(3, 4), x: f32(5, 3, 4), scale: f32(5), w: f32(4, 4) },
    build: ({ a, b, x, scale, w }, unroll) => {
      const { carry, outputs } = loop({ count: 5, carry: [a, b], inputs: [x, scale], unroll }, ([a, b], [x, scale]) => {
        const next = a.mul(scale).add(x.matmul(w)).tanh()
        return { carry: [next, b.mul(0.7).add(a.mul(next))], outputs: [next.sum(-1), b] }
      })
      return {
        loss: carry[1].mul(carry[0]).sum().add(outputs[0].square().mean()).add(outputs[1].mul(x).sum()),
        also: { last: carry[1], stacked: outputs[0] },
      }
    },
  },
  'only the second carry is in the loss, and it is fed by the first': {
    inputs: { a: f32(6), b: f32(6) },
    build: ({ a, b }, unroll) => {
      const { carry } = loop({ count: 4, carry: [a, b], unroll }, ([a, b]) => ({
        carry: [a.add(0.1).tanh(), b.add(a.square())],
      }))
      return { loss: carry[1].sum() }
    },
  },
  'carries that change places': {
    inputs: { a: f32(6), b: f32(6), x: f32(3, 6) },
    build: ({ a, b, x }, unroll) => {
      const { carry, outputs } = loop({ count: 3, carry: [a, b], inputs: [x], unroll }, ([a, b], [x]) => ({
        carry: [b, a],
        outputs: [a.mul(x), b],
      }))
      return { loss: carry[0].square().add(carry[1].mul(3)).sum().add(outputs[0].exp().sum()), also: { b: outputs[1] } }
    },
  },
  'an i32 carry and one that nothing uses': {
    inputs: { h: f32(4, 3), n: i32(4), unused: f32(2, 2), x: f32(5, 4, 3) },
    build: ({ h, n, unused, x }, unroll) => {
      const { carry } = loop({ count: 5, carry: [n, h, unused], inputs: [x], unroll }, ([n, h, unused], [x], index) => {
        const even = n.equal(1).reshape([4, 1])
        return { carry: [n.add(index).mul(3), where(even, h.mul(x), h.sub(x)), unused.mul(2)] }
      })
      return { loss: carry[1].square().sum(), also: { n: carry[0] } }
    },
  },
  'an output that is given twice': {
    inputs: { h: f32(3), x: f32(4, 3) },
    build: ({ h, x }, unroll) => {
      const { carry, outputs } = loop({ count: 4, carry: [h], inputs: [x], unroll }, ([h], [x]) => {
        const next = h.mul(x).tanh()
        return { carry: [next], outputs: [next, next, h] }
      })
      return { loss: carry[0].add(outputs[0].square().sum(0)).add(outputs[1].mul(outputs[2]).sum(0)).sum() }
    },
  },
  'the record of a carry in the loss': {
    inputs: { h: f32(3), x: f32(4, 3) },
    build: ({ h, x }, unroll) => {
      const { carry, record } = loop({ count: 4, carry: [h], inputs: [x], unroll }, ([h], [x]) => ({
        carry: [h.mul(x).tanh()],
      }))
      return { loss: carry[0].sum().add(record[0].square().mul(x).sum()) }
    },
  },
  'one iteration': {
    inputs: { h: f32(3, 3), x: f32(1, 3) },
    build: ({ h, x }, unroll) => {
      const { carry, outputs } = loop({ count: 1, carry: [h], inputs: [x], unroll }, ([h], [x]) => ({
        carry: [h.mul(x).softmax()],
        outputs: [h.sum(0)],
      }))
      return { loss: carry[0].square().sum().add(outputs[0].square().sum()) }
    },
  },
  'values computed outside from variables, used inside and after': {
    inputs: { h: f32(2, 4), w: f32(4, 4), gain: f32(4) },
    build: ({ h, w, gain }, unroll) => {
      const sharp = w.softmax()
      const g = gain.exp()
      const { carry } = loop({ count: 3, carry: [h.mul(g)], unroll }, ([h]) => ({
        carry: [h.matmul(sharp).layerNorm(g, gain)],
      }))
      return { loss: carry[0].mul(sharp.sum(0)).mul(g).sum() }
    },
  },
  'what a carry begins with is closed over as well, and used behind the loop': {
    inputs: { h: f32(2, 3), x: f32(3, 2, 3) },
    build: ({ h, x }, unroll) => {
      const { carry } = loop({ count: 3, carry: [h], inputs: [x], unroll }, ([k], [x]) => ({
        carry: [k.mul(h).add(x).tanh()],
      }))
      return { loss: carry[0].mul(h.square()).sum() }
    },
  },
  'closed over a loop before, and over what that is made of': {
    inputs: { h: f32(2, 3), w: f32(3, 3) },
    build: ({ h, w }, unroll) => {
      const first = loop({ count: 2, carry: [h], unroll }, ([h]) => ({ carry: [h.matmul(w).tanh()], outputs: [h] }))
      const second = loop({ count: 3, carry: [h], unroll }, ([k]) => ({
        carry: [k.mul(first.carry[0]).matmul(w).add(first.outputs[0].sum(0))],
      }))
      return { loss: second.carry[0].square().sum() }
    },
  },
  'dropout by the number of the segment': {
    inputs: { h: f32(8, 16), w: f32(16, 16) },
    build: ({ h, w }, unroll) => {
      const { carry, outputs } = loop({ count: 4, carry: [h], unroll }, ([h], _, index) => {
        const source = { seed: 5, site: 77, segment: index, step: 3 }
        const next = h.matmul(w).dropout(0.5, source).add(h)
        return { carry: [next.tanh()], outputs: [next] }
      })
      return { loss: carry[0].square().sum().add(outputs[0].sum()), also: { all: outputs[0] } }
    },
  },
  'gather and scatter by tokens of each iteration': {
    inputs: { table: f32(3, 6), h: f32(2, 6), ids: i32(4, 2) },
    build: ({ table, h, ids }, unroll) => {
      const { carry } = loop({ count: 4, carry: [h], inputs: [ids], unroll }, ([h], [ids]) => ({
        carry: [h.mul(0.5).add(table.gather(ids)).tanh()],
      }))
      return { loss: carry[0].exp().sum() }
    },
  },
  'a loop in a loop': {
    inputs: { h: f32(2, 3), x: f32(3, 2, 3), w: f32(3, 3) },
    build: ({ h, x, w }, unroll) => {
      const { carry, outputs } = loop({ count: 3, carry: [h], inputs: [x], unroll }, ([h], [x]) => {
        const inner = loop({ count: 2, carry: [h], unroll }, ([k]) => ({
          carry: [k.matmul(w).add(x).tanh()],
          outputs: [k.sum()],
        }))
        return { carry: [inner.carry[0]], outputs: [inner.outputs[0].sum()] }
      })
      return { loss: carry[0].sum().add(outputs[0].square().sum()) }
    },
  },
  'closed over broadcasts that the gradient is asked of': {
    inputs: { h: f32(2, 3), bias: f32(3), gain: f32(1) },
    build: ({ h, bias, gain }, unroll) => {
      const [wide, tall] = [bias.broadcastTo([2, 3]), gain.broadcastTo([2, 1])]
      const { carry } = loop({ count: 3, carry: [h], unroll }, ([h]) => {
        const inner = loop({ count: 2, carry: [h], unroll }, ([k]) => ({ carry: [k.mul(wide).add(tall).tanh()] }))
        return { carry: [inner.carry[0].add(wide).add(bias)] }
      })
      return { loss: carry[0].square().sum(), wrt: { wide, tall } }
    },
  },
  'five loops in each other, each with its own carry, inputs and outputs': {
    inputs: { h: f32(2, 3), a: f32(2, 3), b: f32(2, 3), c: f32(3, 3), d: f32(2, 3), e: f32(2, 3), w: f32(3, 3) },
    build: ({ h, a, b, c, d, e, w }, unroll) => {
      const sources = [a, b, c, d, e]
      const nested = (depth: number, state: Tensor): Tensor => {
        const source = sources[depth]
        const { carry, outputs } = loop(
          { count: source.shape[0], carry: [state], inputs: [source], unroll },
          ([now], [x]) => {
            const mixed = now.matmul(w).mul(0.5).add(x)
            const next = depth < 4 ? nested(depth + 1, mixed) : mixed.tanh()
            return { carry: [next.add(x.mul(0.1))], outputs: [next.mean()] }
          },
        )
        return carry[0].add(outputs[0].mean().mul(0.1))
      }
      return { loss: nested(0, h).square().sum() }
    },
  },
  'the loss depends on two loops, one after the other': {
    inputs: { h: f32(3, 3), w: f32(3, 3) },
    build: ({ h, w }, unroll) => {
      const first = loop({ count: 2, carry: [h], unroll }, ([h]) => ({ carry: [h.matmul(w).tanh()], outputs: [h] }))
      const second = loop({ count: 2, carry: [first.carry[0]], inputs: [first.outputs[0]], unroll }, ([h], [x]) => ({
        carry: [h.mul(x).matmul(w)],
      }))
      return { loss: second.carry[0].sum().add(first.carry[0].square().sum()) }
    },
  },
}
