import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad, stopGradient, vjp } from '../../src/autograd/grad.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { where } from '../../src/ops/elementwise.ts'
import { loop, parameter } from '../../src/ops/loop.ts'
import { concat, einsum } from '../../src/ops/methods.ts'
import { tensor, zeros } from '../../src/ops/row.ts'
import type { Device } from '../../src/program/device.ts'
import { compile, f32, type HostValue, type InputSpec, i32 } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { interpret } from '../program/interpreter.ts'
import { devices, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { build, opNames, recipes } from '../support/random-graphs.ts'

type Tensors = Record<string, Tensor>
interface Case {
  readonly inputs: Record<string, InputSpec>
  /** The loss, further results, and what to differentiate by beside all f32 inputs. */
  readonly build: (inputs: Tensors, unroll: boolean) => { loss: Tensor; also?: Tensors; wrt?: Tensors }
}

/** Reproducible values between -1 and 1; integers from 0 to 2. */
function valuesOf<I extends Record<string, InputSpec>>(specs: I): { readonly [Name in keyof I]: Float64Array } {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }], at) => [
      name,
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
        const value = Math.sin(12.9898 * (i + 1) + 78.233 * (at + 1)) * 43758.5453
        const uniform = value - Math.floor(value)
        return dtype === 'i32' ? Math.floor(3 * uniform) : Math.fround(2 * uniform - 1)
      }),
    ]),
  ) as { readonly [Name in keyof I]: Float64Array }
}

async function results(device: Device, { inputs, build }: Case, unroll: boolean): Promise<Record<string, number[]>> {
  const program = compile(device, inputs, (given) => {
    const { loss, also = {}, wrt = {} } = build(given, unroll)
    const floats = Object.entries({ ...given, ...wrt }).filter(([, x]) => x.dtype === 'f32')
    const gradients = grad(
      loss,
      floats.map(([, x]) => x),
    )
    return { loss, ...also, ...Object.fromEntries(floats.map(([name], i) => [`d${name}`, gradients[i]])) }
  })
  const found: Record<string, HostValue> = await program.run(valuesOf(inputs))
  program.close()
  return Object.fromEntries(
    Object.entries(found).map(([key, value]) => [key, typeof value === 'number' ? [value] : [...value]]),
  )
}

const cases: Record<string, Case> = {
  'one carry, closed over weights and a bias that broadcasts': {
    inputs: { h: f32(4, 5), w: f32(5, 5), bias: f32(5) },
    build: ({ h, w, bias }, unroll) => {
      const { carry } = loop({ count: 6, carry: [h], unroll }, ([h]) => ({ carry: [h.matmul(w).add(bias).tanh()] }))
      return { loss: carry[0].square().sum() }
    },
  },
  'a carry that feeds another, per-iteration inputs, outputs in the loss': {
    inputs: { a: f32(3, 4), b: f32(3, 4), x: f32(5, 3, 4), scale: f32(5), w: f32(4, 4) },
    build: ({ a, b, x, scale, w }, unroll) => {
      const { carry, outputs } = loop({ count: 5, carry: [a, b], inputs: [x, scale], unroll }, ([a, b], [x, scale]) => {
        const next = a.mul(scale).add(x.matmul(w)).tanh()
        return { carry: [next, b.mul(0.7).add(a.mul(next))], outputs: [next.sum(-1), b] }
      })
      return {
        loss: carry[1].mul(carry[0]).sum().add(outputs[0].square().mean()).add(outputs[1].mul(x).sum()),
        also: { last: carry[1], stacked: outputs[0] },
      }
    },
  },
  'only the second carry is in the loss, and it is fed by the first': {
    inputs: { a: f32(6), b: f32(6) },
    build: ({ a, b }, unroll) => {
      const { carry } = loop({ count: 4, carry: [a, b], unroll }, ([a, b]) => ({
        carry: [a.add(0.1).tanh(), b.add(a.square())],
      }))
      return { loss: carry[1].sum() }
    },
  },
  'carries that change places': {
    inputs: { a: f32(6), b: f32(6), x: f32(3, 6) },
    build: ({ a, b, x }, unroll) => {
      const { carry, outputs } = loop({ count: 3, carry: [a, b], inputs: [x], unroll }, ([a, b], [x]) => ({
        carry: [b, a],
        outputs: [a.mul(x), b],
      }))
      return { loss: carry[0].square().add(carry[1].mul(3)).sum().add(outputs[0].exp().sum()), also: { b: outputs[1] } }
    },
  },
  'an i32 carry and one that nothing uses': {
    inputs: { h: f32(4, 3), n: i32(4), unused: f32(2, 2), x: f32(5, 4, 3) },
    build: ({ h, n, unused, x }, unroll) => {
      const { carry } = loop({ count: 5, carry: [n, h, unused], inputs: [x], unroll }, ([n, h, unused], [x], index) => {
        const even = n.equal(1).reshape([4, 1])
        return { carry: [n.add(index).mul(3), where(even, h.mul(x), h.sub(x)), unused.mul(2)] }
      })
      return { loss: carry[1].square().sum(), also: { n: carry[0] } }
    },
  },
  'an output that is given twice': {
    inputs: { h: f32(3), x: f32(4, 3) },
    build: ({ h, x }, unroll) => {
      const { carry, outputs } = loop({ count: 4, carry: [h], inputs: [x], unroll }, ([h], [x]) => {
        const next = h.mul(x).tanh()
        return { carry: [next], outputs: [next, next, h] }
      })
      return { loss: carry[0].add(outputs[0].square().sum(0)).add(outputs[1].mul(outputs[2]).sum(0)).sum() }
    },
  },
  'the record of a carry in the loss': {
    inputs: { h: f32(3), x: f32(4, 3) },
    build: ({ h, x }, unroll) => {
      const { carry, record } = loop({ count: 4, carry: [h], inputs: [x], unroll }, ([h], [x]) => ({
        carry: [h.mul(x).tanh()],
      }))
      return { loss: carry[0].sum().add(record[0].square().mul(x).sum()) }
    },
  },
  'one iteration': {
    inputs: { h: f32(3, 3), x: f32(1, 3) },
    build: ({ h, x }, unroll) => {
      const { carry, outputs } = loop({ count: 1, carry: [h], inputs: [x], unroll }, ([h], [x]) => ({
        carry: [h.mul(x).softmax()],
        outputs: [h.sum(0)],
      }))
      return { loss: carry[0].square().sum().add(outputs[0].square().sum()) }
    },
  },
  'values computed outside from variables, used inside and after': {
    inputs: { h: f32(2, 4), w: f32(4, 4), gain: f32(4) },
    build: ({ h, w, gain }, unroll) => {
      const sharp = w.softmax()
      const g = gain.exp()
      const { carry } = loop({ count: 3, carry: [h.mul(g)], unroll }, ([h]) => ({
        carry: [h.matmul(sharp).layerNorm(g, gain)],
      }))
      return { loss: carry[0].mul(sharp.sum(0)).mul(g).sum() }
    },
  },
  'what a carry begins with is closed over as well, and used behind the loop': {
    inputs: { h: f32(2, 3), x: f32(3, 2, 3) },
    build: ({ h, x }, unroll) => {
      const { carry } = loop({ count: 3, carry: [h], inputs: [x], unroll }, ([k], [x]) => ({
        carry: [k.mul(h).add(x).tanh()],
      }))
      return { loss: carry[0].mul(h.square()).sum() }
    },
  },
  'closed over a loop before, and over what that is made of': {
    inputs: { h: f32(2, 3), w: f32(3, 3) },
    build: ({ h, w }, unroll) => {
      const first = loop({ count: 2, carry: [h], unroll }, ([h]) => ({ carry: [h.matmul(w).tanh()], outputs: [h] }))
      const second = loop({ count: 3, carry: [h], unroll }, ([k]) => ({
        carry: [k.mul(first.carry[0]).matmul(w).add(first.outputs[0].sum(0))],
      }))
      return { loss: second.carry[0].square().sum() }
    },
  },
  'dropout by the number of the segment': {
    inputs: { h: f32(8, 16), w: f32(16, 16) },
    build: ({ h, w }, unroll) => {
      const { carry, outputs } = loop({ count: 4, carry: [h], unroll }, ([h], _, index) => {
        const source = { seed: 5, site: 77, segment: index, step: 3 }
        const next = h.matmul(w).dropout(0.5, source).add(h)
        return { carry: [next.tanh()], outputs: [next] }
      })
      return { loss: carry[0].square().sum().add(outputs[0].sum()), also: { all: outputs[0] } }
    },
  },
  'gather and scatter by tokens of each iteration': {
    inputs: { table: f32(3, 6), h: f32(2, 6), ids: i32(4, 2) },
    build: ({ table, h, ids }, unroll) => {
      const { carry } = loop({ count: 4, carry: [h], inputs: [ids], unroll }, ([h], [ids]) => ({
        carry: [h.mul(0.5).add(table.gather(ids)).tanh()],
      }))
      return { loss: carry[0].exp().sum() }
    },
  },
  'a loop in a loop': {
    inputs: { h: f32(2, 3), x: f32(3, 2, 3), w: f32(3, 3) },
    build: ({ h, x, w }, unroll) => {
      const { carry, outputs } = loop({ count: 3, carry: [h], inputs: [x], unroll }, ([h], [x]) => {
        const inner = loop({ count: 2, carry: [h], unroll }, ([k]) => ({
          carry: [k.matmul(w).add(x).tanh()],
          outputs: [k.sum()],
        }))
        return { carry: [inner.carry[0]], outputs: [inner.outputs[0].sum()] }
      })
      return { loss: carry[0].sum().add(outputs[0].square().sum()) }
    },
  },
  'five loops in each other, each with its own carry, inputs and outputs': {
    inputs: { h: f32(2, 3), a: f32(2, 3), b: f32(2, 3), c: f32(3, 3), d: f32(2, 3), e: f32(2, 3), w: f32(3, 3) },
    build: ({ h, a, b, c, d, e, w }, unroll) => {
      const sources = [a, b, c, d, e]
      const nested = (depth: number, state: Tensor): Tensor => {
        const source = sources[depth]
        const { carry, outputs } = loop(
          { count: source.shape[0], carry: [state], inputs: [source], unroll },
          ([now], [x]) => {
            const mixed = now.matmul(w).mul(0.5).add(x)
            const next = depth < 4 ? nested(depth + 1, mixed) : mixed.tanh()
            return { carry: [next.add(x.mul(0.1))], outputs: [next.mean()] }
          },
        )
        return carry[0].add(outputs[0].mean().mul(0.1))
      }
      return { loss: nested(0, h).square().sum() }
    },
  },
  'the loss depends on two loops, one after the other': {
    inputs: { h: f32(3, 3), w: f32(3, 3) },
    build: ({ h, w }, unroll) => {
      const first = loop({ count: 2, carry: [h], unroll }, ([h]) => ({ carry: [h.matmul(w).tanh()], outputs: [h] }))
      const second = loop({ count: 2, carry: [first.carry[0]], inputs: [first.outputs[0]], unroll }, ([h], [x]) => ({
        carry: [h.mul(x).matmul(w)],
      }))
      return { loss: second.carry[0].sum().add(first.carry[0].square().sum()) }
    },
  },
}

for (const [name, one] of Object.entries(cases)) {
  test(`replay is the unrolled gradient: ${name}`, async () => {
    for (const [device, make] of Object.entries(devices)) {
      const open = await make()
      const unrolled = await results(open, one, true)
      const replayed = await results(open, one, false)
      for (const [key, expected] of Object.entries(unrolled)) {
        const error = relativeError(replayed[key], expected)
        const allowed = device === 'reference' ? 1e-12 : 5e-6
        assert.ok(error <= allowed, `${key} on ${device} differs by ${error}`)
        assert.ok(key === 'dunused' || expected.some((x) => x !== 0), `${key} is zero`)
      }
      open.close()
    }
  })
}

test('loops in loops count: any depth, or an error that says how far', async () => {
  for (const [name, make] of Object.entries(devices)) {
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
    assert.equal([...(await program.run({ x: [1, 10] })).y], [6, 60], name)
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

test('replay is the unrolled gradient: random bodies', () => {
  let compared = 0
  // the gradient of what it drops has a test of its own
  const names = opNames.filter((name) => name !== 'scatterAdd')
  const loops = recipes({ steps: 8, names }).filter(({ steps }) => steps.some(({ op }) => op === 'loop'))
  fc.assert(
    fc.property(loops, (recipe) => {
      const [replayed, unrolled] = [false, true].map((unroll) => {
        const graph = build({ ...recipe, gradient: true, updates: [] }, unroll)
        const variables = new Map(graph.variables.map(({ variable, values }) => [variable.id, values]))
        const values = interpret(Object.values(graph.outputs), graph.values, variables)
        return { graph, values }
      })
      for (const [i, name] of Object.keys(unrolled.graph.outputs).entries()) {
        const error = relativeError(replayed.values[i], unrolled.values[i])
        if (!(error <= 1e-9)) throw new Error(`${name} differs by ${error}`)
        if (name.startsWith('g') && unrolled.values[i].some((x) => x !== 0)) compared++
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
  for (const [name, make] of Object.entries(devices)) {
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
    const { loss, dw, whole, dwhole } = await program.run(valuesOf(inputs))
    const allowed = name === 'reference' ? 1e-12 : 5e-6
    assert.ok(relativeError([loss], [whole]) <= allowed)
    assert.ok(relativeError(dw, dwhole) <= allowed)
    device.close()
  }
})

test('the gradient at the record is dL/dcarry of the unrolled model', async () => {
  const inputs = { h: f32(3, 4), g: f32(3, 4), x: f32(4, 3, 4), w: f32(4, 4) }
  for (const [name, make] of Object.entries(devices)) {
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
    const found: Record<string, Float64Array> = await program.run(valuesOf(inputs))
    const allowed = name === 'reference' ? 1e-12 : 5e-6
    for (const key of ['h', 'g', 'w']) assert.ok(relativeError(found[`d${key}`], found[`e${key}`]) <= allowed, key)
    assert.equal([...found.record.slice(0, 12)], [...found.first])
    device.close()
  }
})

test('the gradient at a record alone', async () => {
  const device = await devices.reference()
  const program = compile(device, { h: f32(3) }, ({ h }) => {
    const { carry, record } = loop({ count: 3, carry: [h] }, ([h]) => ({ carry: [h.mul(2)] }))
    const squares = record[0].square().sum()
    return { d: grad(carry[0].sum(), [record[0]])[0], both: grad(carry[0].sum().add(squares), [record[0]])[0] }
  })
  const { d, both } = await program.run({ h: [1, 2, 3] })
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
        await program.run(
          Object.fromEntries(
            Object.entries(values).map(([key, x]) => [
              key,
              inputs[key].dtype === 'i32' ? x : x.map((v, i) => v + step * direction(key, i)),
            ]),
          ),
        )
      ).loss
    const found: Record<string, HostValue> = await program.run(values)
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

const secondOrder: Record<string, (x: Tensor) => Tensor> = {
  tanh: (x) => x.tanh(),
  softmax: (x) => x.softmax(),
  logSoftmax: (x) => x.logSoftmax(),
  layerNorm: (x) => x.layerNorm(x.sum(0).mul(0.1), x.select(0, 0)),
  gelu: (x) => x.gelu(),
  sigmoid: (x) => x.sigmoid(),
  softplus: (x) => x.softplus(),
  matmul: (x) => x.matmul(x.transpose()).matmul(x),
  einsum: (x) => einsum('ij,ij->i', x, x.exp()),
  crossEntropy: (x) => x.crossEntropy(tensor([1, 0, 3], [3], 'i32')),
  division: (x) => x.div(x.square().add(1)),
  'max and slices': (x) => concat([x.max(-1, true).mul(x), x.slice([0, 1], [3, 2]).square()], 1),
  'gather and scatterAdd': (x) => {
    const ids = tensor([2, 0, 2, 1], [4], 'i32')
    return x.gather(ids).square().scatterAdd(ids, 3).mul(x)
  },
  'a loop without replay': (x) =>
    loop({ count: 3, carry: [x], unroll: true }, ([h]) => ({ carry: [h.mul(x).tanh()] })).carry[0],
}

test('a gradient has a gradient', async () => {
  const device = await devices.reference()
  for (const [name, f] of Object.entries(secondOrder)) {
    const program = compile(device, { x: f32(3, 4) }, ({ x }) => {
      const y = f(x)
      const weights = (shape: readonly number[], k: number): Tensor =>
        tensor(
          Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(k * i + 1)),
          shape,
        )
      const [first] = grad(y.mul(weights(y.shape, 2)).sum(), [x])
      const value = first.mul(weights([3, 4], 3)).sum()
      return { value, second: grad(value, [x])[0] }
    })
    const { x } = valuesOf({ x: f32(3, 4) })
    const direction = (i: number): number => Math.sin(i + 1)
    const at = async (step: number): Promise<number> =>
      (await program.run({ x: x.map((v, i) => v + step * direction(i)) })).value
    const { second } = await program.run({ x })
    let slope = 0
    second.forEach((g: number, i: number) => {
      slope += g * direction(i)
    })
    const h = 1e-4
    const difference = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h)
    assert.ok(Math.abs(difference - slope) <= 1e-7 * (1 + Math.abs(slope)), `${name}: ${difference}, ${slope}`)
    program.close()
  }
  device.close()
})

test('vjp of several outputs is the sum of each', async () => {
  const device = await devices.reference()
  const program = compile(device, { x: f32(3), u: f32(3), v: f32() }, ({ x, u, v }) => {
    const y = x.exp()
    const z = x.mul(y).sum()
    const [both] = vjp([y, z], [u, v], [x])
    return { both, sum: vjp([y], [u], [x])[0].add(vjp([z], [v], [x])[0]), twice: vjp([y, y], [u, u], [x])[0] }
  })
  const x = [0.5, -1, 2]
  const u = [1, 2, -3]
  const { both, sum, twice } = await program.run({ x, u, v: 0.7 })
  assert.ok(relativeError(both, sum) < 1e-14)
  assert.ok(
    relativeError(
      both,
      x.map((n, i) => u[i] * Math.exp(n) + 0.7 * (1 + n) * Math.exp(n)),
    ) < 1e-14,
  )
  assert.ok(
    relativeError(
      twice,
      x.map((n, i) => 2 * u[i] * Math.exp(n)),
    ) < 1e-14,
  )
  device.close()
})

test('what scatterAdd drops has no gradient', async () => {
  const device = await devices.reference()
  const program = compile(device, { x: f32(3, 2), ids: i32(3) }, ({ x, ids }) => ({
    d: grad(x.scatterAdd(ids, 2).mul(3).sum(), [x])[0],
  }))
  const { d } = await program.run({ x: [1, 2, 3, 4, 5, 6], ids: [1, -1, 2] })
  assert.equal([...d], [3, 3, 0, 0, 0, 0])
  device.close()
})

test('no derivative flows through stopGradient, comparisons and integers', async () => {
  const device = await devices.reference()
  const program = compile(device, { x: f32(4), other: f32(2) }, ({ x, other }) => ({
    stopped: grad(stopGradient(x).mul(x).sum(), [x])[0],
    compared: grad(x.less(0).cast('f32').sum(), [x])[0],
    rounded: grad(x.cast('i32').cast('f32').mul(x).sum(), [x])[0],
    none: grad(x.sum(), [other])[0],
    // by an inner result; by the loss itself
    inner: ((y) => grad(y.square().sum(), [y])[0])(x.exp()),
    itself: ((y) => grad(y, [y])[0])(x.sum()),
  }))
  const x = [1.5, -2, 3.2, -0.1]
  const found = await program.run({ x, other: [1, 2] })
  assert.equal([...found.stopped], x)
  assert.equal([...found.compared], [0, 0, 0, 0])
  assert.equal([...found.rounded], [1, -2, 3, -0])
  assert.equal([...found.none], [0, 0])
  assert.ok(
    relativeError(
      found.inner,
      x.map((n) => 2 * Math.exp(n)),
    ) < 1e-15,
  )
  assert.is(found.itself, 1)
  device.close()
})

const t = (...shape: number[]): Tensor => parameter(shape, 'f32', undefined)
const n = (...shape: number[]): Tensor => zeros(shape, 'i32').add(1)

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
  const { replayed, unrolled } = await program.run({
    w: [0.4, -0.3, 0.8],
    begin: [0.5, 1, -2],
    x: Array.from({ length: 12 }, (_, i) => Math.sin(i)),
  })
  assert.ok(relativeError(replayed, unrolled) < 1e-14)
  device.close()
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
  const { g, h } = await program.run({ x: [1, 2], y: [3, 4] })
  assert.equal([...g], [5, 8])
  assert.equal([...h], [10, 16])
  device.close()
})

test('what has no derivative is an error that says so', async () => {
  const x = t(3)
  const run = () => loop({ count: 3, carry: [x] }, ([h]) => ({ carry: [h.mul(x)], outputs: [h.sum()] }))
  await fails('gradient', /loop's gradient.*unroll/, () => {
    const [first] = grad(run().carry[0].sum(), [x])
    grad(first.sum(), [x])
  })
  await fails('gradient', /scalar, found \[3\]/, () => grad(x, [x]))
  await fails('gradient', /integers/, () => grad(x.sum(), [n(3)]))
  await fails('gradient', /a constant/, () => grad(x.mul(zeros([3]).add(1)).sum(), [zeros([3])]))
  await fails('gradient', /cotangent 0 is \[2\], its output \[3\]/, () => vjp([x], [t(2)], [x]))
  await fails('gradient', /cotangent 1 is none/, () => vjp([x, x], [x], [x]))
})

test('operands that do not fit are errors that name the operation and the shapes', async () => {
  const cases: [ErrorCode, RegExp, () => unknown][] = [
    ['shape', /add.*\[3, 4\].*\[3\].*4 and 3/, () => t(3, 4).add(t(3))],
    ['shape', /where.*\[2\].*\[3\]/, () => where(n(2), t(3), t(3))],
    ['shape', /matmul.*\[2, 3\] times \[2, 3\].*3 and 2/, () => t(2, 3).matmul(t(2, 3))],
    ['shape', /matmul.*\[2\].*\[3\].*do not broadcast/, () => t(2, 1, 1).matmul(t(3, 1, 1))],
    ['shape', /matmul.*scalar/, () => t().matmul(t(1))],
    ['shape', /einsum 'ij,jk->ik'.*\[2, 3\].*\[4, 5\].*axis j.*3.*4/, () => einsum('ij,jk->ik', t(2, 3), t(4, 5))],
    ['shape', /einsum 'ii,ij->j'.*axis i has sizes 2 and 3/, () => einsum('ii,ij->j', t(2, 3), t(2, 2))],
    ['shape', /einsum 'i,j->k'.*k/, () => einsum('i,j->k', t(2), t(3))],
    ['shape', /einsum 'i'.*form/, () => einsum('i', t(2), t(3))],
    ['shape', /einsum 'ij,j->i'.*every axis/, () => einsum('ij,j->i', t(2), t(3))],
    ['shape', /reshape.*\[2, 3\].*6.*\[4\]/, () => t(2, 3).reshape([4])],
    ['shape', /reshape.*\[6\].*\[4, -1\]/, () => t(6).reshape([4, -1])],
    ['shape', /transpose.*0, 0.*\[2, 3\]/, () => t(2, 3).transpose([0, 0])],
    ['shape', /transpose.*\[2\]/, () => t(2).transpose()],
    ['shape', /broadcastTo.*\[3\].*\[4\]/, () => t(3).broadcastTo([4])],
    ['shape', /broadcastTo.*\[3\].*\[1\]/, () => t(3).broadcastTo([1])],
    ['shape', /slice.*\[2, 2\].*\[0, 2\].*\[2, 3\]/, () => t(2, 3).slice([0, 2], [2, 2])],
    ['shape', /slice.*\[1, 2\]/, () => t(2, 3).slice([0.5, 0], [1, 2])],
    ['shape', /narrow.*2 to 1/, () => t(3).narrow(0, 2, 1)],
    ['shape', /no axis 2.*rank 2.*-2 to 1/, () => t(2, 3).sum(2)],
    ['shape', /sum.*twice/, () => t(2, 3).sum([0, -2])],
    ['shape', /max.*no axis 1/, () => t(2).max(1)],
    ['shape', /select.*no axis/, () => t().select(0, 0)],
    ['shape', /concat.*\[2, 3\].*\[2, 4\].*axis 0/, () => concat([t(2, 3), t(2, 4)], 0)],
    ['shape', /concat: nothing/, () => concat([])],
    ['shape', /pad.*1 pairs.*2 axes.*\[2, 3\]/, () => t(2, 3).pad([[0, 1]])],
    ['shape', /pad.*-1/, () => t(3).pad([[-1, 0]])],
    ['shape', /scatterAdd.*\[3, 2\].*\[2\]/, () => t(3, 2).scatterAdd(n(2), 4)],
    ['shape', /gather.*scalar/, () => t().gather(n(2))],
    ['shape', /crossEntropy.*\[2\].*\[3, 4\]/, () => t(3, 4).crossEntropy(n(2))],
    ['shape', /softmax: no axis -1 .* none in a scalar/, () => t().softmax()],
    ['shape', /tensor: 3 values.*\[2\]/, () => tensor([1, 2, 3], [2])],
    ['shape', /loop: 0 iterations/, () => loop({ count: 0, carry: [t(2)] }, (carry) => ({ carry }))],
    [
      'shape',
      /loop.*\[3, 2\].*count, 4/,
      () => loop({ count: 4, carry: [], inputs: [t(3, 2)] }, () => ({ carry: [] })),
    ],
    ['shape', /loop.*0 carries, expected 1/, () => loop({ count: 2, carry: [t(2)] }, () => ({ carry: [] }))],
    ['shape', /carry 0 begins as \[2\].*\[3\]/, () => loop({ count: 2, carry: [t(2)] }, () => ({ carry: [t(3)] }))],
    ['dtype', /loop: expected f32, found i32\[2\]/, () => loop({ count: 2, carry: [t(2)] }, () => ({ carry: [n(2)] }))],
    ['dtype', /add.*expected f32, found i32\[2\]/, () => t(2).add(n(2))],
    ['dtype', /exp.*i32/, () => n(2).exp()],
    ['dtype', /div.*i32/, () => n(2).div(2)],
    ['dtype', /0\.5.*integer/, () => n(2).add(0.5)],
    ['argument', /add: other is "1"; expected a tensor or a number/, () => t(2).add('1' as never)],
    ['dtype', /where.*expected i32, found f32/, () => where(t(2), t(2), 0)],
    ['dtype', /gather.*expected i32/, () => t(2).gather(t(2))],
    ['dtype', /scatterAdd.*expected f32, found i32/, () => n(2).scatterAdd(n(2), 3)],
    ['dtype', /einsum.*expected f32/, () => n(2, 2).matmul(n(2, 2))],
    ['dtype', /mean.*expected f32/, () => n(2).mean()],
    ['dtype', /softmax.*expected f32/, () => n(2).softmax()],
    ['dtype', /concat.*expected f32/, () => concat([t(2), n(2)])],
    ['dtype', /crossEntropy.*expected i32/, () => t(2, 3).crossEntropy(t(2))],
    ['config', /seed.*-1/, () => t(2).dropout(0.5, { seed: -1, site: 0 })],
    ['config', /dropout rate.*1/, () => t(2).dropout(1, { seed: 1, site: 0 })],
  ]
  for (const [code, pattern, action] of cases) await fails(code, pattern, action)
})

test.run()
