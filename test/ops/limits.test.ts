import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { where } from '../../src/ops/elementwise.ts'
import '../../src/ops/methods.ts'
import { tensor, zeros } from '../../src/ops/entry.ts'
import type { Device } from '../../src/program/device.ts'
import { compile, f32 } from '../../src/program/program.ts'
import type { Shape } from '../../src/tensor/dtype.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

/** A function of x and the gradient of the sum of what it gives. */
async function both(
  device: Device,
  x: ArrayLike<number>,
  shape: Shape,
  f: (x: Tensor) => Tensor,
): Promise<Record<'y' | 'gradient', ArrayLike<number>>> {
  const program = compile(device, { x: f32(...shape) }, ({ x }) => {
    const y = f(x)
    return { y: y.reshape([-1]), gradient: grad(y.sum(), [x])[0] }
  })
  const result = await program.arrays({ x })
  program.close()
  return result
}

const [log, exp] = [Math.log, Math.exp]

for (const [name, open] of Object.entries(held)) {
  const close = (found: ArrayLike<number>, expected: readonly number[], what: string, tolerance = 1e-6): void => {
    const error = relativeError(found, expected)
    assert.ok(
      error <= tolerance,
      `${what} on ${name}: ${Array.from(found).slice(0, 8)}, expected ${expected.slice(0, 8)}`,
    )
  }

  test(`${name}: an offset that all logits share leaves loss and gradient as they are`, async () => {
    const device = await open()
    const loss = log(1 + exp(-3))
    const share = exp(-3) / (1 + exp(-3))
    for (const offset of [0, 1e4, 1e6, 1e8]) {
      const logits = Float32Array.of(2 + offset, offset - 1)
      // what float32 has left of them
      const apart = logits[0] - logits[1]
      const [expected, part] = apart === 3 ? [loss, share] : [log(1 + exp(-apart)), 1 / (1 + exp(apart))]
      const entropy = await both(device, logits, [1, 2], (x) => x.crossEntropy(tensor([0], [1], 'i32')))
      close(entropy.y, [expected], `cross entropy at ${offset}`)
      close(entropy.gradient, [-part, part], `its gradient at ${offset}`, 3e-6)
      const shares = await both(device, logits, [1, 2], (x) => x.crossEntropy(tensor([1, 0], [1, 2])))
      close(shares.y, [expected], `cross entropy of shares at ${offset}`)
      close(shares.gradient, [-part, part], `its gradient at ${offset}`, 3e-6)
      const logs = await both(device, logits, [2], (x) => x.logSoftmax().select(0, 0))
      close(logs.y, [-expected], `log softmax at ${offset}`)
      close(logs.gradient, [part, -part], `its gradient at ${offset}`, 3e-6)
    }
    const four = [10000, 10001, 10002, 10003]
    const total = log(four.reduce((sum, x) => sum + exp(x - 10003), 0))
    const found = await both(device, four, [4], (x) => x.logSoftmax())
    close(
      found.y,
      four.map((x) => x - 10003 - total),
      'log softmax',
    )
    device.close()
  })

  test(`${name}: logSumExp, also of what is far from 0`, async () => {
    const device = await open()
    const { y, gradient } = await both(device, [1e4, 1e4 + 1, -2e4, -2e4], [2, 2], (x) => x.logSumExp())
    close(y, [1e4 + log(1 + exp(1)), -2e4 + log(2)], 'logSumExp')
    close(gradient, [1 / (1 + exp(1)), 1 / (1 + exp(-1)), 0.5, 0.5], 'its gradient', 3e-6)
    // a label outside names no class: nothing is taken off
    const none = await both(device, [7, 9], [1, 2], (x) => x.crossEntropy(tensor([-1], [1], 'i32')))
    close(none.y, [9 + log(1 + exp(-2))], 'cross entropy without a class')
    close(none.gradient, [1 / (1 + exp(2)), 1 / (1 + exp(-2))], 'its gradient')
    if (!name.startsWith('webgpu')) {
      const limits = [-Infinity, -Infinity, 3, Infinity, -Infinity, 3, 1, Number.NaN]
      const found = await both(device, limits, [4, 2], (x) => x.logSumExp())
      assert.equal(Array.from(found.y), [-Infinity, Infinity, 3, Number.NaN])
    }
    device.close()
  })

  test(`${name}: what is nearly certain keeps the digits of its doubt`, async () => {
    const device = await open()
    for (const apart of [1, 10, 20, 60]) {
      const [loss, share] = [Math.log1p(exp(-apart)), 1 / (1 + exp(apart))]
      const logits = [3, 3 - apart]
      const entropy = await both(device, logits, [1, 2], (x) => x.crossEntropy(tensor([0], [1], 'i32')))
      close(entropy.y, [loss], `cross entropy of ${apart}`)
      close(entropy.gradient, [-share, share], `its gradient of ${apart}`, 5e-6)
    }
    const ties = await both(device, [0, 0, 0, -1, 2, 2], [2, 3], (x) => x.logSumExp())
    close(ties.y, [log(3), 2 + log(2 + exp(-3))], 'logSumExp of ties')
    close(ties.gradient, [1 / 3, 1 / 3, 1 / 3, ...[-3, 0, 0].map((x) => exp(x) / (2 + exp(-3)))], 'its gradient', 3e-6)
    device.close()
  })

  test(`${name}: softmax over nothing is nothing, what has no value of its own there is an error`, async () => {
    const device = await open()
    for (const f of [
      (x: Tensor) => x.softmax(),
      (x: Tensor) => x.logSoftmax(),
      (x: Tensor) => x.normalize(),
      (x: Tensor) => x.logSumExp().narrow(0, 2),
    ]) {
      const { y, gradient } = await both(device, [], [2, 0], f)
      assert.equal([y.length, gradient.length], [0, 0])
    }
    assert.is((await both(device, [], [0, 3], (x) => x.softmax())).y.length, 0)
    const sums = compile(device, { x: f32(2, 0) }, ({ x }) => ({ y: x.logSumExp().less(-1e30) }))
    assert.equal(Array.from((await sums.arrays({ x: [] })).y), [1, 1])
    for (const f of [(x: Tensor) => x.max(-1), (x: Tensor) => x.argmax(-1)])
      await fails('shape', /nothing to compare in \[2, 0\]/, () =>
        compile(device, { x: f32(2, 0) }, ({ x }) => ({ y: f(x) })),
      )
    device.close()
  })

  test(`${name}: a row that is constant has no deviations, one that nearly is has the right ones`, async () => {
    const device = await open()
    for (const [width, value] of [
      [256, 40000.7],
      [3, 3333.3333],
      [512, 1e6 + 0.3],
      [1000, -77777.77],
    ]) {
      const constant = new Float32Array(2 * width).fill(value)
      const flat = await both(device, constant, [2, width], (x) => x.normalize())
      assert.ok(
        Array.from(flat.y).every((y) => Math.abs(y) < 2e-6),
        `${width} x ${value} on ${name}: ${flat.y[0]}`,
      )
      const steps = constant.map((x, i) => x + ((i % width) % 3 === 0 ? Math.abs(value) * 2 ** -20 : 0))
      const row = steps.subarray(0, width)
      const mean = row.reduce((sum, x) => sum + x / width, 0)
      const variance = row.reduce((sum, x) => sum + (x - mean) ** 2 / width, 0)
      const near = await both(device, steps, [2, width], (x) => x.normalize())
      const expected = Array.from(steps, (x) => (x - mean) / Math.sqrt(variance + 1e-5))
      close(near.y, expected, `nearly ${width} x ${value}`, 3e-6)
    }
    device.close()
  })

  test(`${name}: elu + 1 and the slope of elu keep their digits far below 0`, async () => {
    const device = await open()
    const x = [-80, -20, -10, -1, 0, 2]
    const slope = x.map((z) => Math.min(exp(z), 1))
    const eachOf = (found: ArrayLike<number>, expected: readonly number[], what: string) => {
      expected.forEach((value, i) => {
        close([found[i]], [value], `${what} at ${x[i]}`)
      })
    }
    const one = await both(device, x, [6], (z) => z.eluPlusOne())
    eachOf(
      one.y,
      x.map((z) => (z > 0 ? z + 1 : exp(z))),
      'elu + 1',
    )
    eachOf(one.gradient, slope, 'the slope of elu + 1')
    eachOf((await both(device, x, [6], (z) => z.elu())).gradient, slope, 'the slope of elu')
    device.close()
  })

  test(`${name}: sigmoid, tanh and gelu keep their digits in their tails, and so do their slopes`, async () => {
    const device = await open()
    const each = async (what: string, f: (x: Tensor) => Tensor, rows: readonly (readonly number[])[]) => {
      const x = rows.map(([at]) => at)
      const { y, gradient } = await both(device, x, [x.length], f)
      rows.forEach(([at, value, slope]) => {
        const i = x.indexOf(at)
        // what the exponent is rounded by is multiplied by it
        const tolerance = name === 'reference' ? 1e-11 : 1e-6 + 1e-7 * at * at
        close([y[i]], [value], `${what} at ${at}`, tolerance)
        close([gradient[i]], [slope], `the slope of ${what} at ${at}`, tolerance)
      })
    }
    // computed with 40 digits
    await each('gelu', (x) => x.gelu(), [
      [-12, -2.1317785344932e-32, -2.5578956616749e-31],
      [-8, -4.9767684594174e-15, -3.9796072610868e-14],
      [-5.5, -1.0444259356238e-7, -5.7334723987399e-7],
      [-5, -1.433257859396e-6, -7.1469460017923e-6],
      [-4, -0.00012668496733248, -0.00050364966122642],
      [-1, -0.158655253931457, -0.083315470587686],
      [0, 0, 0.5],
      [3, 2.99595030590511, 1.01194564720418],
    ])
    await each("gelu('tanh')", (x) => x.gelu('tanh'), [
      [-8, -3.1077829375011e-21, -4.71478450411e-20],
      [-5.5, -5.9276402638803e-9, -4.67655281081e-8],
      [-5, -2.2917961966295e-7, -1.54636198753e-6],
      [-1, -0.15880800939172, -0.0829640838458],
      [0, 0, 0.5],
    ])
    const share = (x: number) => 1 / (1 + exp(-x))
    const bothWays = [-30, -20, -1, 0, 1, 8, 20, 30]
    await each(
      'sigmoid',
      (x) => x.sigmoid(),
      bothWays.map((x) => [x, share(x), share(x) * share(-x)]),
    )
    await each(
      'softplus',
      (x) => x.softplus(),
      bothWays.map((x) => [x, Math.max(x, 0) + Math.log1p(exp(-Math.abs(x))), share(x)]),
    )
    await each(
      'tanh',
      (x) => x.tanh(),
      [-15, -5, -1, 0, 1, 5, 15].map((x) => [x, Math.tanh(x), 1 / Math.cosh(x) ** 2]),
    )
    // far outside there is nothing left
    const { y, gradient } = await both(device, [-1e30, -40, 40, 1e30], [4], (x) => x.gelu())
    assert.equal(Array.from(y, Math.fround).map(Math.abs), [0, 0, 40, Math.fround(1e30)])
    assert.equal(Array.from(gradient, Math.fround).map(Math.abs), [0, 0, 1, 1])
    device.close()
  })

  test(`${name}: a formula has the same value whether its leaves are literals or inputs`, async () => {
    const device = await open()
    const formulas: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
      (x, y) => x.add(y).sub(y),
      (x, y) => x.mul(0.1).mul(0.1).mul(y).mul(1e-8),
      (x, y) => x.div(3).mul(3).sub(x).add(y.mul(0)),
      (x, y) =>
        x
          .mul(1 / 3)
          .add(1 / 3)
          .lessEqual(2 / 3)
          .cast('f32')
          .add(y),
      (x, y) => where(x.mul(1 + 1e-9).equal(x), y.neg().abs(), x),
      (x) => x.exp().log().sub(x),
      (x) => x.sqrt().square().sub(x),
      (x, y) => x.gelu().sigmoid().mul(y),
      (x, y) => x.cast('i32').add(16777217).sub(y.cast('i32')).cast('f32'),
      (x, y) => where(x.mul(y).mul(1e32).isFinite(), 1, 2).cast('f32'),
    ]
    const build = ({ x, y }: Record<string, Tensor>) =>
      Object.fromEntries(formulas.map((formula, i) => [i, formula(x, y)]))
    const inputs = { x: f32(2), y: f32(2) }
    const given = compile(device, inputs, build)
    const literal = (value: number) => zeros([2]).add(value)
    for (const [x, y] of [
      [1, 1e8],
      [0.1, 3.7e8],
      [2.7, 0.3],
    ]) {
      const found: Record<string, ArrayLike<number>> = await given.arrays({ x: [x, x], y: [y, y] })
      const known = compile(device, {}, () => build({ x: literal(x), y: literal(y) }))
      const expected: Record<string, ArrayLike<number>> = await known.arrays({})
      formulas.forEach((formula, i) => {
        assert.equal(Array.from(found[i]), Array.from(expected[i]), `${formula} of ${x} and ${y} on ${name}`)
      })
      known.close()
    }
    const large = await given.run({ x: [1, 1], y: [1e8, 1e8] })
    assert.equal(Array.from(large[0] as ArrayLike<number>), name === 'reference' ? [1, 1] : [0, 0])
    device.close()
  })
}

test.run()
