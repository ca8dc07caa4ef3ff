import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { models } from '../../src/models/index.ts'
import type { Device } from '../../src/program/device.ts'
import { compile } from '../../src/program/program.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { batchOf, textsOf } from '../../src/tasks/batch.ts'
import type { Example } from '../../src/tasks/task.ts'
import { devices, relativeError } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

const sizes = { ...tiny, segments: 3, vocabulary: 9 }
const SEPARATOR = 8
const pair = (first: number[], second: number[], label: number): Example => ({
  tokens: [...first, SEPARATOR, ...second],
  label,
  split: first.length,
})
const pairs = [
  pair([1, 2, 3, 4, 5, 6, 7, 1, 2], [3, 3], 0),
  pair([5], [7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3], 1),
  pair([2, 4, 6, 1], [2, 4, 6, 1], 2),
]
const alone = (at: 0 | 1): Example[] => pairs.map((example) => textsOf(example, 'a pair')[at])
const swapped = pairs.map((example) => {
  const [a, b] = textsOf(example, 'a pair').map(({ tokens }) => Array.from(tokens))
  return pair(b, a, example.label)
})

const make = (device: Device, name: string, towers: 1 | 2) => {
  const { configure, make, settings } = models[name]
  const own = Object.entries({ ...sizes, towers }).filter(([key]) => key in settings)
  return make(device, configure(Object.fromEntries(own)))
}
type Model = ReturnType<typeof make>

async function answersOf(device: Device, model: Model, examples: readonly Example[]) {
  const layout = model.layout(examples.length + 1) // a row that is filler
  const program = compile(device, layout.inputs, (inputs) => {
    const { loss, predicted, correct } = model.forward(inputs, { method: 'amrb' })
    return { loss, predicted: predicted.narrow(0, 0, examples.length), correct: correct! }
  })
  const found = await program.arrays(layout.values(examples))
  program.close()
  return found
}

/** Gives a model of two towers another one's weights; those of the head's first layer stand where `block` of a, b, a b, a - b does. */
async function copy(device: Device, from: Model, to: Model, block: number): Promise<void> {
  const [own, values] = await Promise.all([from, to].map(({ parameters }) => device.readVariable(parameters.variable)))
  for (const { name, offset, spec } of from.parameters.named) {
    const part = own.subarray(offset, offset + spec.shape.reduce((a, b) => a * b, 1))
    const there = to.parameters.named.find((one) => one.name === name)!.offset
    if (name !== 'head1.w') values.set(part, there)
    else values.fill(0, there, there + 4 * part.length).set(part, there + block * part.length)
  }
  device.write(to.parameters.variable, values)
}

for (const name of ['rmaat', 'rmt', 'transformer', 'lru']) {
  test(`${name} in two towers reads each text as it does alone, and joins a, b, a b and a - b`, async () => {
    const device = await devices.reference()
    const [one, two] = [make(device, name, 1), make(device, name, 2)]
    for (const at of [0, 1] as const) {
      await copy(device, one, two, at)
      const [found, expected] = [await answersOf(device, two, pairs), await answersOf(device, one, alone(at))]
      for (const part of ['predicted', 'loss', 'correct'] as const)
        assert.ok(relativeError(found[part], expected[part]) < 1e-12, `${part} of text ${at}`)
    }
    await copy(device, one, two, 2)
    const [product, turned] = [await answersOf(device, two, pairs), await answersOf(device, two, swapped)]
    assert.ok(relativeError(product.predicted, turned.predicted) < 1e-12)
    await copy(device, one, two, 3)
    const [difference, other] = [await answersOf(device, two, pairs), await answersOf(device, two, swapped)]
    assert.ok(relativeError(difference.predicted, other.predicted) > 1e-3)
    // of equal texts it is nothing, whichever they are
    const equal = [pair([1, 2], [1, 2], 0), pair([7, 6, 5, 4, 3, 2], [7, 6, 5, 4, 3, 2], 0)]
    const { predicted } = await answersOf(device, two, equal)
    assert.equal([...predicted.slice(0, 3)], [...predicted.slice(3)])
    one.close()
    two.close()
    device.close()
  })
}

test('the texts of a batch are rows by turns, and a filler row is two of them', () => {
  const shape = { segments: 3, segmentLength: 4, batch: 4, towers: 2 } as const
  const { tokens, labels, weights, validTokens } = batchOf(pairs, shape)
  assert.is(tokens.length, 2 * 4 * 12)
  assert.equal([...tokens.subarray(3, 12)], [1, 2, 3, 4, 5, 6, 7, 1, 2])
  assert.equal([...tokens.subarray(12, 24)], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3])
  assert.equal([...labels], [0, 1, 2, 0])
  assert.equal([...weights], [1 / 3, 1 / 3, 1 / 3, 0])
  assert.is(validTokens, 11 + 13 + 8)
})

test('what two towers cannot read is one clear error', async () => {
  const device = await devices.reference()
  const model = make(device, 'rmaat', 2)
  const { values } = model.layout(2)
  const text = { tokens: [1, 2, 3], label: 0 }
  await fails('data', /^example 0 of the batch: split is undefined; .* from 1 to 1$/, () => values([text]))
  await fails('data', /^example 0 of the batch: split is 2; /, () => values([{ ...text, split: 2 }]))
  await fails('data', /has 13 tokens/, () => values([pair([1], new Array(13).fill(2), 0)]))
  await fails('data', /^example 0 of the batch: example is null/, () => values([null]))
  await fails('data', /^a batch of 2 rows takes 1 to 2 examples, not 3$/, () => values(pairs))
  const task = { name: 'one', vocabulary: 9, classes: 3 }
  await fails('config', /has 1 texts in an example, the model reads 2; expected its setting towers to be 1/, () =>
    model.checkTask!(task),
  )
  const pairTask = { ...task, towers: 2 }
  const single = make(device, 'rmaat', 1)
  await fails('config', /has 2 texts in an example, the model reads 1; expected its setting towers to be 2/, () =>
    single.checkTask!(pairTask),
  )
  single.close()
  await fails('config', /^Stream: a model of two towers/, () => models.rmaat.stream!(model, { length: 12 }))
  await fails('config', /^towers is 2, but a causal model reads one text: of retrieval/, () =>
    modelConfig({ towers: 2, causal: true }),
  )
  model.close()
  device.close()
})

test.run()
