import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { tensor } from '../../src/ops/entry.ts'
import { compile, f32, i32 } from '../../src/program/program.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

test('a listing shows each kernel, and profile gives its time', async () => {
  for (const make of Object.values(devices)) {
    const device = await make()
    const w = device.variable([4, 4])
    const program = compile(device, { x: f32(3, 4), ids: i32(5) }, ({ x, ids }) => {
      const { carry, outputs } = loop({ count: 3, carry: [x] }, ([h]) => {
        const next = h.matmul(w).tanh().add(x)
        return { carry: [next], outputs: [next.sum(0)] }
      })
      const loss = carry[0].gather(ids).softmax().sum().add(outputs[0].sum())
      return { loss, updates: [[w, grad(loss, [w])[0]]] }
    })
    const kernels = program.plan.instructions.filter(({ kind }) => kind !== 'loop' && kind !== 'end')
    const text = program.toString()
    const listed = text.split('\n').filter((line) => /^ *\d+ +(fused|sum|max|matmul|gather|scatterAdd) /.test(line))
    assert.is(listed.length, kernels.length)
    for (const word of ['matmul', 'gather', 'scatterAdd', 'loop 3 times', 'end', 'variable', 'x@0', 'arena ', 'tanh'])
      assert.ok(text.includes(word), `${word} in\n${text}`)
    const times = await program.profile({ x: new Float32Array(12), ids: [0, 1, 2, 0, 1] })
    assert.is(times.length, kernels.length)
    times.forEach(({ kernel, milliseconds }, i) => {
      assert.ok(listed[i].endsWith(kernel))
      assert.ok(milliseconds >= 0 && Number.isFinite(milliseconds))
    })
    // one with a clock computes what one without does
    const value = await program.arrays({ x: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], ids: [0, 1, 2, 0, 1] })
    assert.ok(Number.isFinite(value.loss[0]))
    device.close()
  }
})

test('a program reads a variable as it was before the run', async () => {
  for (const make of Object.values(devices)) {
    const device = await make()
    const [a, b] = [device.variable([3], 'f32', [1, 2, 3]), device.variable([3], 'f32', [10, 20, 30])]
    const swap = compile(device, {}, () => ({
      updates: [
        [a, b],
        [b, a],
      ],
    }))
    await swap.run({})
    assert.equal([...(await device.readVariable(a))], [10, 20, 30])
    assert.equal([...(await device.readVariable(b))], [1, 2, 3])

    const program = compile(device, {}, () => ({
      before: a,
      doubled: a.mul(2),
      sum: a.add(b),
      total: a.sum(),
      turned: a.reshape([3, 1]).matmul(b.reshape([1, 3])),
      updates: [
        [a, a.add(b)],
        [b, a.mul(b).sub(a)],
      ],
    }))
    const result = await program.arrays({})
    assert.equal([...result.before], [10, 20, 30])
    assert.equal([...result.doubled], [20, 40, 60])
    assert.equal([...result.sum], [11, 22, 33])
    assert.is(result.total[0], 60)
    assert.equal([...result.turned], [10, 20, 30, 20, 40, 60, 30, 60, 90])
    assert.equal([...(await device.readVariable(a))], [11, 22, 33])
    assert.equal([...(await device.readVariable(b))], [0, 20, 60])

    // the value of an update is a result as well; a variable only written; one rotated with others; a shifted one
    const c = device.variable([3], 'f32', [7, 8, 9])
    const turn = compile(device, { x: f32(3) }, ({ x }) => {
      const next = x.mul(3)
      return {
        next,
        updates: [
          [a, b],
          [b, c],
          [c, next],
        ],
      }
    })
    assert.equal([...(await turn.arrays({ x: [1, 2, 3] })).next], [3, 6, 9])
    assert.equal([...(await device.readVariable(a))], [0, 20, 60])
    assert.equal([...(await device.readVariable(b))], [7, 8, 9])
    assert.equal([...(await device.readVariable(c))], [3, 6, 9])
    const permuted = compile(device, {}, () => ({
      updates: [[c, c.gather(tensor([2, 0, 1], [3], 'i32'))]],
    }))
    await permuted.run({})
    assert.equal([...(await device.readVariable(c))], [9, 3, 6])
    device.close()
  }
})

test('runs execute in the order of their calls', async () => {
  const device = await devices['wasm relaxed']()
  const n = device.variable([], 'i32')
  const count = compile(device, { by: i32() }, ({ by }) => ({ now: n, updates: [[n, n.mul(3).add(by)]] }))
  const results = await Promise.all([1, 2, 3].map((by) => count.run({ by })))
  assert.equal(
    results.map(({ now }) => now),
    [0, 1, 5],
  )
  assert.is((await device.readVariable(n))[0], 18)
  device.close()
})

test('wrong inputs, updates and devices are errors that say so', async () => {
  const [device, other] = [await devices['wasm simd'](), await devices.reference()]
  const w = device.variable([2])
  const program = compile(device, { x: f32(2, 3), k: f32() }, ({ x, k }) => ({ y: x.mul(k) }))
  await fails('program', [/x is \[2, 3\]/, /6 numbers/, /found 5/], () => program.run({ x: new Float32Array(5), k: 1 }))
  await fails('program', [/input k/, /nothing/], () => program.run({ x: new Float32Array(6) } as never))
  await fails('program', [/z/, /x, k/], () => program.run({ x: new Float32Array(6), k: 1, z: 2 } as never))
  await fails('program', [/twice/], () =>
    compile(device, {}, () => ({
      updates: [
        [w, w.add(1)],
        [w, w.mul(2)],
      ],
    })),
  )
  await fails('program', [/f32\[2\]/, /f32\[3\]/], () =>
    compile(device, { x: f32(3) }, ({ x }) => ({ updates: [[w, x]] })),
  )
  await fails('program', [/i32/], () => compile(device, {}, () => ({ updates: [[w, w.less(1)]] })))
  await fails('device', [/wasm/, /reference/], () => w.add(other.variable([2])))
  await fails('device', [/wasm/], () => compile(other, {}, () => ({ y: w.add(1) })))
  await fails('device', [/wasm/], () => compile(other, {}, () => ({ updates: [[w, w.mul(2)]] })))
  await fails('device', [], () => other.readVariable(w))
  await fails('shape', [/\[2\]/, /found 3/], () => device.write(w, [1, 2, 3]))
  await fails('shape', [/-1/], () => compile(device, { x: f32(-1) }, ({ x }) => ({ x })))
  await fails('program', [/y/], () => compile(device, {}, () => ({ y: 3 as never })))

  device.delete(w)
  await fails('device', [/deleted/], () => device.readVariable(w))
  program.close()
  await fails('program', [/closed/], () => program.run({ x: new Float32Array(6), k: 1 }))
  device.close()
  await fails('device', [/closed/], () => compile(device, {}, () => ({})))
  await fails('device', [/closed/], () => device.variable([1]))
  await fails('device', [/closed/], () => program.run({ x: new Float32Array(6), k: 1 }))
  other.close()
})

test('compiling tells of its stages, in order', async () => {
  const device = await devices.reference()
  const stages: string[] = []
  compile(
    device,
    { x: f32(2) },
    ({ x }) => {
      assert.equal(stages, ['formulas'])
      return { y: x.add(1) }
    },
    (stage) => stages.push(stage),
  )
  assert.equal(stages, ['formulas', 'graph', 'kernels', 'memory', 'loading'])
  device.close()
})

test('what lives on another device is said, also where both have one name', async () => {
  const [one, other, wasm] = [await devices.reference(), await devices.reference(), await devices['wasm simd']()]
  const [a, b, c] = [one, other, wasm].map((device) => device.variable([1]))
  await fails('device', /^add: operands live on two devices, reference and reference; read/, () => a.add(b))
  await fails('device', /^add: operands live on two devices, reference and wasm; read/, () => a.add(c))
  for (const [value, said] of [
    [b, 'what build returns lives on another device than the program: reference'],
    [c, 'what build returns lives on another device than the program: wasm'],
  ] as const)
    await fails('device', said, () => compile(one, {}, () => value.mul(2)))
  await fails('device', 'the result y lives on another device than the program: wasm', () =>
    compile(one, {}, () => ({ y: c })),
  )
  for (const device of [one, other, wasm]) device.close()
})

test.run()
