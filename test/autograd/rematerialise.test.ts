import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { rematerialise } from '../../src/autograd/loop.ts'
import { compile, f32 } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, relativeError } from '../support/devices.ts'

test('what is computed again has the same gradient, and is not kept', async () => {
  const device = await devices.reference()
  const layers = (x: Tensor, w: Tensor): Tensor => {
    let y = x
    for (let layer = 0; layer < 6; layer++) y = y.matmul(w).tanh()
    return y
  }
  const build = (again: boolean) =>
    compile(device, { x: f32(64, 8), w: f32(8, 8) }, ({ x, w }) => {
      const lower = again ? rematerialise([x], ([x]) => layers(x, w)) : layers(x, w)
      const [gx, gw] = grad(layers(lower, w).square().sum(), [x, w])
      return { gx, gw }
    })
  const inputs = {
    x: Array.from({ length: 512 }, (_, i) => Math.sin(i)),
    w: Array.from({ length: 64 }, (_, i) => Math.cos(3 * i)),
  }
  const [kept, again] = [build(false), build(true)]
  const [expected, found] = [await kept.arrays(inputs), await again.arrays(inputs)]
  for (const name of ['gx', 'gw'] as const) assert.ok(relativeError(found[name], expected[name]) < 1e-14, name)
  // of two times six results, six are there at a time
  assert.ok(again.memory.arena < 0.75 * kept.memory.arena, `${again.memory.arena} of ${kept.memory.arena} bytes`)
  device.close()
})

test.run()
