import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import '../../src/ops/methods.ts'
import { tensor } from '../../src/ops/entry.ts'
import type { HostArray } from '../../src/program/device.ts'
import { compile, f32, i32, read } from '../../src/program/program.ts'
import { devices, held } from '../support/devices.ts'

test('the first maximum gets the gradient', async () => {
  for (const make of Object.values(devices)) {
    const device = await make()
    const program = compile(device, { x: f32(3, 4), y: f32(3, 4) }, ({ x, y }) => {
      const [dx, dy] = grad(x.maximum(y).sum(), [x, y])
      const [ex, ey] = grad(x.minimum(y).sum(), [x, y])
      return {
        rows: grad(x.max(-1).mul(2).sum(), [x])[0],
        columns: grad(x.max(0).sum(), [x])[0],
        all: grad(x.max(), [x])[0],
        least: grad(x.min(-1).sum(), [x])[0],
        index: x.argmax(-1),
        down: x.argmax(0),
        dx,
        dy,
        ex,
        ey,
      }
    })
    const x = [1, 5, 5, 2, 7, 7, 7, 7, -1, -3, -1, -3]
    const found: Record<string, HostArray> = await program.arrays({ x, y: new Float32Array(12).fill(5) })
    assert.equal([...found.rows], [0, 2, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0])
    assert.equal([...found.columns], [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0])
    assert.equal([...found.all], [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    assert.equal([...found.least].map(Math.abs), [1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0])
    assert.equal([...found.index], [1, 0, 0])
    assert.equal([...found.down], [1, 1, 1, 1])
    assert.equal(
      [...found.dx],
      x.map((n) => Number(n >= 5)),
    )
    assert.equal(
      [...found.dy],
      x.map((n) => Number(n < 5)),
    )
    assert.equal(
      [...found.ex],
      x.map((n) => Number(n <= 5)),
    )
    assert.equal(
      [...found.ey],
      x.map((n) => Number(n > 5)),
    )
    device.close()
  }
})

test('a NaN is the largest and the smallest element, and rows may hold nothing but -Infinity', async () => {
  const _ = Number.NaN
  const low = -Infinity
  const x = [low, low, low, 1, _, 3, _, _, _, 1, 3, 3, low, 2, low, _, 1, _]
  // a row that a kernel of its own reduces, and the axis of several of them
  const long = Array.from({ length: 5000 }, (_, i) => (i === 4321 || i === 4700 ? Number.NaN : i % 97))
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const program = compile(device, { x: f32(6, 3), long: f32(5000), low: f32(2, 5000) }, ({ x, long, low }) => ({
      max: x.max(-1),
      min: x.min(-1),
      index: x.argmax(-1),
      down: x.argmax(0),
      gradient: grad(x.max(-1).sum(), [x])[0],
      sign: x.sign(),
      longest: long.max(),
      longIndex: long.argmax(),
      lowest: low.max(-1),
      lowIndex: low.argmax(-1),
      across: low.max(0).max(),
    }))
    const found = await program.arrays({ x, long, low: new Float32Array(10_000).fill(low) })
    device.close()
    const rows = (values: ArrayLike<number>, width: number): number[][] =>
      Array.from({ length: values.length / width }, (_, i) => Array.from(values).slice(i * width, (i + 1) * width))
    for (const [key, [length, indices]] of Object.entries({ index: [3, found.index], down: [6, found.down] } as const))
      for (const i of indices) assert.ok(i >= 0 && i < length, `${name}: ${key} is ${i}, outside of ${length}`)
    assert.equal([...found.lowest, ...found.across], [low, low, low], name)
    assert.equal([...found.lowIndex], [0, 0], name)
    if (name.startsWith('webgpu')) {
      // which promises nothing of NaN
      const numbers = [0, 3, 4]
      assert.equal(
        numbers.map((i) => found.max[i]),
        [low, 3, 2],
        name,
      )
      assert.equal(
        numbers.map((i) => found.index[i]),
        [0, 1, 1],
        name,
      )
      assert.equal(numbers.map((i) => rows(found.gradient, 3)[i]), [[1, 0, 0], [0, 1, 0], [0, 1, 0]], name) // biome-ignore format: rows
      continue
    }
    assert.equal([...found.max].map(String), [low, _, _, 3, 2, _].map(String), name)
    assert.equal([...found.min].map(String), [low, _, _, 1, low, _].map(String), name)
    assert.equal([...found.index], [0, 1, 0, 1, 1, 0], name)
    assert.equal([...found.down], [2, 1, 2], name)
    assert.equal([...found.gradient], [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0], name)
    assert.equal([...found.sign].map(String), x.map(Math.sign).map(String), name)
    assert.ok(Number.isNaN(found.longest[0]), name)
    assert.is(found.longIndex[0], 4321, name)
  }
})

test('the smallest integer has its place in minima and maxima', async () => {
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const x = tensor([0, -(2 ** 31), 5, 2 ** 31 - 1, 7, -(2 ** 31)], [2, 3], 'i32')
    const found = await read(device, x.min(-1), x.max(-1), x.argmax(-1), x.min(0))
    const expected = [
      [-(2 ** 31), -(2 ** 31)],
      [5, 2 ** 31 - 1],
      [2, 0],
      [0, -(2 ** 31), -(2 ** 31)],
    ]
    assert.equal(found.map((values) => [...values]), expected, name) // biome-ignore format: short
    device.close()
  }
})

test('powers are those of IEEE 754 at zeros, infinities and negative bases, of literals and of tensors', async () => {
  const bases = [-Infinity, Infinity, -0, 0, -1, 1, -2, 2, -0.5, 0.5, -300, Number.NaN]
  const exponents = [0.3, -1.5, 1, 2, 3, -1, -2, -3, 4, -4, 5, -5, 7, 2 ** 24 + 2, Infinity, -Infinity]
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const specs = { x: f32(bases.length), e: f32(exponents.length) }
    const program = compile(device, specs, ({ x, e }) => ({
      ...Object.fromEntries(exponents.map((exponent) => [exponent, x.pow(exponent)])),
      ...Object.fromEntries(exponents.map((exponent, i) => [`tensor ${exponent}`, x.pow(e.select(0, i))])),
    }))
    const found: Record<string, HostArray> = await program.arrays({ x: bases, e: exponents })
    const wrong: string[] = []
    for (const key of Object.keys(found)) {
      const literal = Number(key.replace('tensor ', ''))
      const exponent = key.startsWith('tensor') && device.name !== 'reference' ? Math.fround(literal) : literal
      bases.forEach((base, i) => {
        const value = found[key][i]
        // JavaScript has NaN for a power of 1 or -1 to an infinity
        const one = base === 1 || (base === -1 && Math.abs(exponent) === Infinity)
        const exact = one ? 1 : Math.fround(base) ** exponent
        const float = device.name === 'reference' ? exact : Math.fround(exact)
        // a GPU promises nothing of NaN, and may take the sign from a zero
        const free = name.startsWith('webgpu') && (Number.isNaN(exact) || !Number.isFinite(base * exponent))
        const close = Math.abs(value - float) <= 1e-5 * Math.abs(float)
        if (!free && !Object.is(value, float) && !(close && Number.isFinite(float) && float !== 0))
          wrong.push(`(${base}) ** ${key} is ${value}, expected ${float}`)
      })
    }
    assert.equal(wrong, [], name)
    device.close()
  }
})

test('whole quotients by 0 and beyond the integers are those of NumPy on every device', async () => {
  const a = [5, -5, 0, -(2 ** 31), -(2 ** 31), 2 ** 31 - 1, -7, 7]
  const b = [0, 0, 0, 0, -1, -1, 2, -2]
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const program = compile(device, { a: i32(8), b: i32(8) }, ({ a, b }) => ({
      quotient: a.floorDivide(b),
      rest: a.mod(b),
      literal: a.floorDivide(0),
      folded: tensor([1], [], 'i32').mul(0).add(7).mod(-3),
    }))
    const found = await program.arrays({ a, b })
    assert.equal([...found.quotient].map(String), ['0', '0', '0', '0', '-2147483648', '-2147483647', '-4', '-4'], name)
    assert.equal([...found.rest].map(Math.abs), [0, 0, 0, 0, 0, 0, 1, 1], name)
    assert.equal([...found.rest].slice(6), [1, -1], name)
    assert.ok(
      [...found.literal].every((quotient) => quotient === 0),
      name,
    )
    assert.is(found.folded[0], -2, name)
    device.close()
  }
})

test('quotients that are just below a whole number, and angles next to a multiple of pi / 2', async () => {
  // float32 numbers: 1 / 0.1 is below 10, and 2^24 - 1 times 3 is no float32
  const [a, b] = [
    [1, -1, 16777215, Math.fround(1e30), 5e-45],
    [Math.fround(0.1), Math.fround(0.1), 3, 7, 3e-45],
  ]
  const x = [22, 355, 52174, 16367173 * 2 ** 72, -16367173 * 2 ** 72, 2 ** 28, 1e38]
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const program = compile(device, { a: f32(5), b: f32(5), x: f32(7) }, ({ a, b, x }) => ({
      quotient: a.floorDivide(b),
      rest: a.mod(b),
      sin: x.sin(),
      cos: x.cos(),
    }))
    const found = await program.arrays({ a, b, x: x.map(Math.fround) })
    assert.equal([...found.quotient].slice(0, 3), [9, -10, 5592405], name)
    const rests = [1 - 9 * b[0], Math.fround(10 * b[0] - 1), 0, a[3] % 7]
    for (const [i, rest] of rests.entries())
      assert.ok(Math.abs(found.rest[i] - rest) <= 1e-6 * Math.abs(rest), `${name}: ${found.rest[i]}, not ${rest}`)
    for (const [i, angle] of x.map(Math.fround).entries()) {
      const [sin, cos] = [Math.sin(angle), Math.cos(angle)]
      assert.ok(
        Math.abs(found.sin[i] - sin) <= 4 * 2 ** -23 * Math.abs(sin),
        `${name}: sin ${angle} is ${found.sin[i]}`,
      )
      assert.ok(
        Math.abs(found.cos[i] - cos) <= 4 * 2 ** -23 * Math.abs(cos),
        `${name}: cos ${angle} is ${found.cos[i]}`,
      )
    }
    device.close()
  }
})

test.run()
