import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { tensor } from '../../src/ops/entry.ts'
import { scan } from '../../src/ops/scan.ts'
import { compile, f32 } from '../../src/program/program.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const wave = (count: number, phase: number, from: number, to: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => from + ((to - from) * (1 + Math.sin(1.7 * i + phase))) / 2)

/** Of lanes that lie side by side, [T, C]; with `first` the state before. */
function recurrence(a: ArrayLike<number>, b: ArrayLike<number>, width: number, reverse: boolean, first?: number[]) {
  const states = new Float64Array(b.length)
  for (let step = 0; step < b.length; step++) {
    const at = reverse ? b.length - 1 - step : step
    const before = step < width ? (first?.[at % width] ?? 0) : states[at + (reverse ? width : -width)]
    states[at] = a[at] * before + b[at]
  }
  return states
}

for (const [name, open] of Object.entries(held)) {
  test(`${name}: a recurrence of any length, both ways, from any state, in any layout`, async () => {
    const device = await open()
    for (const [steps, width] of [
      [1, 3],
      [2, 16],
      [15, 5],
      [64, 37],
      [1000, 19],
      [65536, 2],
    ]) {
      const [a, b] = [wave(steps * width, 0, -1, 1), wave(steps * width, 1, -1, 1)]
      const [ends, starts] = [Array.from(wave(width, 2, -1, 1)), [steps, width]]
      const program = compile(device, { a: f32(...starts), b: f32(...starts), h: f32(width) }, ({ a, b, h }) => ({
        forwards: scan(a, b, { axis: 0 }),
        backwards: scan(a, b, { axis: 0, reverse: true }),
        first: scan(a, b, { axis: 0, first: h }),
        last: scan(a, b, { axis: 0, reverse: true, first: h }),
        // steps side by side
        across: scan(a.mul(1).transpose(), b.transpose(), { axis: 1 }).transpose(),
        turned: scan(a.flip(0), b.flip(0), { axis: 0 }).flip(0),
      }))
      const found = await program.arrays({ a, b, h: ends })
      const [forwards, backwards] = [false, true].map((reverse) => recurrence(a, b, width, reverse))
      const wanted = {
        forwards,
        backwards,
        first: recurrence(a, b, width, false, ends),
        last: recurrence(a, b, width, true, ends),
        across: forwards,
        turned: backwards,
      }
      for (const [what, expected] of Object.entries(wanted)) {
        const error = relativeError(found[what as keyof typeof wanted], expected)
        assert.ok(error < 2e-6, `${what} of ${steps} steps, ${width} lanes: off by ${error}`)
      }
      program.close()
    }
    device.close()
  })

  test(`${name}: complex factors turn and shrink; a state of nothing stays nothing, whatever the factor`, async () => {
    const device = await open()
    const steps = 400
    const [size, angle] = [0.999, 0.1]
    const factor = tensor([size * Math.cos(angle), size * Math.sin(angle)], [2, 1])
    const program = compile(device, { b: f32(steps, 2, 1), zero: f32(steps, 1) }, ({ b, zero }) => ({
      y: scan(factor, b, { axis: 0, complex: 1 }),
      nothing: scan(tensor([1e30]), zero, { axis: 0 }),
    }))
    const { y, nothing } = await program.arrays({
      b: [1, ...new Array(2 * steps - 1).fill(0)],
      zero: new Array(steps).fill(0),
    })
    const expected = Array.from({ length: steps }, (_, t) =>
      [Math.cos, Math.sin].map((part) => size ** t * part(t * angle)),
    ).flat()
    assert.ok(relativeError(y, expected) < 1e-4)
    assert.equal(Array.from(nothing), new Array(steps).fill(0))
    device.close()
  })
}

test('a gradient has a gradient', async () => {
  const device = await devices.reference()
  const step = 1e-5
  for (const complex of [undefined, 1]) {
    const shape = [5, 2, 3]
    const program = compile(device, { a: f32(...shape), b: f32(...shape), h: f32(2, 3) }, ({ a, b, h }) => {
      const y = scan(a, b, { axis: 0, first: h, complex }).square().sum()
      const gradients = grad(y, [a, b, h])
      const slope = gradients.map((g) => g.mul(g).sum()).reduce((x, z) => x.add(z))
      const [da, db, dh] = grad(slope, [a, b, h])
      return { slope, da, db, dh }
    })
    const given = { a: [...wave(30, 0, -0.7, 0.7)], b: [...wave(30, 1, -1, 1)], h: [...wave(6, 2, -1, 1)] }
    const { da, db, dh } = await program.arrays(given)
    for (const [name, found] of [
      ['a', da],
      ['b', db],
      ['h', dh],
    ] as const) {
      for (const i of [0, 2, 5]) {
        const at = async (by: number): Promise<number> =>
          (await program.arrays({ ...given, [name]: given[name].with(i, given[name][i] + by) })).slope[0]
        const difference = ((await at(step)) - (await at(-step))) / (2 * step)
        assert.ok(Math.abs(found[i] - difference) < 1e-6 * (1 + Math.abs(difference)), `${name}[${i}] of ${complex}`)
      }
    }
    program.close()
  }
  device.close()
})

test('shapes that do not fit are errors', async () => {
  const [a, b] = [
    [4, 3],
    [5, 4, 3],
  ].map((shape) => tensor(new Array(shape.reduce((x, y) => x * y)).fill(1), shape))
  await fails('shape', /scan.*\[2, 3\].*\[5, 3\]/, () => scan(a, b, { axis: 1, first: a.narrow(0, 0, 2) }))
  await fails('shape', /axis 2.*expected one of size 2/, () => scan(a, b, { axis: 1, complex: 2 }))
  await fails('shape', /axis/, () => scan(a, b, { axis: 3 }))
  await fails('argument', /no option is called from/, () => scan(a, b, { axis: 1, from: 2 } as never))
})

test.run()
