import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as rmaat from '../src/index.ts'
import { devices, held } from './support/devices.ts'
import { fails } from './support/fails.ts'
import { tiny } from './support/model.ts'

// as from JavaScript: what no type allows
// biome-ignore lint/suspicious/noExplicitAny: see above
const any = (value: unknown): any => value
const { AdamW, batchOf, compile, evaluate, f32, grad, i32, iota, Rmaat, read, SGD, stack, tensor, train, variable } =
  rmaat

const task = rmaat.tasks.cue({ segments: 2, segmentLength: 4 })
const model = async (settings: Partial<rmaat.ModelConfig> = {}) =>
  new Rmaat(await devices.reference(), { ...tiny, segments: 2, vocabulary: 14, classes: 8, ...settings })
const all = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events);
}

test('axes and places outside of a tensor', async () => {
  const x = tensor([1, 2, 3, 4, 5])
  await fails('shape', 'select: there is no element -7 on axis 0 of [5]; expected -5 to 4', () => x.select(0, -7))
  await fails('shape', 'narrow: axis 0 of [5] has no place -7; expected -5 to 5', () => x.narrow(0, -7, -5))
  await fails('shape', 'iota: no axis 3 in a tensor of rank 1, expected -1 to 0', () => iota([2], 3))
  await fails('shape', 'stack: no axis -3 in a tensor of rank 2, expected -2 to 1', () => stack([x, x], -3))
  await fails('shape', 'sum: no axis 0.5 in a tensor of rank 1, expected -1 to 0', () => x.sum(0.5))
  const device = await devices.reference()
  const [byLast, byFirst, stacked] = await read(
    device,
    iota([2, 3], -1),
    iota([2, 3], -2),
    stack([x, x], -1).select(0, 1),
  )
  assert.equal([...byLast], [0, 1, 2, 0, 1, 2])
  assert.equal([...byFirst], [0, 0, 0, 1, 1, 1])
  assert.equal([...stacked], [2, 2])
})

test('numbers that do not fit where they go', async () => {
  const n = tensor([1, 2], [2], 'i32')
  const three = any([[1, 1, 1]])
  await fails('dtype', 'pad: 0.5 is no 32-bit integer; i32 was expected', () => n.pad([[1, 1]], 0.5))
  await fails('shape', 'pad: [[1, 1, 1]] are no pairs of numbers before and after, one for each axis', () =>
    n.pad(three),
  )
  const rows = any([
    [1, 2],
    [3, 4],
  ])
  for (const shape of [undefined, [2, 2]])
    await fails('dtype', 'tensor, element 0: expected a number, found [1, 2]', () => tensor(rows, shape))
  await fails('argument', 'tensor: values is "abcd"; expected a list of numbers in row-major order', () =>
    tensor(any('abcd')),
  )
  await fails('argument', 'add: 2 arguments were given; expected other', () => any(n).add(1, 2))
  await fails(
    'argument',
    'tensor: values is 1; expected a list of numbers in row-major order: tensor([1]), or tensor([1], []) without an axis',
    () => tensor(any(1)),
  )
  await fails('shape', 'zeros: sizes must be a list of integers of at least 0, such as [3], found 3', () =>
    rmaat.zeros(any(3)),
  )
  await fails('argument', 'reshape: 2 arguments were given; expected one list, [1, 2]', () => any(n).reshape(1, 2))
  await fails('argument', 'reshape: shape is 2; expected a list of numbers, such as [2]', () => n.reshape(any(2)))
  await fails('argument', `cast: dtype is "f64"; expected 'f32' or 'i32'`, () => n.cast(any('f64')))
})

for (const [name, open] of Object.entries(held)) {
  test(`${name}: what a run is given`, async () => {
    const device = await open()
    const program = compile(device, { n: i32(4), x: f32(2) }, ({ n, x }) => ({ n: n.add(0).mul(1), y: x.mul(2) }))
    const run = (n: unknown, x: unknown = [1, 2]) => program.arrays({ n: any(n), x: any(x) })
    await fails('dtype', 'input n, element 1: 1.5 is no 32-bit integer; i32 was expected', () => run([1, 1.5, 2, 3]))
    await fails('dtype', /input n, element 0: 1099511627776 is no 32-bit/, () => run(Float64Array.of(2 ** 40, 0, 0, 0)))
    await fails('dtype', /input n, element 3: 4294967295 is no 32-bit/, () => run(Uint32Array.of(0, 0, 0, 2 ** 32 - 1)))
    await fails('program', 'input n is [4]: expected 4 numbers, found "abcd"', () => run('abcd'))
    await fails('program', 'input n is [4]: expected 4 numbers, found 3 numbers', () => run([1, 2, 3]))
    const rows = [
      [1, 2],
      [3, 4],
    ]
    await fails('program', 'input n is [4]: expected 4 numbers, found [[1, 2], [3, 4]]', () => run(rows))
    await fails('dtype', 'input x, element 0: expected a number, found "a"', () => run([1, 2, 3, 4], ['a', 'b']))
    await fails('program', /inputs is undefined; expected an object/, () => program.run(any(undefined)))
    const right = [Uint8Array.of(1, 2, 3, 4), Float64Array.of(1, 2, 3, 4), { length: 4, 0: 1, 1: 2, 2: 3, 3: 4 }]
    for (const n of right) assert.equal([...(await run(n)).n], [1, 2, 3, 4])
    device.close()
  })

  test(`${name}: a list whose length changes while it is read writes over no neighbour`, async () => {
    const device = await open()
    const before = device.variable([4], 'f32', [1, 2, 3, 4])
    const changed = device.variable([4])
    const after = device.variable([4], 'f32', [5, 6, 7, 8])
    const program = compile(device, { x: f32(4), y: f32(4) }, ({ x, y }) => ({ z: x.add(y) }))
    let reads = 0
    const grows = {
      get length() {
        return reads++ ? 64 : 4
      },
    } as ArrayLike<number>
    for (let i = 0; i < 64; i++) Object.defineProperty(grows, i, { value: 9 })
    class Lies extends Float32Array {
      override get length() {
        return 4
      }
    }
    const write = (values: ArrayLike<number>) => device.write(changed, values)
    write(grows)
    await fails('shape', /takes 4 values, found 64/, () => write(new Lies(64).fill(9)))
    reads = 0
    const { z } = await program.arrays({ x: grows, y: [1, 1, 1, 1] })
    assert.equal([...z], [10, 10, 10, 10])
    for (const [variable, values] of [
      [before, [1, 2, 3, 4]],
      [changed, [9, 9, 9, 9]],
      [after, [5, 6, 7, 8]],
    ] as const)
      assert.equal([...(await device.readVariable(variable))], values)
    device.close()
  })
}

test('a refused value keeps no memory', async () => {
  const device = await devices['wasm relaxed']()
  const refuse = () => fails('shape', /takes 100000 values, found 1/, () => device.variable([100_000], 'f32', [1]))
  await refuse()
  const held = device.backend.heldBytes
  for (let i = 0; i < 5; i++) await refuse()
  assert.is(device.backend.heldBytes, held)
  device.close()
})

test('variables: how they begin', async () => {
  const device = await devices.reference()
  const known = `variable: init is "uniform"; expected 'zeros', 'normal' or an initialiser, or nothing`
  await fails('config', known, () => variable(device, [2], { init: any('uniform') }))
  await fails('config', 'variable: no option is called sede; there are init, seed, name', () =>
    variable(device, [2], any({ sede: 1 })),
  )
  await fails('config', /seed is 1\.7; expected a whole number from 0 to 4294967295/, () =>
    variable(device, [2], { init: 'normal', seed: 1.7 }),
  )
  const begin = async (device: rmaat.Device, name?: string) => {
    const made = variable(device, [3, 3], { init: 'normal', name })
    return [...(await device.readVariable(made))]
  }
  const [first, second, named] = [await begin(device), await begin(device), await begin(device, 'w')]
  assert.not.equal(first, second)
  const again = await devices.reference()
  variable(again, [3]) // draws nothing: the others stay
  assert.equal(await begin(again), first)
  assert.equal(await begin(again, 'w'), named)
  assert.equal(await begin(again), second)
})

test('what a build function returns', async () => {
  const device = await devices.reference()
  const promised = any(async ({ x }: { x: rmaat.Tensor }) => ({ y: x.add(1) }))
  await fails(
    'program',
    'compile: what build returns is a value of Promise; expected a tensor, or tensors by name',
    () => compile(device, { x: f32(2) }, promised),
  )
  await fails('program', 'the result y is 3; expected a tensor', () =>
    compile(
      device,
      {},
      any(() => ({ y: 3 })),
    ),
  )
  const w = device.variable([2])
  await fails('program', /updates is .*; expected a list of pairs \[variable, tensor\]/, () =>
    compile(
      device,
      {},
      any(() => ({ updates: [w, w.add(1)] })),
    ),
  )
})

test('gradients and optimisers', async () => {
  const device = await devices.reference()
  const w = device.variable([2])
  await fails('argument', 'grad: wrt is a value of Variable; expected a list of tensors', () => grad(w.sum(), any(w)))
  await fails('gradient', /no derivative of integers/, () => grad(w.cast('i32').sum(), [w]))
  const v = device.variable([2])
  await fails('shape', 'SGD: 1 gradients for 2 variables', () => new SGD([w, v]).update([w.add(1)]))
  const parameters = new rmaat.Parameters(device, rmaat.linearParameters(1, 1), 0)
  await fails('shape', 'flat: 1 tensors for 2 parameters; expected one for each of parameters.list', () =>
    new SGD(parameters).update([parameters.variable]),
  )
  await fails('shape', 'SGD: gradient 1 is [3], its variable [2]; expected equal shapes', () =>
    new SGD([w, v]).update([w.add(1), tensor([1, 2, 3])]),
  )
  const some = 'expected Parameters or a list of different f32 variables'
  await fails('argument', `AdamW: parameters is a value of Variable; ${some}`, () => new AdamW(any(w)))
  await fails('argument', /parameters is \[a value of Variable, a value of Variable\]/, () => new AdamW([w, w]))
  await fails('argument', /expected Parameters or a list/, () => new AdamW([device.variable([2], 'i32')]))
  const other = (await devices.reference()).variable([2])
  await fails('device', /SGD: the variables live on several devices/, () => new SGD([w, other]))
  await fails(
    'config',
    /AdamW: no option is called lr; there are rate, decay, decays, rates, trains, beta1/,
    () => new AdamW([w], any({ lr: 1 })),
  )
  const around: Record<string, unknown> = { w: rmaat.linearParameters(2, 2) }
  around.again = around
  await fails(
    'argument',
    'Parameters: again holds itself; expected a tree',
    () => new rmaat.Parameters(device, around as never, 0),
  )
  await fails('config', 'SGD: decays names "wq"; there are 0', () => new SGD([w], { decays: ['wq'] }))
  await fails('config', /beta1 is 1; expected a number from 0 to 0.9999/, () => new AdamW([w], { beta1: 1 }))
  await fails('argument', /SGD: rate is a value of Tensor; expected a number or an f32 scalar/, () =>
    new SGD([w]).update([w], tensor([1, 2])),
  )
  await fails('argument', 'dropout: source is undefined; expected an object', () => any(w).dropout(0.5))
  await fails('shape', "einsum 'ij,jk->ik' of [2]: 2 operands are named", () => rmaat.einsum('ij,jk->ik', w))
  await fails('shape', "einsum 'ij->ji' of [2]: a letter is needed for every axis", () => rmaat.einsum('ij->ji', w))
  await fails('shape', "einsum 'ij->ji' of nothing: 1 operands are named", () => rmaat.einsum('ij->ji'))
  await fails('argument', 'einsum: operands is [3]; expected a list of tensors', () => rmaat.einsum('i->i', any(3)))
})

test('models and training', async () => {
  const own = await model()
  const options = { steps: 1, batch: 2 }
  await fails('config', `train: method is "AMRB"; expected 'amrb' or 'bptt' or 'truncated', or nothing`, () =>
    all(train(own, task, { ...options, method: any('AMRB') })),
  )
  await fails('config', 'train: steps is "x"; expected a whole number of at least 1, or nothing', () =>
    all(train(own, task, { ...options, steps: any('x') })),
  )
  await fails('config', /train: no option is called step; there are method, keep, hold, reach,/, () =>
    all(train(own, task, any({ step: 1 }))),
  )
  await fails('argument', /^train: examples is a value of Promise; expected a generator of examples$/, () =>
    all(train(own, { ...task, train: async () => task.test } as never, options)),
  )
  await fails(
    'argument',
    /^batchOf: examples is an object; expected a list of examples, such as \[\.\.\.task\.test/,
    () => batchOf(any(task.test.slice(0, 2)), { segments: 2, segmentLength: 4, batch: 2 }),
  )
  await fails('config', /classes is 8; expected a whole number from 1 to 3/, async () =>
    all(train(await model({ classes: 3 }), task, options)),
  )
  await fails('config', /vocabulary is 14; expected a whole number from 1 to 7/, async () =>
    all(train(await model({ vocabulary: 7 }), task, options)),
  )
  await fails('argument', 'evaluate: examples is []; expected a list of at least one example', () => evaluate(own, []))
  const tensors = Object.entries(rmaat.batchInputs(2, own.config)).map(([name, { shape, dtype }]) => [
    name,
    rmaat.zeros(shape, dtype),
  ])
  await fails('argument', `forward: method is "AMRB"; expected 'amrb' or 'bptt' or 'truncated'`, () =>
    own.forward(Object.fromEntries(tensors), { method: any('AMRB') }),
  )
})

test('examples', async () => {
  const own = await model()
  const shape = { segments: 2, segmentLength: 4, batch: 2 }
  const right = { tokens: [1, 2], label: 7 }
  const wrong: [object, string][] = [
    [{ tokens: [1, 2], lable: 1 }, 'label is undefined; expected a whole number from 0 to 7'],
    [{ tokens: [1, 2], label: 8 }, 'label is 8; expected a whole number from 0 to 7'],
    [{ tokens: [1, 14], label: 1 }, 'token 1 is 14; expected a whole number from 0 to 13'],
    [{ tokens: [1, Number.NaN], label: 1 }, 'token 1 is NaN; expected a whole number from 0 to 13'],
    [{ token: [1], label: 1 }, 'tokens is undefined; expected a list of token ids'],
  ]
  for (const [example, message] of wrong) {
    // one without tokens is met before it is in a batch
    const where = 'tokens' in example ? 'example 1 of the batch' : 'enoughSegments'
    await fails('data', `${where}: ${message}`, () => evaluate(own, [right, any(example)]))
    const stream = {
      ...task,
      *train() {
        for (;;) yield* [right, any(example)]
      },
    }
    await fails('data', `example 1 of the batch: ${message}`, () => all(train(own, stream, { steps: 1, batch: 2 })))
  }
  for (const { configure, make } of Object.values(rmaat.models)) {
    const { values } = make(own.device, configure({ vocabulary: 14, classes: 8 })).layout(2)
    await fails('data', 'example 1 of the batch: token 1 is 14; expected a whole number from 0 to 13', () =>
      values([right, { tokens: [1, 14], label: 1 }]),
    )
  }
  await fails('data', /label is -1; expected a whole number from 0 to 2147483646/, () =>
    batchOf([{ tokens: [1], label: -1 }], shape),
  )
})

test.run()
