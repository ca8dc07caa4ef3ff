import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { zeros } from '../../src/ops/entry.ts'
import '../../src/ops/methods.ts'
import type { Device, HostArray } from '../../src/program/device.ts'
import { compile, f32 } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { type Case, cases, type Unroll, valuesOf } from './loop-cases.ts'

/** The second derivatives of a case, and the third ones, each of a sum over those before. */
async function furtherDerivatives(device: Device, { inputs, build }: Case, unroll: Unroll, orders: number) {
  const program = compile(device, inputs, (given) => {
    const { loss, wrt = {} } = build(given, unroll)
    const floats = Object.entries({ ...given, ...wrt }).filter(([, x]) => x.dtype === 'f32')
    const by = floats.map(([, x]) => x)
    const found: Record<string, Tensor> = {}
    let gradients = grad(loss, by)
    for (let order = 2; order <= orders; order++) {
      const scalar = gradients
        .map((g, i) =>
          g
            .mul(i + 1)
            .square()
            .sum(),
        )
        .reduce((a, b) => a.add(b))
      gradients = grad(scalar, by)
      for (const [i, [name]] of floats.entries()) found[`order ${order} by ${name}`] = gradients[i]
    }
    return found
  })
  const found: Record<string, HostArray> = await program.arrays(valuesOf(inputs))
  program.close()
  return found
}

test('further derivatives through a replayed gradient are the unrolled ones', async () => {
  const open: Record<string, Device> = {}
  for (const [name, make] of Object.entries(held)) open[name] = await make()
  let seen = 0
  for (const [name, one] of Object.entries(cases)) {
    const unrolled = await furtherDerivatives(open.reference, one, true, 3)
    seen += Object.values(unrolled).filter((values) => values.some((x) => x !== 0)).length
    // one of them where pipelines are compiled for each
    const on = name === 'a loop in a loop' ? Object.keys(open) : ['reference', 'wasm relaxed']
    for (const device of on) {
      const exact = device === 'reference'
      for (const unroll of exact ? ([false, 'hold'] as const) : [false]) {
        const replayed = await furtherDerivatives(open[device], one, unroll, exact ? 3 : 2)
        for (const [key, values] of Object.entries(replayed)) {
          const error = relativeError(values, unrolled[key])
          assert.ok(error <= (exact ? 1e-11 : 2e-5), `${name}: ${key} on ${device} differs by ${error}`)
        }
      }
    }
  }
  for (const device of Object.values(open)) device.close()
  assert.ok(seen > 80, `only ${seen} are not 0`)
})

test("a second derivative by what a loop's gradient only began with", async () => {
  const device = await devices.reference()
  const program = compile(device, { x: f32(2), y: f32(2) }, ({ x, y }) => {
    const { carry } = loop({ count: 2, carry: [zeros([2]).add(1)] }, ([c]) => ({ carry: [c.mul(x)] }))
    // d/dx (x^2 + x y) = 2x + y, and of its square by y twice that
    const [g] = grad(carry[0].sum().add(x.mul(y).sum()), [x])
    const [h] = grad(g.square().sum(), [y])
    return { g, h }
  })
  const { g, h } = await program.arrays({ x: [1, 2], y: [3, 4] })
  assert.equal([...g], [5, 8])
  assert.equal([...h], [10, 16])
  device.close()
})

test.run()
