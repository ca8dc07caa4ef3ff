import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad, stopGradient, vjp } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { tensor, zeros } from '../../src/ops/entry.ts'
import { parameter } from '../../src/ops/loop.ts'
import { concat } from '../../src/ops/views.ts'
import '../../src/ops/methods.ts'
import { variable } from '../../src/nn/variable.ts'
import { compile, f32, i32 } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

import { valuesOf } from './loop-cases.ts'

const secondOrder: Record<string, (x: Tensor) => Tensor> = {
  tanh: (x) => x.tanh(),
  softmax: (x) => x.softmax(),
  logSoftmax: (x) => x.logSoftmax(),
  layerNorm: (x) => x.layerNorm(x.sum(0).mul(0.1), x.select(0, 0)),
  gelu: (x) => x.gelu(),
  sigmoid: (x) => x.sigmoid(),
  softplus: (x) => x.softplus(),
  matmul: (x) => x.matmul(x.transpose()).matmul(x),
  einsum: (x) => einsum('ij,ij->i', x, x.exp()),
  crossEntropy: (x) => x.crossEntropy(tensor([1, 0, 3], [3], 'i32')),
  division: (x) => x.div(x.square().add(1)),
  'crossEntropy of shares': (x) =>
    x.crossEntropy(
      tensor(
        [0.1, 0.2, 0.7, 0.5].flatMap((a) => [a, 0, 1]),
        [3, 4],
      ),
    ),
  'max and slices': (x) => concat([x.max(-1, true).mul(x), x.slice([0, 1], [3, 2]).square()], 1),
  'gather and scatterAdd': (x) => {
    const ids = tensor([2, 0, 2, 1], [4], 'i32')
    return x.gather(ids).square().scatterAdd(ids, 3).mul(x)
  },
  'a loop without replay': (x) =>
    loop({ count: 3, carry: [x], unroll: true }, ([h]) => ({ carry: [h.mul(x).tanh()] })).carry[0],
}

/** Of x [3]: a derivative that passes where the first one is 0, and what it is by hand. */
const throughZero: Record<string, (x: Tensor) => { found: Tensor; expected: (x: number[]) => number[] }> = {
  'a square root whose residual is 0': (x) => {
    const [first] = grad(
      x
        .sqrt()
        .sub(tensor([1, 2, 3], [3]))
        .square()
        .sum(),
      [x],
    )
    return { found: grad(first.sum(), [x])[0], expected: (x) => x.map((v, i) => ((i + 1) / 2) * v ** -1.5) }
  },
  'a slice whose residual is 0': (x) => {
    const weights = x.mul(0)
    const [first] = grad(x.mul(weights).exp().narrow(0, 0, 2).sub(1).square().sum(), [weights])
    return { found: vjp([first], [x], [weights])[0], expected: (x) => x.map((v, i) => (i < 2 ? 2 * v ** 3 : 0)) }
  },
  'the same behind clamp': (x) => {
    const weights = x.mul(0)
    const [first] = grad(x.mul(weights).exp().clamp(-5, 5).sub(1).square().sum(), [weights])
    return { found: grad(first.sum(), [weights])[0], expected: (x) => x.map((v) => 2 * v ** 2) }
  },
  'a derivative forwards, as two backwards': (x) => {
    const dual = x.mul(0)
    const [back] = vjp([x.exp().mul(x)], [dual], [x])
    return {
      found: vjp([back], [tensor([1, 1, 1], [3])], [dual])[0],
      expected: (x) => x.map((v) => (1 + v) * Math.exp(v)),
    }
  },
  'by a factor of 0 behind relu': (x) => {
    const b = x.mul(0)
    const [first] = grad(x.exp().relu().mul(b).sum(), [x])
    return { found: grad(first.sum(), [b])[0], expected: (x) => x.map(Math.exp) }
  },
  'softmax, weighted by 0': (x) => {
    const b = x.mul(0)
    const [first] = grad(x.relu().softmax().mul(b).sum(), [x])
    const p = (x: number[], i: number): number => Math.exp(x[i]) / x.reduce((sum, v) => sum + Math.exp(v), 0)
    return {
      found: grad(first.mul(tensor([1, 0, 0], [3])).sum(), [b])[0],
      expected: (x) => x.map((_, i) => p(x, 0) * ((i === 0 ? 1 : 0) - p(x, i))),
    }
  },
  'a product with a 0 in it': (x) => {
    const values = x.mul(tensor([1, 0, 1 / 9], [3]))
    const [first] = grad(values.cumprod(0).sum(), [values])
    // the first is [1 + b + b c, a + a c, a b] at a = 1, b = 0, c = 1
    return { found: grad(first.square().sum(), [values])[0], expected: () => [8, 4, 4] }
  },
}

for (const [name, build] of Object.entries(throughZero))
  test(`a gradient that is 0 has a gradient: ${name}`, async () => {
    for (const open of [devices.reference, devices['wasm relaxed']]) {
      const device = await open()
      let by: (x: number[]) => number[] = () => []
      const program = compile(device, { x: f32(3) }, ({ x }) => {
        const { found, expected } = build(x)
        by = expected
        return { found }
      })
      const x = [1, 4, 9]
      const error = relativeError((await program.arrays({ x })).found, by(x))
      assert.ok(error < 1e-5, `${device.name}: off by ${error}`)
      device.close()
    }
  })

test('slices of all kinds give each element what is read of it', async () => {
  // [from, to, step] of each axis of [4, 5]: neighbours, one twice, overlapping ones, gaps, steps, both axes, an empty one
  const boxes = [
    [[0, 2], []],
    [[2, 3], []],
    [[0, 2], []],
    [[1, 4], []],
    [[], [0, 1]],
    [[], [3, 5]],
    [[], [1, 5, 3]],
    [
      [1, 3],
      [2, 4],
    ],
    [
      [3, 4],
      [0, 5, 2],
    ],
    [[2, 2], []],
  ]
  const expected = new Array(20).fill(0)
  for (const [k, [[a = 0, b = 4], [from = 0, to = 5, step = 1]]] of boxes.entries())
    for (let i = a; i < b; i++) for (let j = from; j < to; j += step) expected[5 * i + j] += 2 ** k
  for (let i = 0; i < 20; i++) expected[i] += 20 - i
  for (const open of Object.values(held)) {
    const device = await open()
    const program = compile(device, { x: f32(4, 5) }, ({ x }) => {
      const read = boxes.map(([[a = 0, b = 4], [from = 0, to = 5, step = 1]], k) =>
        x
          .narrow(0, a, b)
          .narrow(1, from, to, step)
          .mul(2 ** k)
          .sum(),
      )
      const numbers = Float32Array.from({ length: 20 }, (_, i) => i + 1)
      const backwards = x
        .flip()
        .mul(tensor(numbers, [4, 5]))
        .sum()
      const [dx]: [Tensor] = grad(
        read.reduce((a, b) => a.add(b), backwards),
        [x],
      )
      return { dx }
    })
    assert.equal([...(await program.arrays({ x: new Array(20).fill(1) })).dx], expected, device.name)
    device.close()
  }
})

test('a gradient has a gradient', async () => {
  const device = await devices.reference()
  for (const [name, f] of Object.entries(secondOrder)) {
    const program = compile(device, { x: f32(3, 4) }, ({ x }) => {
      const y = f(x)
      const weights = (shape: readonly number[], k: number): Tensor =>
        tensor(
          Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(k * i + 1)),
          shape,
        )
      const [first] = grad(y.mul(weights(y.shape, 2)).sum(), [x])
      const value = first.mul(weights([3, 4], 3)).sum()
      return { value, second: grad(value, [x])[0] }
    })
    const { x } = valuesOf({ x: f32(3, 4) })
    const direction = (i: number): number => Math.sin(i + 1)
    const at = async (step: number): Promise<number> =>
      (await program.arrays({ x: x.map((v, i) => v + step * direction(i)) })).value[0]
    const { second } = await program.arrays({ x })
    let slope = 0
    second.forEach((g: number, i: number) => {
      slope += g * direction(i)
    })
    const h = 1e-4
    const difference = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h)
    assert.ok(Math.abs(difference - slope) <= 1e-7 * (1 + Math.abs(slope)), `${name}: ${difference}, ${slope}`)
    program.close()
  }
  device.close()
})

test('vjp of several outputs is the sum of each', async () => {
  const device = await devices.reference()
  const program = compile(device, { x: f32(3), u: f32(3), v: f32() }, ({ x, u, v }) => {
    const y = x.exp()
    const z = x.mul(y).sum()
    const [both] = vjp([y, z], [u, v], [x])
    return { both, sum: vjp([y], [u], [x])[0].add(vjp([z], [v], [x])[0]), twice: vjp([y, y], [u, u], [x])[0] }
  })
  const x = [0.5, -1, 2]
  const u = [1, 2, -3]
  const { both, sum, twice } = await program.arrays({ x, u, v: 0.7 })
  assert.ok(relativeError(both, sum) < 1e-14)
  assert.ok(
    relativeError(
      both,
      x.map((n, i) => u[i] * Math.exp(n) + 0.7 * (1 + n) * Math.exp(n)),
    ) < 1e-14,
  )
  assert.ok(
    relativeError(
      twice,
      x.map((n, i) => 2 * u[i] * Math.exp(n)),
    ) < 1e-14,
  )
  device.close()
})

test('what scatterAdd drops has no gradient', async () => {
  const device = await devices.reference()
  const program = compile(device, { x: f32(3, 2), ids: i32(3) }, ({ x, ids }) => ({
    d: grad(x.scatterAdd(ids, 2).mul(3).sum(), [x])[0],
  }))
  const { d } = await program.arrays({ x: [1, 2, 3, 4, 5, 6], ids: [1, -1, 2] })
  assert.equal([...d], [3, 3, 0, 0, 0, 0])
  device.close()
})

test('no derivative flows through stopGradient, comparisons and integers', async () => {
  const device = await devices.reference()
  const program = compile(device, { x: f32(4), other: f32(2) }, ({ x, other }) => ({
    stopped: grad(stopGradient(x).mul(x).sum(), [x])[0],
    compared: grad(x.less(0).cast('f32').sum(), [x])[0],
    rounded: grad(x.cast('i32').cast('f32').mul(x).sum(), [x])[0],
    none: grad(x.sum(), [other])[0],
    // by an inner result; by the loss itself
    inner: ((y) => grad(y.square().sum(), [y])[0])(x.exp()),
    itself: ((y) => grad(y, [y])[0])(x.sum()),
  }))
  const x = [1.5, -2, 3.2, -0.1]
  const found = await program.arrays({ x, other: [1, 2] })
  assert.equal([...found.stopped], x)
  assert.equal([...found.compared], [0, 0, 0, 0])
  assert.equal([...found.rounded], [1, -2, 3, -0])
  assert.equal([...found.none], [0, 0])
  assert.ok(
    relativeError(
      found.inner,
      x.map((n) => 2 * Math.exp(n)),
    ) < 1e-15,
  )
  assert.is(found.itself[0], 1)
  device.close()
})

const t = (...shape: number[]): Tensor => parameter(shape, 'f32', undefined)

test('a gradient that is made of constants alone is read as any other', async () => {
  const device = await devices.reference()
  const [x, unused] = ['x', 'unused'].map((name) => variable(device, [2], { name, init: 'normal', seed: 1 }))
  const [ones, none] = grad(x.sum(), [x, unused])
  const [given] = grad(x.mul(tensor([3, 4])).sum(), [x])
  assert.equal(await ones.read(), Float64Array.of(1, 1))
  assert.equal(await none.read(), Float64Array.of(0, 0))
  assert.equal(await given.read(), Float64Array.of(3, 4))
  device.close()
})

test('what has no derivative is an error that says so', async () => {
  const x = t(3)
  await fails('gradient', /scalar, found \[3\]/, () => grad(x, [x]))
  await fails('gradient', /integers/, () => grad(x.sum(), [zeros([3], 'i32')]))
  await fails('gradient', /a constant: .*; expected an input or a variable$/, () =>
    grad(x.mul(zeros([3]).add(1)).sum(), [zeros([3])]),
  )
  await fails('gradient', /cotangent 0 is \[2\], its output \[3\]/, () => vjp([x], [t(2)], [x]))
  await fails('gradient', /cotangent 1 is none/, () => vjp([x, x], [x], [x]))
})

test.run()
