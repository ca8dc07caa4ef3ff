import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { dropout } from '../../src/nn/dropout.ts'
import { embedding, embeddingParameters } from '../../src/nn/embedding.ts'
import { feedForward, feedForwardParameters } from '../../src/nn/feed-forward.ts'
import { gru, gruCell, gruParameters } from '../../src/nn/gru.ts'
import { type Initializer, init } from '../../src/nn/init.ts'
import { linear, linearParameters } from '../../src/nn/linear.ts'
import { layerNorm, layerNormParameters, rmsNorm, rmsNormParameters } from '../../src/nn/norm.ts'
import { Parameters, parameter } from '../../src/nn/parameters.ts'
import { siteOf } from '../../src/nn/random.ts'
import { variable } from '../../src/nn/variable.ts'
import { tensor } from '../../src/ops/entry.ts'
import { read } from '../../src/program/program.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

const some = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(3 * (i + from) + 1))
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
/** x [rows, from] times w [from, to] plus b. */
const times = (x: number[][], w: ArrayLike<number>, b: ArrayLike<number>): number[][] =>
  x.map((row) => Array.from(b, (bias, j) => row.reduce((sum, one, i) => sum + one * w[i * b.length + j], bias)))
const rowsOf = (x: number[], width: number): number[][] =>
  Array.from({ length: x.length / width }, (_, row) => x.slice(row * width, (row + 1) * width))
/** Every parameter begins with numbers of its own, biases and gains too. */
const own = (size: number, from: number): Initializer => init.values(some(size, from))

for (const [name, open] of Object.entries(held)) {
  const tolerance = name === 'reference' ? 1e-13 : 1e-5
  const near = (found: ArrayLike<number>, expected: readonly number[], what: string): void => {
    const error = relativeError(found, expected)
    assert.ok(found.length === expected.length && error < tolerance, `${what} is off by ${error}`)
  }

  test(`layers on ${name} are their formulas`, async () => {
    const device = await open()
    const [width, x] = [4, some(12, 40)]
    const tree = {
      linear: { w: parameter([4, 3], own(12, 1)), b: parameter([3], own(3, 2)) },
      norm: { gain: parameter([4], own(4, 3)), bias: parameter([4], own(4, 4)) },
      up: { w: parameter([4, 6], own(24, 5)), b: parameter([6], own(6, 6)) },
      down: { w: parameter([6, 4], own(24, 7)), b: parameter([4], own(4, 8)) },
      table: parameter([5, 2], own(10, 9)),
    }
    const { tensors: w } = new Parameters(device, tree, 0)
    const input = tensor(x, [3, width])
    const ids = tensor([4, 0, 4], [3], 'i32')
    const found = await read(
      device,
      linear(input, w.linear),
      linear(input, { w: w.linear.w }),
      layerNorm(input, w.norm),
      rmsNorm(input, w.norm, 0.01),
      feedForward(input, w, (inner) => inner.tanh()),
      embedding(ids, w.table),
    )
    const rows = rowsOf(x, width)
    const [gain, bias] = [some(4, 3), some(4, 4)]
    near(found[0], times(rows, some(12, 1), some(3, 2)).flat(), 'linear')
    near(found[1], times(rows, some(12, 1), [0, 0, 0]).flat(), 'linear without a bias')
    const mean = (row: number[]): number => row.reduce((a, b) => a + b) / row.length
    const normed = rows.map((row) => {
      const scale = Math.sqrt(mean(row.map((one) => (one - mean(row)) ** 2)) + 1e-5)
      return row.map((one, i) => ((one - mean(row)) / scale) * gain[i] + bias[i])
    })
    near(found[2], normed.flat(), 'layerNorm')
    const scaled = rows.map((row) =>
      row.map((one, i) => (one / Math.sqrt(mean(row.map((y) => y * y)) + 0.01)) * gain[i]),
    )
    near(found[3], scaled.flat(), 'rmsNorm')
    const inner = times(rows, some(24, 5), some(6, 6)).map((row) => row.map(Math.tanh))
    near(found[4], times(inner, some(24, 7), some(4, 8)).flat(), 'feedForward')
    near(
      found[5],
      [4, 0, 4].flatMap((id) => some(10, 9).slice(2 * id, 2 * id + 2)),
      'embedding',
    )
    device.close()
  })

  test(`a gated recurrent unit on ${name} is its formula, step by step`, async () => {
    const device = await open()
    const [rows, steps, inputs, hidden] = [2, 3, 2, 3]
    const tree = {
      input: { w: parameter([inputs, 9], own(18, 1)), b: parameter([9], own(9, 2)) },
      state: { w: parameter([hidden, 9], own(27, 3)), b: parameter([9], own(9, 4)) },
    }
    const { tensors: w } = new Parameters(device, tree, 0)
    const [x, first] = [some(rows * steps * inputs, 5), some(rows * hidden, 6)]
    const expected: number[][][] = []
    let h = rowsOf(first, hidden)
    for (let step = 0; step < steps; step++) {
      const at = h.map((_, row) => x.slice((row * steps + step) * inputs, (row * steps + step + 1) * inputs))
      const [a, b] = [times(at, some(18, 1), some(9, 2)), times(h, some(27, 3), some(9, 4))]
      h = h.map((before, row) =>
        before.map((one, i) => {
          const gate = (k: number): number => sigmoid(a[row][k * hidden + i] + b[row][k * hidden + i])
          const fresh = Math.tanh(a[row][2 * hidden + i] + gate(0) * b[row][2 * hidden + i])
          return (1 - gate(1)) * fresh + gate(1) * one
        }),
      )
      expected.push(h)
    }
    const sequence = tensor(x, [rows, steps, inputs])
    const state = tensor(first, [rows, hidden])
    const [all, unrolled, one] = await read(
      device,
      gru(sequence, w, { first: state }),
      gru(sequence, w, { first: state, unroll: true }),
      gruCell(sequence.select(1, 0), state, w),
    )
    near(
      all,
      [0, 1].flatMap((row) => expected.flatMap((h) => h[row])),
      'gru',
    )
    assert.equal([...all], [...unrolled])
    near(one, expected[0].flat(), 'gruCell')
    device.close()
  })

  test(`dropout on ${name} is named by the place of its parameters, and counts by the step`, async () => {
    const device = await open()
    const { tensors } = new Parameters(device, { blocks: [linearParameters(2, 2), linearParameters(2, 2)] }, 5)
    const x = tensor(some(64), [8, 8])
    const step = tensor([3], [], 'i32')
    const of = tensors.blocks[1]
    const masks = await read(
      device,
      dropout(x, 0.5, { of, name: 'attention', step }),
      x.dropout(0.5, { seed: 5, site: siteOf('dropout.blocks.1.attention'), step: 3 }),
      dropout(x, 0.5, { of: of.w, step }),
      x.dropout(0.5, { seed: 5, site: siteOf('dropout.blocks.1.w'), step: 3 }),
      dropout(x, 0.5, { of: tensors.blocks[0], name: 'attention', step }),
      dropout(x, 0.5, { of, name: 'attention', step: 4 }),
    )
    const [one, ...others] = masks.map((mask) => [...mask].join())
    assert.is(one, others[0])
    assert.is(others[1], others[2])
    assert.is(new Set([one, others[1], others[3], others[4]]).size, 4)
    assert.is(dropout(x, 0.5, { of }), x)
    await fails('argument', /dropout: of is an object; expected tensors of Parameters/, () =>
      dropout(x, 0.5, { of: {} }),
    )
    await fails('config', /a dropout rate is at least 0 and below 1, found 1/, () => dropout(x, 1, { of }))
    device.close()
  })
}

test('initialisers give what they are named for, each parameter its own numbers', async () => {
  const device = await devices.reference()
  const shape = [200, 300] as const
  const tree = {
    normal: parameter(shape, init.normal(0.5, 2)),
    again: parameter(shape, init.normal(0.5, 2)),
    uniform: parameter(shape, init.uniform(-1, 3)),
    xavier: parameter(shape, init.xavier()),
    he: parameter(shape, init.he()),
    zeros: parameter([3], init.zeros()),
    ones: parameter([3], init.ones()),
    constant: parameter([], init.constant(7)),
    values: parameter([2, 1], init.values([4, 5])),
    function: parameter([3], (shape, { site }) => [shape[0], site === siteOf('function') ? 1 : 0, 9]),
  }
  const { tensors } = new Parameters(device, tree, 3)
  const names = Object.keys(tree) as (keyof typeof tree)[]
  const values = await read(device, ...names.map((name) => tensors[name]))
  const of = (name: keyof typeof tree): number[] => [...values[names.indexOf(name)]]
  const moments = (x: number[]): { mean: number; deviation: number; largest: number } => {
    const mean = x.reduce((a, b) => a + b) / x.length
    const deviation = Math.sqrt(x.reduce((sum, one) => sum + (one - mean) ** 2, 0) / x.length)
    return { mean, deviation, largest: x.reduce((most, one) => Math.max(most, Math.abs(one)), 0) }
  }
  for (const [name, mean, deviation] of [
    ['normal', 2, 0.5],
    ['uniform', 1, 4 / Math.sqrt(12)],
    ['xavier', 0, Math.sqrt(2 / 500)],
    ['he', 0, Math.sqrt(2 / 200)],
  ] as const) {
    const found = moments(of(name))
    assert.ok(Math.abs(found.mean - mean) < 0.03 * deviation, `${name}: mean ${found.mean}`)
    assert.ok(Math.abs(found.deviation / deviation - 1) < 0.02, `${name}: deviation ${found.deviation}`)
  }
  assert.ok(moments(of('xavier')).largest <= Math.sqrt(6 / 500))
  assert.ok(moments(of('he')).largest > 2.5 * Math.sqrt(2 / 200))
  assert.not.equal(of('normal'), of('again'))
  assert.equal((['zeros', 'ones', 'constant', 'values', 'function'] as const).map(of), [
    [0, 0, 0],
    [1, 1, 1],
    [7],
    [4, 5],
    [3, 1, 9],
  ])
  const first = await device.readVariable(variable(device, [2], { init: init.values([4, 5]) }))
  assert.equal([...first], [4, 5])
  const of16 = variable(device, [16, 2], { init: 'normal', seed: 3, name: 'w' })
  const same = new Parameters(device, { w: parameter([16, 2], init.normal(0.25)) }, 3)
  assert.equal([...(await device.readVariable(of16))], [...(await device.readVariable(same.variable))])
  const made = (initializer: Initializer, shape: number[]) => () =>
    new Parameters(device, { w: parameter(shape, initializer) }, 0)
  await fails('shape', 'init.values: 2 values do not fill the shape [3]', made(init.values([1, 2]), [3]))
  await fails('shape', /init.he: the parameter is \[3\]; expected \[inputs, outputs\]/, made(init.he(), [3]))
  await fails(
    'shape',
    /parameter w: the initialiser gives 1 numbers for \[3\]/,
    made(() => [1], [3]),
  )
  await fails(
    'argument',
    /gives NaN at element 1; expected finite numbers/,
    made(() => [1, Number.NaN], [2]),
  )
  await fails('argument', /from 2 to 1; expected the smaller one first/, () => init.uniform(2, 1))
  device.close()
})

test('layers have parameters under paths of their own, and gradients with respect to each', async () => {
  const device = await devices.reference()
  const tree = {
    embed: embeddingParameters(5, 4),
    norm: layerNormParameters(4),
    rms: rmsNormParameters(4),
    ...feedForwardParameters(4, 6),
    cell: gruParameters(4, 3),
  }
  const parameters = new Parameters(device, tree, 1)
  assert.equal(
    parameters.named.map(({ name }) => name),
    ['embed', 'norm.gain', 'norm.bias', 'rms.gain', 'up.w', 'up.b', 'down.w', 'down.b'].concat(
      ['input.w', 'input.b', 'state.w', 'state.b'].map((name) => `cell.${name}`),
    ),
  )
  const w = parameters.tensors
  const x = embedding(tensor([0, 1, 2, 3, 4, 0], [2, 3], 'i32'), w.embed)
  const states = gru(feedForward(rmsNorm(layerNorm(x, w.norm), w.rms), w), w.cell)
  const gradients = await read(device, ...grad(states.square().sum(), parameters.list))
  for (const [i, gradient] of gradients.entries())
    assert.ok(gradient.every(Number.isFinite) && gradient.some((one) => one !== 0), parameters.named[i].name)
  device.close()
})

test('layers name what they cannot take', async () => {
  const device = await devices.reference()
  const { tensors: w } = new Parameters(device, { a: linearParameters(4, 3), g: gruParameters(4, 3) }, 1)
  const x = tensor(some(8), [2, 4])
  // biome-ignore lint/suspicious/noExplicitAny: as from JavaScript
  const any = (value: unknown): any => value
  await fails('argument', /linear: weights.w is undefined; expected a tensor/, () => linear(x, any({})))
  await fails('argument', /linear: weights is undefined; expected an object/, () => linear(x, any(undefined)))
  await fails('argument', /linearParameters: outputs is 0; expected a whole number of at least 1/, () =>
    linearParameters(3, 0),
  )
  await fails('dtype', /linear: expected f32, found i32\[2, 4\]/, () => linear(x.cast('i32'), w.a))
  await fails('shape', /gru: x is \[2, 4\]; expected \[batch, steps, inputs\]/, () => gru(x, w.g))
  await fails('shape', /three times its width/, () => gruCell(x, x, { input: w.g.input, state: w.a }))
  device.close()
})

test('parameters have names of their own, which no file takes for something else', async () => {
  const device = await devices.reference()
  const one = parameter([1], own(1, 1))
  for (const [tree, said] of [
    [{ 'a.b': one, a: { b: one } }, 'Parameters: the name "a.b" is taken; expected other keys'],
    [{ 'optimizer/0': one }, 'Parameters: the name "optimizer/0" is taken; expected other keys'],
    [{ __metadata__: one }, 'Parameters: the name "__metadata__" is taken; expected other keys'],
    [{ a: tensor([1]) }, /^Parameters: a is .*; expected a parameter, or an object or a list of such$/],
  ] as const)
    await fails('argument', said, () => new Parameters(device, tree as never, 0))
  assert.is(device.backend.heldBytes, 0)
  device.close()
})

test.run()
