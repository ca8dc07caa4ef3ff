import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad, vjp } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { where } from '../../src/ops/elementwise.ts'
import { tensor } from '../../src/ops/entry.ts'
import { scan } from '../../src/ops/scan.ts'
import { concat } from '../../src/ops/views.ts'
import '../../src/ops/methods.ts'
import { compile, f32 } from '../../src/program/program.ts'
import type { Shape } from '../../src/tensor/dtype.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { held, relativeError } from '../support/devices.ts'

interface Chosen {
  readonly of: (x: Tensor) => Tensor
  readonly x: readonly number[]
  readonly shape?: Shape
  readonly gradient: readonly number[]
}

// in each something has an infinite slope, or no value, where it is not chosen; 3 is chosen and ordinary
const cases: Readonly<Record<string, Chosen>> = {
  'where, square root': { of: (x) => where(x.less(1), x, x.sqrt()), x: [0, 0.5, 4], gradient: [1, 1, 0.25] },
  'where, logarithm': { of: (x) => where(x.greater(0), x.log(), 0), x: [0, -1, 4], gradient: [0, 0, 0.25] },
  'where, division': { of: (x) => where(x.equal(0), 0, x.div(x.mul(x))), x: [0, 4], gradient: [0, -1 / 16] },
  'where, power': { of: (x) => where(x.greater(1), x.pow(0.75), x), x: [0, 16], gradient: [1, 0.375] },
  'where, overflow': { of: (x) => where(x.less(50), x.exp().mul(x), x), x: [100, 0], gradient: [1, 1] },
  'where, a chain': {
    of: (x) => where(x.greater(0), x.log().tanh().exp().rsqrt(), x.mul(2)),
    x: [-1, 1],
    gradient: [2, -0.5],
  },
  'where, behind views': {
    of: (x) => where(x.greater(0), x.reshape([3, 1]).log().transpose().broadcastTo([2, 3]), 1),
    x: [0, -1, 4],
    gradient: [0, 0, 0.5],
  },
  'where, a row': {
    of: (x) => where(x.sum(-1, true).greater(0), x.log().softmax().select(1, 0).reshape([2, 1]), 0),
    x: [-1, -1, 1, 3],
    shape: [2, 2],
    gradient: [0, 0, 3 / 16, -1 / 16],
  },
  'where, a loss': {
    of: (x) => where(x.select(1, 1).greater(0), x.log().crossEntropy(tensor([0, 0], [2], 'i32')), 0),
    x: [-1, -1, 1, 3],
    shape: [2, 2],
    gradient: [0, 0, -3 / 4, 1 / 4],
  },
  maximum: { of: (x) => x.log().maximum(-2), x: [0, 4], gradient: [0, 0.25] },
  minimum: { of: (x) => x.rsqrt().minimum(8), x: [0, 4], gradient: [0, -1 / 16] },
  clamp: { of: (x) => x.log().clamp(-3, 3), x: [0, 4], gradient: [0, 0.25] },
  relu: { of: (x) => x.log().relu(), x: [0, 4], gradient: [0, 0.25] },
  'abs of the chosen': { of: (x) => where(x.greater(0), x.log().abs(), 0), x: [0, 4], gradient: [0, 0.25] },
  max: { of: (x) => x.sqrt().max(), x: [0, 4], gradient: [0, 0.25] },
  min: { of: (x) => x.rsqrt().min(), x: [0, 4], gradient: [0, -1 / 16] },
  slice: { of: (x) => x.log().narrow(0, 1, 2), x: [0, 4], gradient: [0, 0.25] },
  gather: { of: (x) => x.log().gather(tensor([1, 1], [2], 'i32')), x: [0, 4], gradient: [0, 0.5] },
  concat: { of: (x) => concat([x.log(), x]).narrow(0, 1), x: [0, 4], gradient: [1, 1.25] },
  'a factor of 0': { of: (x) => x.sqrt().mul(x.sign()), x: [0, 4], gradient: [0, 0.25] },
  'the norm of nothing': { of: (x) => x.square().sum().sqrt().mul(0), x: [0, 0], gradient: [0, 0] },
  'a recurrence': {
    of: (x) => where(x.less(9), scan(x.mul(1), x, { axis: 1 }), 0).select(0, 1),
    x: [1, Infinity, Infinity, 2, 3, 4],
    shape: [2, 3],
    // states are a, b a + b, c (b a + b) + c
    gradient: [0, 0, 0, 1 + 3 + 12, (2 + 1) * (1 + 4), 9 + 1],
  },
  'a recurrence of complex numbers, backwards': {
    of: (x) => scan(x, x, { axis: 0, complex: 2, reverse: true }).select(1, 1),
    x: [Infinity, 1, 1, 2, 1, 1, 3, 4],
    shape: [2, 2, 2],
    // states are z and w z + w; of their parts, added
    gradient: [0, 0, 3 + 4 + 1, 3 - 4 + 1, 0, 0, 1 + 2 + 1, 1 - 2 + 1],
  },
  'in a loop': {
    of: (x) => loop({ count: 3, carry: [x] }, ([s]) => ({ carry: [where(s.lessEqual(2), s, s.sqrt())] })).carry[0],
    x: [0, 1, 16],
    gradient: [1, 1, 1 / 32],
  },
  'around a loop': {
    of: (x) => where(x.greater(0), loop({ count: 2, carry: [x] }, ([s]) => ({ carry: [s.log().add(2)] })).carry[0], x),
    x: [-1, 1],
    gradient: [1, 0.5],
  },
  'the results of a loop': {
    of: (x) =>
      where(
        x.greater(0),
        loop({ count: 2, carry: [x] }, ([s]) => ({ carry: [s], outputs: [s.log()] })).outputs[0].sum(0),
        x,
      ),
    x: [-1, 4],
    gradient: [1, 0.5],
  },
}

for (const [name, open] of Object.entries(held)) {
  test(`${name}: what is not chosen has no influence on the gradient`, async () => {
    const device = await open()
    for (const [what, { of, x, shape = [x.length], gradient }] of Object.entries(cases)) {
      const program = compile(device, { x: f32(...shape) }, ({ x }) => ({ g: grad(of(x).sum(), [x])[0] }))
      const { g } = await program.arrays({ x })
      program.close()
      const error = relativeError(g, gradient)
      assert.ok(error < 3e-6, `${what} on ${name}: ${Array.from(g)}, expected ${gradient}`)
    }
    device.close()
  })

  test(`${name}: a cotangent given as 0 stays 0`, async () => {
    const device = await open()
    const program = compile(device, { x: f32(3), c: f32(3) }, ({ x, c }) => ({ g: vjp([x.log()], [c], [x])[0] }))
    assert.ok(relativeError((await program.arrays({ x: [0, -1, 4], c: [0, 0, 1] })).g, [0, 0, 0.25]) < 1e-6)
    device.close()
  })

  if (name.startsWith('webgpu')) continue // promises nothing of NaN
  test(`${name}: the NaN of what was chosen is seen`, async () => {
    const device = await open()
    const program = compile(device, { x: f32(3), c: f32(3) }, ({ x, c }) => {
      const chosen = where(x.less(1), x.sqrt(), x)
      const [log] = vjp([x.log()], [c], [x])
      return { g: grad(chosen.sum(), [x])[0], h: grad(x.log().mul(Number.NaN).sum(), [x])[0], log }
    })
    const { g, h, log } = await program.arrays({ x: [-1, 0, 4], c: [1, Number.NaN, 1] })
    assert.equal(Array.from(g), [Number.NaN, Infinity, 1])
    assert.equal(Array.from(h), [Number.NaN, Number.NaN, Number.NaN])
    assert.equal(Array.from(log), [-1, Number.NaN, 0.25])
    device.close()
  })
}

test.run()
