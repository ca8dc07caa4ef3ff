import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { tensor, zeros } from '../../src/ops/entry.ts'
import '../../src/ops/methods.ts'
import { compile, f32, i32, plan } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const PAGE = 65536

test('planned memory is measured memory, to a page', async () => {
  for (const name of Object.keys(held).filter((name) => name.startsWith('wasm'))) {
    const device = await devices[name]()
    const { backend } = device
    const before = backend.heldBytes
    const w = device.variable([300, 400])
    const program = compile(device, { x: f32(500, 300), ids: i32(700) }, ({ x, ids }) => {
      const y = x.matmul(w).softmax().gather(ids)
      const loss = y.mul(y.tanh()).sum()
      return { loss, updates: [[w, w.sub(grad(loss, [w])[0])]] }
    })
    const { arena, inputs, variables, workspace } = program.memory
    assert.is(inputs, 4 * (500 * 300 + 700))
    assert.is(variables, 4 * 300 * 400)
    const planned = arena + inputs + variables + workspace
    const measured = backend.heldBytes - before
    assert.ok(Math.abs(measured - planned) <= PAGE, `planned ${planned}, measured ${measured}`)

    const x = new Float32Array(500 * 300).fill(0.01)
    for (let i = 0; i < 3; i++) await program.run({ x, ids: new Int32Array(700) })
    await program.profile({ x, ids: new Int32Array(700) })
    assert.is(backend.heldBytes - before, measured, 'runs allocate nothing')

    // the arena is shared: another program that needs less of it costs its own words and inputs only
    const small = compile(device, { x: f32(10) }, ({ x }) => ({ y: x.exp() }))
    assert.ok(backend.heldBytes - before - measured <= PAGE)
    small.close()
    program.close()
    // what was given back is used again
    const again = compile(device, { x: f32(500, 300) }, ({ x }) => ({ y: x.matmul(w) }))
    assert.is(backend.heldBytes - before, measured)
    again.close()
    device.close()
  }
})

test('the reference holds eight bytes for each of the four', async () => {
  const device = await devices.reference()
  const before = device.backend.heldBytes
  const program = compile(device, { x: f32(50, 30) }, ({ x }) => ({ y: x.matmul(x.transpose()) }))
  const { arena, inputs, variables } = program.memory
  assert.is(device.backend.heldBytes - before, 2 * (arena + inputs + variables))
  device.close()
})

test('the constants of a program are in what it takes', async () => {
  for (const name of ['reference', 'wasm relaxed']) {
    const device = await devices[name]()
    const before = device.backend.heldBytes
    const table = tensor(Float64Array.from({ length: 40_000 }, (_, i) => i))
    const { arena, inputs, variables, workspace } = compile(device, { x: f32(40_000) }, ({ x }) => x.mul(table)).memory
    const scale = name === 'reference' ? 2 : 1
    assert.ok(workspace >= 4 * scale * 40_000, `${workspace}`)
    const planned = scale * (arena + inputs + variables) + workspace
    const measured = device.backend.heldBytes - before
    assert.ok(Math.abs(measured - planned) <= (scale === 2 ? 0 : PAGE), `${name}: ${planned}, measured ${measured}`)
    device.close()
  }
})

test('more memory than 4 GiB is refused with the numbers', async () => {
  const device = await devices['wasm simd']()
  const held = device.backend.heldBytes
  await fails('memory', [/variable of 2000000000 elements/, /\d{10}/, /4294967296/, /4 GiB/], () =>
    device.variable([2_000_000_000]),
  )
  await fails('memory', [/arena of \d{10}/, /4 GiB/], () =>
    compile(device, { x: f32(40_000, 1) }, ({ x }) => {
      const y = x.matmul(x.transpose())
      return { y, total: y.sum() }
    }),
  )
  await fails('memory', [/input x/, /4 GiB/], () =>
    compile(device, { x: f32(50_000, 50_000) }, ({ x }) => ({ y: x.sum() })),
  )
  assert.is(device.backend.heldBytes, held, 'nothing is kept of what failed')
  // the device still works
  const program = compile(device, { x: f32(2) }, ({ x }) => ({ y: x.add(1) }))
  assert.equal([...(await program.arrays({ x: [1, 2] })).y], [2, 3])
  device.close()
})

test('what is stretched beyond what kernels count is refused with the numbers', async () => {
  for (const [name, make] of Object.entries(held)) {
    if (name === 'reference') continue
    const device = await make()
    const stretched = (shape: number[]) => () =>
      compile(device, { x: f32(1) }, ({ x }) => ({ y: x.broadcastTo(shape).sum() }))
    await fails('memory', [/4294967296 terms/, /2147418112/], stretched([65536, 65536]))
    await fails('memory', [/4294967296 terms/, /2147418112/], () =>
      compile(device, { x: f32(1), y: f32(1) }, ({ x, y }) => ({
        y: einsum('aij,bij->ab', x.broadcastTo([2, 65536, 65536]), y.broadcastTo([3, 65536, 65536])),
      })),
    )
    if (name.startsWith('webgpu'))
      await fails('memory', [/2170814464 lanes/, /2147418112/], () =>
        compile(device, { x: f32(728, 1, 4096), y: f32(1, 728, 4096) }, ({ x, y }) => ({
          y: x.sub(y).square().sum(-1),
        })),
      )
    device.close()
  }
})

test('memory is known without a device', () => {
  const { memory } = plan(undefined, { x: f32(64, 32) }, ({ x }) => {
    const { carry, record } = loop({ count: 5, carry: [x] }, ([h]) => ({ carry: [h.matmul(h.transpose()).matmul(h)] }))
    return { y: carry[0], record: record[0] }
  })
  assert.is(memory.replay, 6 * 64 * 32)
  assert.is(memory.inputs, 64 * 32)
  assert.ok(memory.arena >= memory.replay + 64 * 64)
})

test('the gradient of what is read part by part takes little more than it', () => {
  const [steps, rows, width] = [64, 4, 8]
  for (const axis of [0, 1, 2]) {
    const shape = [rows, width].toSpliced(axis, 0, steps)
    const { memory } = plan(undefined, { x: f32(...shape) }, ({ x }) => {
      let h = zeros([rows, width])
      for (let t = 0; t < steps; t++) h = h.add(x.select(axis, t)).tanh()
      return { dx: grad(h.sum(), [x])[0] }
    })
    // the states and the gradient
    assert.ok(memory.arena <= 2.1 * memory.inputs, `axis ${axis}: ${memory.arena} for ${memory.inputs}`)
  }
})

test('what replay keeps is a part of the arena, also where loops follow each other', () => {
  const { memory } = plan(undefined, { x: f32(64, 32) }, ({ x }) => {
    const half = (x: Tensor): Tensor =>
      loop({ count: 9, carry: [x], hold: 4 }, ([h]) => ({ carry: [h.exp().tanh().matmul(h.transpose()).matmul(h)] }))
        .carry[0]
    const [first, second] = [half(x), half(x.mul(2))]
    return { dx: grad(first.sum(), [x])[0], dy: grad(second.sum(), [x])[0] }
  })
  assert.ok(memory.replay > 9 * 64 * 32)
  assert.ok(memory.replay <= memory.arena, `${memory.replay} of ${memory.arena}`)
})

test.run()
