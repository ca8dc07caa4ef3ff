import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { loop } from '../../src/ops/loop.ts'
import { einsum } from '../../src/ops/methods.ts'
import { tensor } from '../../src/ops/row.ts'
import { accessesOf } from '../../src/program/accesses.ts'
import { lower } from '../../src/program/lower.ts'
import type { Plan } from '../../src/program/plan.ts'
import { compile, f32, i32, plan } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { build, type Graph, type Recipe, recipes, type Step } from '../support/random-graphs.ts'
import { check } from './checker.ts'

const PAGE = 65536

test('no two live results overlap: plans of 1,000 random programs compute what their graphs mean', () => {
  const seen = { loops: 0, gradients: 0, updates: 0, reused: 0 }
  fc.assert(
    fc.property(recipes({ steps: 18 }), (recipe) => {
      const graph = build(recipe)
      const made = lower(graph)
      const wrong = check(made, graph)
      if (wrong) throw new Error(wrong)
      const written = made.instructions
        .flatMap((call) => (call.kind === 'loop' || call.kind === 'end' ? [] : accessesOf(call).writes))
        .filter(({ view }) => view.buffer === 0)
      const results = written.reduce((sum, { view }) => sum + sizeOf(view.axes.map(({ size }) => size)), 0)
      if (made.instructions.some(({ kind }) => kind === 'loop')) seen.loops++
      if (recipe.gradient) seen.gradients++
      if (graph.updates.length) seen.updates++
      if (made.memory.arena < results) seen.reused++
    }),
    { seed: 1, numRuns: 1000, includeErrorInReport: true },
  )
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 150, `${what}: only ${count}`)
})

const step = (op: Step['op'], a = 0, b = 0, c = 0, body?: readonly Step[]): Step => ({ op, a, b, c, body })
/** What random programs have found, kept as they shrank. */
const once: Record<string, Recipe> = {
  'a carry that is stacked while carries change places': {
    steps: [step('log'), step('loop', 0, 19, 7, []), step('input')],
    gradient: false,
    updates: [],
  },
  'a result that dies at once and one that lives, both in the place of one operand': {
    steps: [step('mul', 0, 29), step('loop', 0, 0, 0, []), step('input')],
    gradient: true,
    updates: [],
  },
  'a variable that a loop reads as the next value of its carry, and that changes': {
    steps: [step('abs'), step('loop', 0, 0, 0, [step('variable', 0, 0, 57)]), step('input')],
    gradient: false,
    updates: [[0, 3]],
  },
  'a part of a concatenation read beside the whole': {
    steps: [step('sum', 0, 5, 21), step('concat', 0, 0, 92), step('equal', 0, 21), step('input')],
    gradient: false,
    updates: [],
  },
  'a variable that becomes a sum of products of itself': {
    steps: [step('loop', 0, 22, 0, [step('variable', 0, 0, 17), step('matmul')]), step('input')],
    gradient: true,
    updates: [[0, 0]],
  },
  'a gradient scattered into a sum of another shape': {
    steps: [
      step('input', 0, 0, 3),
      step('reshape'),
      step('input', 0, 0, 15),
      step('matmul', 22, 0, 10),
      step('gather', 12),
    ],
    gradient: true,
    updates: [],
  },
}

for (const [name, recipe] of Object.entries(once)) {
  test(`a plan computes what its graph means: ${name}`, () => {
    const graph = build(recipe)
    assert.is(check(lower(graph), graph), undefined)
  })
}

test('a sum that two carries become adds to the right one', async () => {
  const device = await devices.reference()
  const values = [1, 2, 3, 4]
  const program = compile(device, { a: f32(2, 2), b: f32(2, 2), x: f32(3, 2, 2) }, ({ a, b, x }) => {
    const run = (unroll: boolean): Tensor =>
      loop({ count: 3, carry: [b, a], inputs: [x], unroll }, ([, sum], [x]) => {
        const next = sum.add(x.matmul(x))
        return { carry: [next, next] }
      }).carry[0]
    return { looped: run(false), written: run(true) }
  })
  const { looped, written } = await program.run({ a: values, b: [9, 9, 9, 9], x: [...values, ...values, ...values] })
  assert.equal(looped, written)
  device.close()
})

/** Two results that live at the same time, x y and its logarithm's row sums, and what comes of both. */
function twoResults(): Graph {
  const graph = build({
    steps: [
      { op: 'matmul', a: 0, b: 0, c: 1 },
      { op: 'matmul', a: 1, b: 0, c: 9 },
      { op: 'sum', a: 0, b: 1, c: 0 },
      { op: 'sum', a: 2, b: 1, c: 0 },
    ],
    gradient: true,
    updates: [],
  })
  assert.is(check(lower(graph), graph), undefined)
  return graph
}

test('the check of plans finds results that overlap', () => {
  const graph = twoResults()
  const whole = lower(graph)
  const places = (made: Plan): number[] => [
    ...new Set(made.instructions.flatMap((call) => ('out' in call && call.out.buffer === 0 ? [call.out.offset] : []))),
  ]
  let found = 0
  let mutants = 0
  for (const from of places(whole)) {
    for (const to of places(whole)) {
      if (from === to) continue
      // whatever is at the one place is put at the other
      const moved = JSON.parse(
        JSON.stringify(whole, (_, value) =>
          ArrayBuffer.isView(value)
            ? [...(value as Float64Array)]
            : value?.buffer === 0 && value.offset === from
              ? { ...value, offset: to }
              : value,
        ),
      ) as Plan
      mutants++
      if (check(moved, graph)) found++
    }
  }
  assert.ok(mutants > 5)
  // some results do not live at the same time: to move them is right
  assert.ok(found > mutants / 2, `${found} of ${mutants} found`)
})

test('planned memory is measured memory, to a page', async () => {
  for (const name of Object.keys(devices).filter((name) => name.startsWith('wasm'))) {
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
    const listed = text.split('\n').filter((line) => /^ *\d+ +(rows|sum|max|matmul|gather|scatterAdd) /.test(line))
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
    const value = await program.run({ x: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], ids: [0, 1, 2, 0, 1] })
    assert.ok(Number.isFinite(value.loss))
    device.close()
  }
})

test('a plan is plain data: its clone is the same program', async () => {
  const device = await devices['wasm simd']()
  const graph = twoResults()
  const made = lower(graph)
  const values = made.inputs.map(({ name }) => graph.values[name])
  const [first, second] = await Promise.all(
    [made, structuredClone(made)].map((one) => device.backend.load(one).run(values)),
  )
  assert.equal(first, second)
  device.close()
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
    const result = await program.run({})
    assert.equal([...result.before], [10, 20, 30])
    assert.equal([...result.doubled], [20, 40, 60])
    assert.equal([...result.sum], [11, 22, 33])
    assert.is(result.total, 60)
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
    assert.equal([...(await turn.run({ x: [1, 2, 3] })).next], [3, 6, 9])
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
  assert.equal([...(await program.run({ x: [1, 2] })).y], [2, 3])
  device.close()
})

test('what is stretched beyond what kernels count is refused with the numbers', async () => {
  for (const [name, make] of Object.entries(devices)) {
    if (name === 'reference') continue
    const device = await make()
    const stretched = (shape: number[]) => () =>
      compile(device, { x: f32(1) }, ({ x }) => ({ y: x.broadcastTo(shape).sum() }))
    await fails('memory', [/4294967296 terms/, /2147418112/], stretched([65536, 65536]))
    await fails('memory', [/4294967296 terms/, /2147418112/], () =>
      compile(device, { x: f32(1), y: f32(1) }, ({ x, y }) => ({
        y: einsum('ij,ij->', x.broadcastTo([65536, 65536]), y.broadcastTo([65536, 65536])),
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

test.run()
