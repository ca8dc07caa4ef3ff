import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { loop } from '../../src/autograd/loop.ts'
import { zeros } from '../../src/ops/entry.ts'
import { concat, stack } from '../../src/ops/views.ts'
import '../../src/ops/methods.ts'
import type { Device, HostArray } from '../../src/program/device.ts'
import { compile, f32 } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { interpret } from '../program/interpreter.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { build, type Graph, opNames, recipes } from '../support/random-graphs.ts'

import { type Case, cases, type Unroll, valuesOf } from './loop-cases.ts'

async function results(device: Device, { inputs, build }: Case, unroll: Unroll): Promise<Record<string, number[]>> {
  const program = compile(device, inputs, (given) => {
    const { loss, also = {}, wrt = {} } = build(given, unroll)
    const floats = Object.entries({ ...given, ...wrt }).filter(([, x]) => x.dtype === 'f32')
    const gradients = grad(
      loss,
      floats.map(([, x]) => x),
    )
    return { loss, ...also, ...Object.fromEntries(floats.map(([name], i) => [`d${name}`, gradients[i]])) }
  })
  const found = await program.arrays(valuesOf(inputs))
  program.close()
  return Object.fromEntries(Object.entries(found).map(([key, values]) => [key, [...values]]))
}

/** For all cases: threads take long to start. */
const open: Record<string, Device> = {}
test.before(async () => {
  for (const [name, make] of Object.entries(held)) open[name] = await make()
})
test.after(() => {
  for (const device of Object.values(open)) device.close()
})

for (const [name, one] of Object.entries(cases)) {
  test(`replay is the unrolled gradient: ${name}`, async () => {
    // in double precision it is what every device is held against
    const unrolled = await results(open.reference, one, true)
    for (const [name, device] of Object.entries(open)) {
      const replayed = await results(device, one, false)
      for (const [key, expected] of Object.entries(unrolled)) {
        const error = relativeError(replayed[key], expected)
        const allowed = name === 'reference' ? 1e-12 : 5e-6
        assert.ok(error <= allowed, `${key} on ${name} differs by ${error}`)
        assert.ok(key === 'dunused' || expected.some((x) => x !== 0), `${key} is zero`)
      }
      const held = await results(device, one, 'hold')
      if (device.name !== 'webgpu') assert.equal(held, replayed)
      else for (const key in held) assert.ok(relativeError(held[key], replayed[key]) <= 5e-6, `held: ${key}`)
    }
  })
}

test('loops in loops count: any depth, or an error that says how far', async () => {
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    // 2 x 1 x 3 iterations, each of which adds what the middle loop reads
    const program = compile(device, { x: f32(1, 2) }, ({ x }) => {
      const outer = loop({ count: 2, carry: [zeros([2])] }, ([a]) => {
        const middle = loop({ count: 1, carry: [a], inputs: [x] }, ([b], [part]) => ({
          carry: loop({ count: 3, carry: [b] }, ([c]) => ({ carry: [c.add(part)] })).carry,
        }))
        return { carry: middle.carry }
      })
      return { y: outer.carry[0] }
    })
    assert.equal([...(await program.arrays({ x: [1, 10] })).y], [6, 60], name)
    assert.ok((await program.profile({ x: [1, 10] })).length > 0)
    const many = { count: 1000 }
    const long = () =>
      compile(device, { x: f32(2) }, ({ x }) => {
        const deep = (depth: number, carry: Tensor[]): Tensor[] =>
          depth === 4
            ? carry.map((h) => h.mul(x).tanh())
            : [...loop({ ...many, carry }, (now) => ({ carry: deep(depth + 1, now) })).carry]
        return { y: deep(0, [x])[0] }
      })
    if (name === 'reference') long().close()
    else await fails('program', [/deeper than 2/, /65536/], long)
    if (name.startsWith('webgpu'))
      await fails('memory', [/uniforms/, /iterations/], () =>
        compile(device, { x: f32(2) }, ({ x }) => {
          const times = (carry: Tensor[], depth: number): readonly Tensor[] =>
            loop({ count: 1e5, carry }, ([now]) => ({ carry: depth ? times([now], depth - 1) : [now.mul(x)] })).carry
          return { y: times([x], 1)[0] }
        }),
      )
    device.close()
  }
})

test('a carry may begin with parts that others read, inside and behind', async () => {
  const x = [1, 2, 3, 4]
  for (const [name, device] of Object.entries(open)) {
    const [looped, unrolled] = await Promise.all(
      [false, true].map(async (unroll) => {
        const program = compile(device, { x: f32(2, 2) }, ({ x }) => {
          const [p, q] = [x.matmul(x), x.matmul(x.mul(2))]
          const wide = loop({ count: 2, carry: [concat([p, x])], unroll }, ([c]) => ({ carry: [c.mul(10)] })).carry[0]
          const tall = loop({ count: 2, carry: [stack([concat([q, x]), wide])], unroll }, ([c]) => ({
            carry: [c.mul(10).add(q.sum())],
          })).carry[0]
          return { wide, tall, p: p.matmul(x), q: q.sub(tall.sum()) }
        })
        const found = await program.arrays({ x })
        program.close()
        return Object.fromEntries(Object.entries(found).map(([key, values]) => [key, [...values]]))
      }),
    )
    assert.equal(looped, unrolled, name)
    assert.equal(looped.p, [37, 54, 81, 118])
  }
})

/** Of a sum over the gradients of a graph. */
function addSecondDerivatives({ inputs, variables, outputs }: Graph): void {
  const by = [...Object.values(inputs), ...variables.map(({ variable }) => variable)].filter((x) => x.dtype === 'f32')
  const gradients = Object.keys(outputs).filter((name) => name.startsWith('g'))
  const terms = gradients.map((name, i) => outputs[name].mul(0.3 + i).sum())
  if (terms.length === 0) return
  grad(
    terms.reduce((a, b) => a.add(b)),
    by,
  ).forEach((h, i) => {
    Object.assign(outputs, { [`h${i}`]: h })
  })
}

test('replay is the unrolled gradient: random bodies', () => {
  let compared = 0
  // the gradient of what it drops has a test of its own
  const names = opNames.filter((name) => name !== 'scatterAdd')
  const loops = recipes({ steps: 8, names }).filter(({ steps }) => steps.some(({ op }) => op === 'loop'))
  fc.assert(
    fc.property(loops, (recipe) => {
      const [replayed, unrolled] = [false, true].map((unroll) => {
        const graph = build({ ...recipe, gradient: true, updates: [] }, unroll)
        addSecondDerivatives(graph)
        const variables = new Map(graph.variables.map(({ variable, values }) => [variable.id, values]))
        const values = interpret(Object.values(graph.outputs), graph.values, variables)
        return { graph, values }
      })
      for (const [i, name] of Object.keys(unrolled.graph.outputs).entries()) {
        const error = relativeError(replayed.values[i], unrolled.values[i])
        // a second derivative may be 0 but for rounding
        const isZero = name.startsWith('h') && unrolled.values[i].every((x) => Math.abs(x) <= 1e-12)
        if (!(error <= 1e-9 || isZero)) throw new Error(`${name} differs by ${error}`)
        if (/^[gh]/.test(name) && unrolled.values[i].some((x) => x !== 0)) compared++
      }
    }),
    { seed: 4, numRuns: 300, includeErrorInReport: true },
  )
  assert.ok(compared > 300, `only ${compared} gradients`)
})

test('gradients add up over slices of the batch around the segments', async () => {
  const inputs = { x: f32(4, 3, 2, 5), h: f32(2, 5), w: f32(5, 5) }
  /** Loss of one slice [segments, rows, width]. */
  const lossOf = (x: Tensor, h: Tensor, w: Tensor, unroll: boolean): Tensor =>
    loop({ count: 3, carry: [h], inputs: [x], unroll }, ([h], [x]) => ({ carry: [h.matmul(w).add(x).tanh()] }))
      .carry[0].square()
      .sum()
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const program = compile(device, inputs, ({ x, h, w }) => {
      const sliced = loop({ count: 4, carry: [zeros([]), zeros([5, 5])], inputs: [x] }, ([total, sum], [x]) => {
        const loss = lossOf(x, h, w, false)
        return { carry: [total.add(loss), sum.add(grad(loss, [w])[0])] }
      })
      const parts = [0, 1, 2, 3].map((i) => lossOf(x.select(0, i), h, w, true))
      const whole = parts.reduce((a, b) => a.add(b))
      return { loss: sliced.carry[0], dw: sliced.carry[1], whole, dwhole: grad(whole, [w])[0] }
    })
    const { loss, dw, whole, dwhole } = await program.arrays(valuesOf(inputs))
    const allowed = name === 'reference' ? 1e-12 : 5e-6
    assert.ok(relativeError(loss, whole) <= allowed)
    assert.ok(relativeError(dw, dwhole) <= allowed)
    device.close()
  }
})

test('the gradient at the record is dL/dcarry of the unrolled model', async () => {
  const inputs = { h: f32(3, 4), g: f32(3, 4), x: f32(4, 3, 4), w: f32(4, 4) }
  for (const [name, make] of Object.entries(held)) {
    const device = await make()
    const program = compile(device, inputs, ({ h, g, x, w }) => {
      const body = ([h, g]: Tensor[], [x]: Tensor[]) => ({
        carry: [h.matmul(w).add(g).tanh(), g.mul(0.9).add(x)],
        outputs: [h.mul(x)],
      })
      const { carry, outputs, record } = loop({ count: 4, carry: [h, g], inputs: [x] }, body)
      const loss = carry[0].square().sum().add(outputs[0].sum())
      const [dh, dg, dw] = grad(loss, [record[0], record[1], w])

      // unrolled by hand, with every carry at hand
      const states = [[h, g]]
      let total = zeros([])
      for (let t = 0; t < 4; t++) {
        const step = body(states[t], [x.select(0, t)])
        total = total.add(step.outputs[0].sum())
        states.push(step.carry)
      }
      const all = grad(total.add(states[4][0].square().sum()), [...states.slice(0, 4).flat(), w])
      const flat = (which: number) => concat([0, 1, 2, 3].map((t) => all[2 * t + which].reshape([1, 3, 4])))
      return { dh, dg, dw, eh: flat(0), eg: flat(1), ew: all[8], record: record[0], first: h }
    })
    const found: Record<string, HostArray> = await program.arrays(valuesOf(inputs))
    const allowed = name === 'reference' ? 1e-12 : 5e-6
    for (const key of ['h', 'g', 'w']) assert.ok(relativeError(found[`d${key}`], found[`e${key}`]) <= allowed, key)
    assert.equal([...found.record.slice(0, 12)], [...found.first])
    device.close()
  }
})

test('the gradient at a record goes through the iterations, and at that of an unrolled loop through its readers alone', async () => {
  const device = await devices.reference()
  const gradients = compile(device, { h: f32(2), x: f32(3, 2) }, ({ h, x }) =>
    Object.fromEntries(
      [false, true].map((unroll) => {
        const { carry, record } = loop({ count: 3, carry: [h], inputs: [x], unroll }, ([h], [x]) => ({
          carry: [h.mul(x)],
        }))
        return [unroll ? 'unrolled' : 'replayed', grad(carry[0].sum(), [record[0]])[0]]
      }),
    ),
  )
  const { replayed, unrolled } = await gradients.run({ h: [1, 2], x: [1, 2, 3, 4, 5, 6] })
  assert.equal(replayed, Float64Array.of(1 * 3 * 5, 2 * 4 * 6, 3 * 5, 4 * 6, 5, 6))
  assert.equal(unrolled, new Float64Array(6))
  device.close()
})

test('the gradient at a record alone', async () => {
  const device = await devices.reference()
  const program = compile(device, { h: f32(3) }, ({ h }) => {
    const { carry, record } = loop({ count: 3, carry: [h] }, ([h]) => ({ carry: [h.mul(2)] }))
    const squares = record[0].square().sum()
    return { d: grad(carry[0].sum(), [record[0]])[0], both: grad(carry[0].sum().add(squares), [record[0]])[0] }
  })
  const { d, both } = await program.arrays({ h: [1, 2, 3] })
  assert.equal([...d], [8, 8, 8, 4, 4, 4, 2, 2, 2])
  // 2 h(t) and what flows back from h(t + 1) = 2 h(t)
  assert.equal([...both], [50, 92, 134, 24, 44, 64, 10, 18, 26])
  device.close()
})

test('a slope along a direction is what replay says it is', async () => {
  const device = await devices.reference()
  for (const [name, { inputs, build }] of Object.entries(cases)) {
    if (name.includes('i32')) continue
    const program = compile(device, inputs, (given) => {
      const { loss } = build(given, false)
      const floats = Object.keys(inputs).filter((key) => inputs[key].dtype === 'f32')
      const gradients = grad(
        loss,
        floats.map((key) => given[key]),
      )
      return { loss, ...Object.fromEntries(floats.map((key, i) => [key, gradients[i]])) }
    })
    const values = valuesOf(inputs)
    const direction = (key: string, i: number): number => Math.cos(5 * i + key.length)
    const at = async (step: number): Promise<number> =>
      (
        await program.arrays(
          Object.fromEntries(
            Object.entries(values).map(([key, x]) => [
              key,
              inputs[key].dtype === 'i32' ? x : x.map((v, i) => v + step * direction(key, i)),
            ]),
          ),
        )
      ).loss[0]
    const found: Record<string, HostArray> = await program.arrays(values)
    let slope = 0
    for (const key of Object.keys(inputs))
      if (inputs[key].dtype === 'f32')
        [...found[key]].forEach((g: number, i) => {
          slope += g * direction(key, i)
        })
    const h = 1e-4
    const difference = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h)
    assert.ok(Math.abs(difference - slope) <= 1e-8 * (1 + Math.abs(slope)), `${name}: ${difference}, ${slope}`)
    program.close()
  }
  device.close()
})

test('a carry that nothing asked for flows through is left alone, even where it has no gradient', async () => {
  const device = await devices.reference()
  const program = compile(device, { w: f32(3), x: f32(4, 3), begin: f32(3) }, ({ w, x, begin }) => {
    const gradientOf = (unroll: boolean): Tensor => {
      const carry = [zeros([3]), begin]
      const outer = loop({ count: 4, carry, inputs: [x], unroll }, ([h, c], [y]) => {
        const inner = loop({ count: 2, carry: [c], unroll }, ([z]) => ({ carry: [z.mul(c).tanh()] }))
        const [step] = grad(inner.carry[0].sum(), [c])
        return { carry: [h.mul(w).add(y).add(c).tanh(), c.sub(step.mul(0.1))] }
      })
      return grad(outer.carry[0].sum(), [w])[0]
    }
    return { replayed: gradientOf(false), unrolled: gradientOf(true) }
  })
  const { replayed, unrolled } = await program.arrays({
    w: [0.4, -0.3, 0.8],
    begin: [0.5, 1, -2],
    x: Array.from({ length: 12 }, (_, i) => Math.sin(i)),
  })
  assert.ok(relativeError(replayed, unrolled) < 1e-14)
  device.close()
})

test.run()
