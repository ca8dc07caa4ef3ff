import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { iota, tensor, zeros } from '../../src/ops/entry.ts'
import { irfft, rfft } from '../../src/ops/fourier.ts'
import '../../src/ops/methods.ts'
import { compile, f32, i32, read } from '../../src/program/program.ts'
import { held } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const integers = (...values: number[]) => tensor(values, [values.length], 'i32')

for (const [name, open] of Object.entries(held)) {
  if (name.endsWith('threads')) continue // the bits of one thread

  test(`${name}: running sums of many elements are as near as sums of few`, async () => {
    const device = await open()
    const count = 3000
    const x = Float32Array.from({ length: count }, (_, i) => Math.fround(Math.cos(i) / 3 + 0.7))
    const program = compile(device, { x: f32(count) }, ({ x }) => {
      const sums = x.cumsum(0)
      return { sums, gradient: grad(sums.mul(iota([count], 0).cast('f32')).sum(), [x])[0] }
    })
    const { sums, gradient } = await program.arrays({ x })
    let [sum, weights] = [0, (count * (count - 1)) / 2]
    for (let i = 0; i < count; i++) {
      sum += x[i]
      assert.ok(Math.abs(sums[i] - sum) <= 1e-6 * sum, `sum ${i} is ${sums[i]} instead of ${sum}`)
      assert.ok(Math.abs(gradient[i] - weights) <= 2e-6 * weights, `slope ${i} is ${gradient[i]}, not ${weights}`)
      weights -= i
    }
    device.close()
  })

  test(`${name}: what comes after an element has no influence on its running logsumexp, nor on the gradient, not even as NaN`, async () => {
    const device = await open()
    const x = Float32Array.from({ length: 90 }, (_, i) => (i === 50 ? Number.NaN : i === 0 ? -Infinity : i / 10))
    const program = compile(device, { x: f32(90) }, ({ x }) => {
      const y = x.logCumSumExp(0).narrow(0, 1, 50)
      return { y, gradient: grad(y.sum(), [x])[0] }
    })
    const { y, gradient } = await program.arrays({ x })
    let [sum, total] = [0, 0]
    for (let i = 1; i < 50; i++) {
      sum += Math.exp(x[i])
      assert.ok(Math.abs(y[i - 1] - Math.log(sum)) < 2e-6, `${i}: ${y[i - 1]}, not ${Math.log(sum)}`)
      total += gradient[i]
    }
    assert.ok(Math.abs(total - 49) < 1e-4, `${total}`)
    assert.equal(Array.from(gradient.slice(50)), Array(40).fill(0))
    device.close()
  })

  test(`${name}: a long wave is found among its frequencies, and comes back`, async () => {
    const device = await open()
    const [n, k] = [65 * 65, 1000] // 13 by 325, and these 13 by 25
    const x = Float32Array.from({ length: n }, (_, i) => Math.cos(2 * Math.PI * (((k * i) % n) / n) + 0.3))
    const program = compile(device, { x: f32(n) }, ({ x }) => {
      const spectrum = rfft(x)
      return { spectrum, again: irfft(spectrum, n) }
    })
    const { spectrum, again } = await program.arrays({ x })
    const [real, imaginary] = [(n / 2) * Math.cos(0.3), (n / 2) * Math.sin(0.3)]
    for (const [i, found] of spectrum.entries()) {
      const expected = i === 2 * k ? real : i === 2 * k + 1 ? imaginary : 0
      assert.ok(Math.abs(found - expected) < 1e-6 * n, `number ${i} is ${found}, not ${expected}`)
    }
    for (const [i, value] of x.entries()) assert.ok(Math.abs(again[i] - value) < 2e-6, `${again[i]}, not ${value}`)
    device.close()
  })

  test(`${name}: many elements in their order, of equal ones the first first`, async () => {
    const device = await open()
    const x = Float32Array.from({ length: 700 }, (_, i) => (i * 389) % 97)
    const program = compile(device, { x: f32(700) }, ({ x }) => ({ ...x.sort(), largest: x.topK(9).indices }))
    const { values, indices, largest } = await program.arrays({ x })
    const order = [...x.keys()].sort((a, b) => x[a] - x[b] || a - b)
    assert.equal(Array.from(indices), order)
    assert.equal(
      Array.from(values),
      order.map((i) => x[i]),
    )
    const falling = [...x.keys()].sort((a, b) => x[b] - x[a] || a - b)
    assert.equal(Array.from(largest), falling.slice(0, 9))
    device.close()
  })

  test(`${name}: any length, ties, infinities and both ends of the integers are in order, either way`, async () => {
    const device = await open()
    const few = [Number.NaN, Infinity, -Infinity, 0, -0, 1, 2.5, -3]
    for (const count of name === 'webgpu' ? [1, 3, 70] : [1, 2, 3, 8, 31, 33, 129, 5000]) {
      const floats = Float32Array.from({ length: count }, (_, i) => few[(i * 5 + (i >> 3)) % 8])
      const least = -(2 ** 31)
      const words = Int32Array.from({ length: count }, (_, i) => [2 ** 31 - 1, least, 7, -7, 0][(i * 3) % 5])
      const k = Math.min(count, 5)
      const program = compile(device, { x: f32(count), w: i32(count) }, ({ x, w }) => ({
        ...{
          rising: x.sort().indices,
          falling: x.sort(0, true).indices,
          some: x.topK(k).indices,
          all: x.topK(count).indices,
        },
        ...{ up: w.sort().values, down: w.sort(-1, true).indices, top: w.topK(k).indices },
      }))
      const found = await program.arrays({ x: floats, w: words })
      const above = (a: number, b: number): number =>
        Number.isNaN(a) || Number.isNaN(b)
          ? Number(Number.isNaN(a)) - Number(Number.isNaN(b))
          : a < b
            ? -1
            : a > b
              ? 1
              : 0
      const order = (values: ArrayLike<number>, sign: number): number[] =>
        [...Array(count).keys()].sort((a, b) => sign * above(values[a], values[b]) || a - b)
      const down = order(floats, -1)
      assert.equal([...found.rising], order(floats, 1), `${count} rising`)
      assert.equal([...found.falling], down, `${count} falling`)
      assert.equal([[...found.some], [...found.all]], [down.slice(0, k), down], `the largest of ${count}`)
      assert.equal(
        [...found.up],
        [...words].sort((a, b) => a - b),
      )
      assert.equal([...found.down], order(words, -1))
      assert.equal([...found.top], order(words, -1).slice(0, k))
      program.close()
    }
    device.close()
  })

  test(`${name}: of several updates of a row the last counts, one outside is dropped; so is its gradient`, async () => {
    const device = await open()
    const program = compile(device, { x: f32(4, 1), u: f32(5, 1) }, ({ x, u }) => {
      const y = x.scatterUpdate(integers(2, -1, 2, 0, 4), u)
      const [dx, du] = grad(y.mul(tensor([1, 2, 3, 4], [4, 1])).sum(), [x, u])
      return { y, dx, du }
    })
    const { y, dx, du } = await program.arrays({ x: [10, 20, 30, 40], u: [1, 2, 3, 4, 5] })
    assert.equal(
      [y, dx, du].map((values) => Array.from(values)),
      [
        [4, 20, 3, 40],
        [0, 2, 0, 4],
        [0, 0, 3, 1, 0],
      ],
    )
    device.close()
  })

  test(`${name}: a label outside is no class, an index outside of an axis takes nothing from the next row`, async () => {
    const device = await open()
    const x = tensor([1, 2, 3, 4, 5, 6], [2, 3])
    const taken = x.takeAlong(tensor([0, 3, -1, 2], [2, 2], 'i32'), 1)
    const [classes, finite] = await read(device, integers(-1, 1, 2).oneHot(2), taken.isFinite())
    assert.equal(Array.from(classes), [0, 0, 0, 1, 0, 0])
    assert.equal(Array.from(finite), [1, 0, 0, 1])
    device.close()
  })

  test(`${name}: rows become columns`, async () => {
    const device = await open()
    for (const [a, b, c] of [
      [1, 70, 66],
      [3, 9, 33],
      [1, 1030, 3],
      [2, 7, 1100],
      [1, 5, 5000],
    ]) {
      const x = Int32Array.from({ length: a * b * c }, (_, i) => i)
      const program = compile(device, { x: i32(a, b, c) }, ({ x }) => {
        const y = x.transpose([0, 2, 1])
        return { y: y.reshape([-1]), more: y.mul(y) }
      })
      const { y, more } = await program.arrays({ x })
      const expected = Array.from(x, (_, i) => i - (i % (b * c)) + (i % b) * c + (Math.floor(i / b) % c))
      assert.equal(Array.from(y), expected)
      assert.equal(
        Array.from(more),
        expected.map((n) => Math.imul(n, n)),
      )
    }
    device.close()
  })

  test(`${name}: every kernel reads what lies the other way round`, async () => {
    const device = await open()
    const a = Float32Array.from({ length: 70 * 66 }, (_, i) => ((i * 37) % 101) / 64)
    const at = (row: number, column: number) => a[(69 - row) * 66 + 65 - column]
    const program = compile(device, { a: f32(70, 66) }, ({ a }) => {
      const turned = a.flip()
      return {
        copy: turned,
        add: turned.add(a),
        rows: turned.sum(1),
        columns: turned.sum(0),
        largest: turned.max(1),
        product: turned.matmul(a.flip(0).transpose()),
        gather: turned.gather(integers(1, 69)),
        scatter: turned.narrow(0, 0, 70, 35).scatterAdd(integers(1, 0), 2),
        numbers: iota([5], 0).flip(),
        every: turned.narrow(1, 5, 60, 9).sum(0),
      }
    })
    const found: Record<string, ArrayLike<number>> = await program.arrays({ a })
    const table = (rows: number, columns: number, f: (row: number, column: number) => number) =>
      Array.from({ length: rows * columns }, (_, i) => f(Math.floor(i / columns), i % columns))
    const sum = (count: number, f: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => f(i)).reduce((total, x) => total + x, 0)
    const expected: Record<string, number[]> = {
      copy: table(70, 66, at),
      add: table(70, 66, (i, j) => at(i, j) + a[i * 66 + j]),
      rows: table(70, 1, (i) => sum(66, (j) => at(i, j))),
      columns: table(66, 1, (j) => sum(70, (i) => at(i, j))),
      largest: table(70, 1, (i) => Math.max(...Array.from({ length: 66 }, (_, j) => at(i, j)))),
      product: table(70, 70, (i, k) => sum(66, (j) => at(i, j) * a[(69 - k) * 66 + j])),
      gather: table(2, 66, (i, j) => at([1, 69][i], j)),
      scatter: table(2, 66, (i, j) => at([35, 0][i], j)),
      numbers: [4, 3, 2, 1, 0],
      every: table(7, 1, (j) => sum(70, (i) => at(i, 5 + 9 * j))),
    }
    for (const [key, values] of Object.entries(expected)) {
      assert.is(found[key].length, values.length, key)
      for (const [i, x] of values.entries())
        assert.ok(Math.abs(found[key][i] - x) <= 1e-5 * (1 + x), `${key}, element ${i}: ${found[key][i]}, not ${x}`)
    }
    device.close()
  })
}

test('what does not fit is refused with what would', async () => {
  const x = zeros([2, 6])
  await fails('shape', /^topK: 7 elements of axis 1 of \[2, 6\]; expected 0 to 6$/, () => x.topK(7))
  await fails('shape', /^scatterUpdate: 5000 indices; expected at most 4096$/, () =>
    zeros([9]).scatterUpdate(zeros([5000], 'i32'), zeros([5000])),
  )
  await fails('shape', /^takeAlong: indices \[3, 1\] and \[2, 6\] differ outside axis 1$/, () =>
    x.takeAlong(zeros([3, 1], 'i32'), 1),
  )
  for (const [start, size, steps] of [
    [
      [0, 5],
      [2, 3],
      [1, -3],
    ],
    [
      [0, 0],
      [2, 3],
      [1, 3],
    ],
    [
      [0, 0],
      [1, 1],
      [0, 1],
    ],
    [
      [0, 0],
      [1, 1],
      [1.5, 1],
    ],
    [[0, 0], [1, 1], [1]],
  ])
    await fails('shape', /^slice: a box of/, () => x.slice(start, size, steps))
  await fails('shape', /^narrow: the step is -1; expected a whole number of at least 1/, () => x.narrow(1, 0, 6, -1))
  await fails('shape', /^split: parts of \[2, 3\] do not fill axis 1 of \[2, 6\]$/, () => x.split([2, 3], 1))
  await fails('shape', /^split: parts of 0; expected/, () => x.split(0))
  await fails('shape', /^squeeze: axes \[1\] of \[2, 6\] are not all of size 1$/, () => x.squeeze(1))
  await fails('shape', /^rfft: length 67 has no Fourier transform here; expected a product of primes below 64/, () =>
    rfft(zeros([67])),
  )
  await fails('shape', /^rfft: length 0 /, () => rfft(zeros([2, 0])))
  await fails(
    'shape',
    /^irfft: \[5, 2, 3\] is no spectrum of length 10 along axis 0; expected sizes \[6, 2\] from there$/,
    () => irfft(zeros([5, 2, 3]), 10, 0),
  )
  await fails('shape', /^tril: a matrix has two axes, found \[3\]$/, () => zeros([3]).tril())
  await fails('shape', /^maskedFill: a mask \[3, 2, 6\] does not broadcast to \[2, 6\]$/, () =>
    x.maskedFill(zeros([3, 2, 6], 'i32'), 1),
  )
  for (const [notation, why] of [
    ['ij->ik', 'axis k of the result stands in no operand'],
    ['ii->i', 'axis i has sizes 2 and 6'],
    ['ij->ii', 'a letter stands twice in the result'],
    ['...i->i', 'the result has no ... for the axes of the operands'],
    ['......->', '... stands twice in one place'],
    ['ijk->', 'a letter is needed for every axis'],
    ['ij,jk->ik', '2 operands are named'],
    ['i.j->', "expected a form like 'ij,jk->ik' or 'ij->ji'"],
  ])
    await fails('shape', `einsum '${notation}' of [2, 6]: ${why}`, () => einsum(notation, x))
})

test.run()
