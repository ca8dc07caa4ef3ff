import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Device } from '../../src/program/device.ts'
import { compile } from '../../src/program/program.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { tasks } from '../../src/tasks/index.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import type { TrainEvent } from '../../src/train/events.ts'
import { type PredictOptions, predict } from '../../src/train/predict.ts'
import { type TrainOptions, train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'
import { cueModel as modelFor, stepsOf, cue as task } from '../support/training.ts'

const steps = (model: Rmaat, options: Partial<TrainOptions>) => stepsOf(model, task, options)

test('a small model learns cue recall by replay', async () => {
  const device = await devices['wasm relaxed']()
  const model = new Rmaat(device, {
    segments: 4,
    segmentLength: 4,
    width: 32,
    features: 8,
    feedForward: 64,
    vocabulary: task.vocabulary,
    classes: task.classes,
  })
  const longer = tasks.cue({ segments: 4, segmentLength: 4 })
  const before = await evaluate(model, longer.test)
  for await (const event of train(model, longer, { steps: 150, rate: 2e-3 })) assert.ok(event)
  const after = await evaluate(model, longer.test)
  assert.ok(before.accuracy < 0.3, `${before.accuracy} before`)
  assert.ok(after.accuracy > 0.95, `${after.accuracy} after`)
  device.close()
})

test('what is predicted of examples is what they are judged by, in whatever batches', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...tiny, segments: 2, vocabulary: task.vocabulary, classes: task.classes })
  const examples = task.test.slice(0, 23)
  const of = async (options: PredictOptions): Promise<number[][]> => {
    const found: number[][] = []
    for await (const logits of predict(model, examples, options)) found.push([...logits])
    return found
  }
  const [few, many] = [await of({ batch: 5 }), await of({})]
  assert.is(few.length, 23)
  for (const [i, logits] of many.entries())
    for (const [j, logit] of logits.entries()) assert.ok(Math.abs(few[i][j] - logit) < 1e-12)
  let [right, loss] = [0, 0]
  for (const [i, { label }] of [...examples].entries()) {
    const logits = many[i]
    right += Number(logits.indexOf(Math.max(...logits)) === label)
    loss += Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[label as number]
  }
  const expected = await evaluate(model, examples)
  assert.is(right / 23, expected.accuracy)
  assert.ok(Math.abs(loss / 23 - expected.loss) < 1e-12)
  device.close()
})

test('an evaluation in slices is that of whole batches', async () => {
  for (const config of [{}, { attention: 'linear', loss: 'all' }] as const) {
    const found = await Promise.all(
      [Infinity, 4000, 1].map(async (bytes) => {
        const device = await devices.reference()
        Object.defineProperty(device.backend, 'sliceBytes', { value: bytes })
        const model = new Rmaat(device, { ...tiny, ...config, segments: 2, vocabulary: task.vocabulary, classes: 8 })
        const result = await evaluate(model, task.test.slice(0, 29), { batch: 12 })
        device.close()
        return result
      }),
    )
    for (const { loss, ...rest } of found) {
      assert.ok(Math.abs(loss - found[0].loss) < 1e-12, `${loss} and ${found[0].loss}`)
      assert.equal(rest, { accuracy: found[0].accuracy, examples: 29, majority: found[0].majority })
    }
  }
})

test('a task that asks for more classes than the model has is refused, and may be written where it is used', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...tiny, segments: 2, vocabulary: task.vocabulary, classes: 8 })
  await fails('config', /^train: the task, for this model: classes is 9; expected a whole number from 1 to 8$/, () =>
    train(model, { ...task, classes: 9 }).next(),
  )
  device.close()
})

test('an evaluation in batches of more rows than there are examples computes no others', async () => {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...tiny, segments: 2, vocabulary: task.vocabulary, classes: 8 })
  const examples = task.test.slice(0, 5)
  assert.equal(await evaluate(model, examples, { batch: 2 ** 40 }), await evaluate(model, examples, { batch: 5 }))
  device.close()
})

for (const name of ['reference', 'wasm relaxed', 'wasm relaxed, 2 threads']) {
  test(`an evaluation of sequences of any length is that of each alone, in all segments, on ${name}`, async () => {
    const device = await devices[name]()
    const examples = Array.from({ length: 60 }, (_, i) => ({
      tokens: Array.from({ length: 1 + ((i * 7) % 48) }, (_, at) => 1 + ((i + at) % 5)),
      label: i % 3,
    }))
    for (const config of [
      {},
      { loss: 'all', retention: 'stretched' },
      { update: 'mix', retention: 'running' },
    ] as const) {
      const model = new Rmaat(device, { ...tiny, ...config, segments: 12 })
      const found = await evaluate(model, examples, { batch: 8 })
      const layout = model.layout(1)
      const program = compile(device, layout.inputs, (inputs) => {
        const { loss, correct } = model.forward(inputs as Parameters<typeof model.forward>[0], { method: 'amrb' })
        return { loss, correct }
      })
      let [loss, correct] = [0, 0]
      for (const example of examples) {
        const results = await program.arrays(layout.values([example]))
        loss += results.loss[0] / examples.length
        correct += results.correct[0] / examples.length
      }
      assert.ok(Math.abs(found.accuracy - correct) < 1e-6)
      assert.ok(Math.abs(found.loss - loss) < (name === 'reference' ? 1e-12 : 1e-6), `${found.loss} and ${loss}`)
      assert.is(found.examples, 60)
      // those of other lengths need as many segments as hold them, or a few more
      const needed = [1, 4, 5, 12, 13, 20, 25, 40, 48, 90].map((length) =>
        model.enoughSegments({ tokens: new Uint8Array(length), label: 0 }),
      )
      assert.equal(needed, [1, 1, 2, 3, 4, 6, 8, 12, 12, 12])
    }
    device.close()
  })
}

test('the same seed gives the same bits, by either build and twice', async () => {
  for (const name of ['wasm relaxed', 'wasm simd']) {
    const runs = await Promise.all(
      [0, 1].map(async () => {
        const device = await devices[name]()
        const model = modelFor(device)
        await steps(model, { steps: 30, batch: 8 })
        const values = await device.readVariable(model.parameters.variable)
        device.close()
        return values
      }),
    )
    assert.equal(runs[0], runs[1])
  }
})

test('replay and the unrolled model train alike', async () => {
  const losses = await Promise.all(
    (['amrb', 'bptt'] as const).map(async (method) => {
      const device = await devices.reference()
      const events = await steps(modelFor(device), { steps: 20, batch: 8, method })
      device.close()
      return events.map(({ loss }) => loss)
    }),
  )
  losses[0].forEach((loss, i) => {
    assert.ok(Math.abs(loss - losses[1][i]) < 1e-9, `step ${i + 1}: ${loss} and ${losses[1][i]}`)
  })
})

/** The events of a training that fails, and the weights behind it. */
async function failing(device: Device, options: Partial<TrainOptions>, spoilt?: number) {
  const model = modelFor(device)
  const { variable } = model.parameters
  const before = Float32Array.from(await device.readVariable(variable))
  if (spoilt !== undefined) before[3] = spoilt
  device.write(variable, before)
  const events: TrainEvent[] = []
  await fails(
    'diverged',
    [/steps changed nothing, \d+ of them at the end/, /finite examples and weights .* a lower rate than/],
    async () => {
      for await (const event of train(model, task, options)) events.push(event)
    },
  )
  const end = events.at(-1)
  assert.is(end?.kind, 'end')
  const skipped = events.filter((event) => event.kind === 'step').map((event) => event.skipped)
  return { end: end as TrainEvent & { kind: 'end' }, skipped, before, after: await device.readVariable(variable) }
}
const bits = (values: ArrayLike<number>) => new Uint32Array(Float32Array.from(values).buffer)

test('a gradient that is not finite changes nothing, and a training of such steps fails', async () => {
  const device = await devices['wasm relaxed']()
  const { end, skipped, before, after } = await failing(device, { steps: 2, batch: 4 }, Number.NaN)
  assert.equal(skipped, [true, true])
  assert.is(end.skipped, 2)
  assert.is(end.stopped, false)
  assert.equal(bits(after), bits(before))
  device.close()
})

// test/optim holds the guard itself on every device
for (const name of ['reference', 'wasm relaxed']) {
  test(`a rate beyond all numbers writes nothing on ${name}, and the training ends early`, async () => {
    const device = await devices[name]()
    // the reference computes in double precision
    const rate = name === 'reference' ? Number.MAX_VALUE : 1e300
    const { end, skipped, before, after } = await failing(device, { steps: 100, batch: 2, rate, decay: 10, warmUp: 0 })
    assert.ok(skipped.length >= 10 && skipped.length < 15, `${skipped.length} steps`)
    assert.ok(skipped.every((one) => one))
    assert.is(end.skipped, skipped.length)
    assert.is(end.stopped, true)
    assert.equal(bits(after), bits(before))
    device.close()
  })
}

test('a training whose first step ruins the weights fails, and is not evaluated in silence', async () => {
  const device = await devices['wasm relaxed']()
  const { end, skipped } = await failing(device, { steps: 12, batch: 4, rate: 1e30 })
  assert.ok(end.skipped >= 10, `${skipped}`)
  const model = modelFor(device)
  const { variable } = model.parameters
  device.write(variable, new Float32Array(variable.shape[0]).fill(1e30))
  await fails(
    'diverged',
    /^evaluate: the loss of 100 examples behind 0 others is (NaN|Infinity): expected a model/,
    () => evaluate(model, task.test),
  )
  device.close()
})

test('a model is in one training at a time, until that ends, fails or is left', async () => {
  const device = await devices.reference()
  const model = modelFor(device)
  const few = { steps: 3, batch: 2 }
  const refused = () =>
    fails(
      'program',
      /^train: the model is in another training; .* leave its `for await`, or await its `return\(\)`$/,
      () => steps(model, few),
    )
  const short = {
    ...task,
    train: () => [...task.test.slice(0, 1)].values() as unknown as ReturnType<typeof task.train>,
  }
  const leave = async (events: AsyncGenerator): Promise<void> => void (await events.return(undefined))
  const fail = (events: AsyncGenerator) => fails('data', /^the stream of examples has ended/, () => events.next())
  for (const [other, end] of [
    [task, leave],
    [short, fail],
  ] as const) {
    const events = train(model, other, few)
    await events.next()
    await refused()
    await steps(modelFor(device), few)
    await end(events)
    assert.is((await steps(model, few)).length, 3)
  }
  device.close()
})

test('traces have a norm for every segment', async () => {
  const device = await devices.reference()
  const [replayed, unrolled] = await Promise.all(
    (['amrb', 'bptt'] as const).map((method) => steps(modelFor(device), { steps: 1, batch: 4, method, trace: true })),
  )
  for (const key of ['memoryNorms', 'memoryGradients'] as const) {
    assert.is(replayed[0][key]!.length, 2)
    replayed[0][key]!.forEach((norm, t) => {
      assert.ok(norm > 0)
      assert.ok(Math.abs(norm - unrolled[0][key]![t]) < 1e-12)
    })
  }
  device.close()
})

for (const name of ['reference', 'wasm relaxed', 'wasm relaxed, 2 threads']) {
  test(`on ${name} each step is told the time that itself took, though the next one runs before it is told`, async () => {
    const device = await devices[name]()
    const model = modelFor(device)
    const { now } = performance
    let clock = 0
    performance.now = () => clock
    try {
      // every run takes a millisecond more than the one before, from the moment that its inputs are copied
      let runs = 0
      const load = device.backend.load.bind(device.backend)
      Object.defineProperty(device.backend, 'load', {
        value: (...given: Parameters<typeof load>) => {
          const loaded = load(...given)
          const run = loaded.run.bind(loaded)
          loaded.run = (inputs, ...rest) => {
            const [first, ...others] = inputs.map((values) => Array.from(values))
            const slow = Object.defineProperty(first, 0, {
              get: () => {
                clock += ++runs
                return 1
              },
            })
            return run([slow, ...others], ...rest)
          }
          return loaded
        },
      })
      const events = await steps(model, { steps: 4, batch: 4 })
      assert.equal(
        events.map(({ milliseconds }) => milliseconds),
        [1, 2, 3, 4],
      )
    } finally {
      performance.now = now
    }
    device.close()
  })
}

test.run()
