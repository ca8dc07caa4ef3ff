import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loop } from '../../src/autograd/loop.ts'
import { embedding, embeddingParameters } from '../../src/nn/embedding.ts'
import { linear, linearParameters } from '../../src/nn/linear.ts'
import { classLoss, numberLoss, positionLoss } from '../../src/nn/losses.ts'
import type { Forward, Model, Sequence } from '../../src/nn/model.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import { tensor, zeros } from '../../src/ops/entry.ts'
import type { Device } from '../../src/program/device.ts'
import { compile, f32, type InputSpec, i32 } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { type TrainOptions, train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

async function valuesOf({ loss, correct }: Pick<Forward, 'loss' | 'correct'>) {
  const device = await devices.reference()
  const program = compile(device, {}, () => ({ loss, ...(correct ? { correct } : {}) }))
  const values = await program.arrays({})
  device.close()
  return { loss: values.loss[0], correct: (values as Record<string, ArrayLike<number>>).correct?.[0] }
}

const entropy = (logits: number[], label: number): number =>
  Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0)) - logits[label]
const near = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) < 1e-14, `${found}, expected ${expected}`)

test('a class for each row: rows without weight count nothing', async () => {
  const logits = [
    [1, 2, 0],
    [3, 1, 2],
    [9, 9, 9],
  ]
  const { loss, correct } = await valuesOf(
    classLoss(tensor(logits.flat(), [3, 3]), tensor([1, 2, 0], [3], 'i32'), tensor([0.5, 0.5, 0])),
  )
  near(loss, (entropy(logits[0], 1) + entropy(logits[1], 2)) / 2)
  assert.is(correct, 1)
})

test('a class at every position: those that nobody asks for count nothing', async () => {
  const logits = [
    [1, 2],
    [0, 4],
    [5, 1],
    [2, 3],
  ]
  const { loss, correct } = await valuesOf(
    positionLoss(tensor(logits.flat(), [2, 2, 2]), tensor([1, 0, -1, 1], [2, 2], 'i32'), tensor([0.5, 0.5])),
  )
  near(loss, ((entropy(logits[0], 1) + entropy(logits[1], 0)) / 2 + entropy(logits[3], 1)) / 2)
  assert.is(correct, 0.5 + 1)
})

test('parts of rows add up to the loss of whole rows', async () => {
  const [logits, labels] = [tensor([1, 2, 0, 4, 5, 1, 2, 3], [2, 2, 2]), tensor([1, 0, -1, 1], [2, 2], 'i32')]
  const weights = tensor([0.25, 0.75])
  const whole = await valuesOf(positionLoss(logits, labels, weights))
  const parts = await Promise.all(
    [0, 1].map((at) => {
      const [x, own] = [logits, labels].map((one) => one.narrow(1, at, at + 1))
      return valuesOf(positionLoss(x, own, weights, tensor([2, 1])))
    }),
  )
  near(parts[0].loss + parts[1].loss, whole.loss)
  assert.is(parts[0].correct! + parts[1].correct!, whole.correct)
})

test('numbers: the mean of squared errors', async () => {
  const { loss } = await valuesOf(
    numberLoss(tensor([1, 2, 3, 4], [2, 2]), tensor([0, 0, 3, 2], [2, 2]), tensor([0.75, 0.25])),
  )
  near(loss, 0.75 * 2.5 + 0.25 * 2)
})

test('what does not fit is a clear error', async () => {
  const [logits, labels, weights] = [tensor([1, 2], [1, 2]), tensor([1], [1], 'i32'), tensor([1])]
  await fails(
    'shape',
    /^classLoss: predicted is \[1, 2\], targets \[1\], weights \[2\]; expected \[B, C\], \[B\] and \[B\]$/,
    () => classLoss(logits, labels, tensor([1, 2])),
  )
  await fails('shape', /^positionLoss: .* expected \[B, N, C\], \[B, N\] and \[B\]$/, () =>
    positionLoss(logits, labels, weights),
  )
  await fails('shape', 'positionLoss: targets is [2]; expected [1]', () =>
    positionLoss(tensor([1, 2], [1, 1, 2]), tensor([1], [1, 1], 'i32'), weights, tensor([1, 2])),
  )
  await fails('shape', /^numberLoss: .* expected \[B, K\], \[B, K\] and \[B\]$/, () =>
    numberLoss(logits, weights, weights),
  )
})

/** Sequences of three tokens 1 ... 5 without end, each with what is asked of it. */
const numbered = <Target>(of: (tokens: number[]) => Target) => ({
  name: 'numbered',
  *train(seed: number): Generator<Sequence & { target: Target }, never> {
    for (let i = seed; ; i++) {
      const tokens = [0, 1, 2].map((at) => 1 + ((Math.imul(i * 3 + at + 1, 0x9e3779b1) >>> 16) % 5))
      yield { tokens, target: of(tokens) }
    }
  },
})

type Asked<Target> = Sequence & { readonly target: Target }

/** A vector for each token, and what `forward` makes of them. */
function model<Target>(
  device: Device,
  outputs: number,
  target: (rows: number) => InputSpec,
  forward: (x: Tensor, targets: Tensor, weights: Tensor) => Forward,
): Model<Asked<Target>> {
  const tree = { embed: embeddingParameters(6, 8), head: linearParameters(8, outputs) }
  const parameters = new Parameters(device, tree, 3)
  const { embed, head } = parameters.tensors
  return {
    device,
    parameters,
    layout: (rows) => ({
      inputs: { tokens: i32(rows, 3), target: target(rows), weights: f32(rows) },
      values(examples) {
        const filled = (values: number[], length: number) => Array.from({ length }, (_, i) => values[i] ?? 0)
        const targets = examples.flatMap((example) => example.target as number | number[])
        return {
          tokens: filled(
            examples.flatMap(({ tokens = [] }) => Array.from(tokens)),
            3 * rows,
          ),
          target: filled(targets, (rows * targets.length) / examples.length),
          weights: filled(
            examples.map(() => 1 / examples.length),
            rows,
          ),
        }
      },
    }),
    forward: ({ tokens, target, weights }) => forward(linear(embedding(tokens, embed), head), target, weights),
  }
}

const options: Partial<TrainOptions> = { steps: 150, batch: 16, rate: 0.02 }
const some = <Example>(stream: Generator<Example, never>): Example[] =>
  Array.from({ length: 30 }, () => stream.next().value)

test('a model with a class at every position is trained and tested', async () => {
  const device = await devices['wasm simd']()
  const successor = numbered((tokens) => tokens.map((id, at) => (at === 1 ? -1 : id % 5)))
  const own = model<number[]>(device, 5, (rows) => i32(rows, 3), positionLoss)
  for await (const event of train(own, successor, options)) {
    if (event.kind === 'step' && event.step === 150) assert.ok(event.accuracy === 1, `${event.accuracy}`)
  }
  const { accuracy, majority, loss, examples } = await evaluate(own, some(successor.train(1e6)), { batch: 8 })
  assert.equal([accuracy, examples], [1, 30])
  assert.ok(Number.isNaN(majority), 'there is no one label')
  assert.ok(loss < 0.1, `${loss}`)
  device.close()
})

test('a model of numbers is trained and tested, and has no accuracy', async () => {
  const device = await devices['wasm simd']()
  const sums = numbered((tokens) => [tokens.reduce((sum, id) => sum + id, 0) / 5])
  const own = model<number[]>(
    device,
    1,
    (rows) => f32(rows, 1),
    (x, targets, weights) => numberLoss(x.sum(1), targets, weights),
  )
  const before = await evaluate(own, some(sums.train(1e6)))
  for await (const event of train(own, sums, options)) if (event.kind === 'step') assert.not('accuracy' in event)
  const after = await evaluate(own, some(sums.train(1e6)))
  assert.ok(after.loss < 0.01 * before.loss, `${before.loss} -> ${after.loss}`)
  assert.ok(Number.isNaN(after.accuracy))
  device.close()
})

test('a trace of a model without a loop, and a forward pass without a loss, are clear errors', async () => {
  const device = await devices.reference()
  const sums = numbered((tokens) => [tokens.length])
  const trained = async (own: Model<Asked<number[]>>, more: Partial<TrainOptions> = {}): Promise<void> => {
    for await (const event of train(own, sums, { ...options, ...more })) assert.ok(event)
  }
  const own = model<number[]>(
    device,
    1,
    (rows) => f32(rows, 1),
    (x, targets, weights) => numberLoss(x.sum(1), targets, weights),
  )
  await fails('config', /a trace was asked for of a model that has no carries/, () => trained(own, { trace: true }))
  const { parameters } = own
  const recordAlone: typeof own = {
    ...own,
    forward(inputs, given) {
      const first = zeros([inputs.weights.shape[0], 5]).add(parameters.list[1].sum())
      const { record } = loop({ count: 3, carry: [first] }, ([h]) => ({ carry: [h.tanh()] }))
      return { ...own.forward(inputs, given), carries: [record[0]] }
    },
  }
  await fails('config', /^the model's forward: carries are \[3, 16, 5\]; expected .*, at last \[16, \.\.\.\]$/, () =>
    trained(recordAlone, { trace: true }),
  )
  const none = { ...own, forward: () => ({ predicted: tensor([1]) }) as unknown as Forward }
  await fails('argument', /^the model's forward: loss is undefined; expected an f32 scalar/, () => trained(none))
  device.close()
})

test.run()
