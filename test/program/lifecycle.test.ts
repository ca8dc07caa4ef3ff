import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { tensor, zeros } from '../../src/ops/entry.ts'
import { compile, f32, i32, read } from '../../src/program/program.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { tasks } from '../../src/tasks/index.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { train } from '../../src/train/train.ts'
import { devices, held } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

for (const [name, open] of Object.entries(held)) {
  test(`what is given back on ${name} disturbs no program that stays`, async () => {
    const device = await open()
    const early = compile(device, { x: f32(4) }, ({ x }) => ({ y: x.exp().sum().mul(x) }))
    const expected = Array.from((await early.arrays({ x: [1, 2, 3, 4] })).y)
    const later = compile(device, { x: f32(5000) }, ({ x }) => ({ y: x.add(1) }))
    const variable = device.variable([3000])
    await read(device, tensor([1, 2, 3]).mul(2))
    later.close()
    assert.equal(Array.from((await early.arrays({ x: [1, 2, 3, 4] })).y), expected)
    device.delete(variable)
    assert.equal(Array.from((await early.arrays({ x: [1, 2, 3, 4] })).y), expected)
    device.variable([100_000])
    assert.equal(Array.from((await early.arrays({ x: [1, 2, 3, 4] })).y), expected)
    device.close()
  })

  test(`${name}: where a program was that is closed, variables have room, and its arena is not kept`, async () => {
    const device = await open()
    const small = compile(device, { x: f32(4) }, ({ x }) => ({ y: x.exp().sum().mul(x) }))
    const expected = Array.from((await small.arrays({ x: [1, 2, 3, 4] })).y)
    const large = compile(device, { x: f32(4) }, ({ x }) => ({
      y: x
        .reshape([4, 1])
        .add(zeros([4, 50_000]))
        .exp(),
    }))
    await large.run({ x: [1, 2, 3, 4] })
    const held = device.backend.heldBytes
    large.close()
    // the reference lays the arena anew when a program is loaded
    if (name === 'reference') compile(device, {}, () => ({ y: zeros([2]).add(1) }))
    const variables = [1, 2, 3].map((value) => device.variable([60_000], 'f32', new Float32Array(60_000).fill(value)))
    assert.equal(Array.from((await small.arrays({ x: [1, 2, 3, 4] })).y), expected)
    for (const [i, variable] of variables.entries())
      assert.ok((await device.readVariable(variable)).every((value) => value === i + 1))
    const most = name === 'reference' ? 3 * 60_000 * 8 + 1000 : held
    assert.ok(device.backend.heldBytes <= most, `${device.backend.heldBytes} bytes after ${held}`)
    device.close()
  })

  test(`${name}: a function that returns one tensor gives its values, and a tensor of variables can be read`, async () => {
    const device = await open()
    const sums = compile(device, { x: f32(2, 2) }, ({ x }) => x.sum(1))
    assert.equal(Array.from(await sums.arrays({ x: [1, 2, 3, 4] })), [3, 7])
    const total = compile(device, { x: f32(2) }, ({ x }) => x.sum())
    assert.is(await total.run({ x: [1, 2] }), 3)
    assert.equal([...(await total.arrays({ x: [1, 2] }))], [3])
    const both = compile(device, { x: f32(2) }, ({ x }) => ({ x, sum: x.sum() }))
    const { x, sum } = await both.arrays({ x: [1, 2] })
    assert.equal([[...x], [...sum]], [[1, 2], [3]])
    const weight = device.variable([2], 'f32', [5, 6])
    const doubled = await weight.mul(2).read()
    assert.ok(typeof doubled !== 'number')
    assert.equal([...doubled], [10, 12])
    assert.is(await weight.sum().read(), 11)
    await fails('device', /lives on no device; read\(device, x\)/, () => tensor([1]).read())
    const [wrong, list] = [weight, [weight]] as never[]
    await fails('argument', /^read: device is a value of Variable; expected a device of openDevice$/, () => read(wrong))
    await fails('argument', /^read: tensor 0 is \[a value of Variable\]; expected a tensor$/, () => read(device, list))
    device.close()
  })

  test(`${name}: a sum of two maxima is no maximum of both`, async () => {
    const device = await open()
    const program = compile(device, { x: f32(2, 3), y: f32(2, 3) }, ({ x, y }) => ({ z: x.max(0).add(y.max(0)) }))
    const { z } = await program.run({ x: [1, 5, 2, 3, 4, 0], y: [1, 1, 1, 2, 2, 2] })
    assert.equal(Array.from(z as Float32Array), [5, 7, 4])
    device.close()
  })

  test(`${name}: sums of nothing are 0, powers of negative numbers have their sign`, async () => {
    const device = await open()
    const [rows, columns] = await read(device, zeros([3, 0]).sum(-1), zeros([0, 3]).exp().sum(0).add(1))
    assert.equal(Array.from(rows), [0, 0, 0])
    assert.equal(Array.from(columns), [1, 1, 1])
    const x = tensor([-2, 2])
    const powers = await read(device, x.pow(4), x.pow(5), x.pow(-3))
    const expected = [16, 16, -32, 32, -0.125, 0.125]
    powers
      .flatMap((values) => Array.from(values))
      .forEach((value, i) => {
        assert.ok(Math.abs(value - expected[i]) < 1e-4, `${value} for ${expected[i]}`)
      })
    device.close()
  })

  test(`${name}: a deleted variable, an input of another program, a device that is closed are clear errors`, async () => {
    const device = await open()
    const variable = device.variable([2], 'f32', [1, 2])
    const program = compile(device, {}, () => ({ y: variable.add(1) }))
    let foreign: Tensor | undefined
    compile(device, { x: f32(2) }, ({ x }) => {
      foreign = x
      return { x }
    })
    await fails('program', /input is used outside/, () =>
      compile(device, { z: f32(2) }, ({ z }) => ({ y: z.add(foreign!) })),
    )
    device.delete(variable)
    await fails('device', /deleted/, () => program.run({}))
    await fails('device', /deleted/, () => compile(device, {}, () => ({ y: variable.add(1) })))
    device.variable([100_000])
    device.close()
    await fails('device', /closed/, () => program.run({}))
    assert.is(device.backend.heldBytes, 0)
  })

  test(`${name}: the gradient of an empty gather is nothing`, async () => {
    const device = await open()
    const program = compile(device, { table: f32(3, 2), ids: i32(0) }, ({ table, ids }) => ({
      g: grad(table.gather(ids).sum(), [table])[0],
    }))
    assert.equal(Array.from((await program.arrays({ table: [1, 2, 3, 4, 5, 6], ids: [] })).g), [0, 0, 0, 0, 0, 0])
    device.close()
  })
}

test('a refused program leaves no memory behind', async () => {
  const device = await devices['wasm relaxed']()
  const size = 33_000
  const refused = () => compile(device, { x: f32(size), y: f32(size, size) }, ({ x, y }) => ({ z: x.add(y.sum(0)) }))
  await fails('memory', /does not fit/, refused)
  const held = device.backend.heldBytes
  for (let i = 0; i < 5; i++) await fails('memory', /does not fit/, refused)
  assert.is(device.backend.heldBytes, held)
  device.close()
})

test('testing between the steps of a training changes none of them', async () => {
  const task = tasks.cue({ segments: 2, segmentLength: 4 })
  const losses = await Promise.all(
    [false, true].map(async (testing) => {
      const device = await devices['wasm relaxed']()
      const model = new Rmaat(device, { ...tiny, segments: 2, vocabulary: task.vocabulary, classes: task.classes })
      const found: number[] = []
      for await (const event of train(model, task, { steps: 12, batch: 8 })) {
        if (event.kind === 'step') found.push(event.loss)
        if (testing) await evaluate(model, task.test.slice(0, 20), { batch: 10 })
      }
      device.close()
      return found
    }),
  )
  assert.equal(losses[0], losses[1])
})

test('shapes and integers that are none are refused where they are given', async () => {
  const device = await devices.reference()
  await fails('shape', /-1/, () => zeros([-1]))
  await fails('shape', /2\.5/, () => device.variable([2.5]))
  await fails('shape', /2\.5/, () => zeros([2]).scatterAdd(zeros([2], 'i32'), 2.5))
  await fails('dtype', /1\.5 is no 32-bit integer/, () => tensor([1.5], [1], 'i32'))
  device.close()
})

test.run()
