import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import type { HostArray } from '../../src/program/device.ts'
import { compile, i32 } from '../../src/program/program.ts'
import { attentions } from '../../src/rmaat/attention/index.ts'
import { batchInputs, batchValues } from '../../src/rmaat/batch.ts'
import type { ModelConfig } from '../../src/rmaat/config.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { someBatch, tiny } from '../support/model.ts'

type Batch = { tokens: Int32Array; valid: Int32Array; labels: Int32Array; weights: Float64Array }

async function logitsOf(
  config: Partial<ModelConfig>,
  batch: Batch,
  segments: number,
): Promise<{ logits: ArrayLike<number>; loss: number }> {
  const device = await devices.reference()
  const model = new Rmaat(device, { ...config, segments })
  const rows = batch.labels.length
  const program = compile(device, batchInputs(rows, model.config), (inputs) => {
    const { loss, predicted: logits } = model.forward(inputs, { method: 'amrb' })
    return { loss, logits }
  })
  const { loss, logits } = await program.arrays(batchValues(batch, model.config, model.config.retention))
  device.close()
  return { loss: loss[0], logits }
}

const config = (over: Partial<ModelConfig>): ModelConfig => modelConfig({ ...tiny, segments: 4, ...over })

/** Empty segments before the first token of every row. */
function pushedBack({ tokens, valid, ...rest }: Batch, { segmentLength, segments }: ModelConfig, more: number): Batch {
  const rows = rest.labels.length
  const move = (values: Int32Array) => {
    const length = (segments + more) * segmentLength
    const moved = new Int32Array(rows * length)
    for (let row = 0; row < rows; row++) {
      moved.set(
        values.subarray(row * segments * segmentLength, (row + 1) * segments * segmentLength),
        row * length + more * segmentLength,
      )
    }
    return moved
  }
  return { ...rest, tokens: move(tokens), valid: move(valid) }
}

for (const update of ['scaled', 'additive', 'mix', 'split', 'reset'] as const) {
  for (const retention of ['fixed', 'stretched', 'running'] as const) {
    test(`${update}, ${retention}: empty segments in front change no logit`, async () => {
      const settings = config({ update, retention })
      const batch = someBatch(5, settings)
      const alone = await logitsOf(settings, batch, 4)
      const pushed = await logitsOf(settings, pushedBack(batch, settings, 3), 7)
      assert.equal(Array.from(pushed.logits), Array.from(alone.logits))
    })
  }
}

for (const attention of Object.keys(attentions) as (keyof typeof attentions)[]) {
  test(`${attention}: what stands under the mask changes nothing`, async () => {
    const settings = config({ attention })
    const batch = someBatch(5, settings)
    const other = {
      ...batch,
      tokens: batch.tokens.map((id, i) => (batch.valid[i] ? id : (id + 3) % settings.vocabulary)),
    }
    assert.not.equal(Array.from(other.tokens), Array.from(batch.tokens))
    assert.equal(
      Array.from((await logitsOf(settings, other, 4)).logits),
      Array.from((await logitsOf(settings, batch, 4)).logits),
    )
  })

  for (const loss of [{ loss: 'last' }, { loss: 'all' }, { causal: true }] as const) {
    test(`${attention}, ${JSON.stringify(loss)}: the model's gradient is the slope along a direction`, async () => {
      const device = await devices.reference()
      const model = new Rmaat(
        device,
        config({ attention, segments: 3, ...loss, norm: 'pre', update: 'mix', dropout: 0.1 }),
      )
      const program = compile(device, { ...batchInputs(4, model.config), step: i32() }, (batch) => {
        const { loss } = model.forward(batch, { method: 'amrb', step: batch.step })
        const gradients = grad(loss, model.parameters.list)
        return { loss, ...Object.fromEntries(gradients.map((g, i) => [`${i}`, g])) }
      })
      const inputs = { ...batchValues(someBatch(4, model.config), model.config, 'fixed'), step: 2 }
      const start = Float64Array.from(await device.readVariable(model.parameters.variable))
      const direction = (i: number): number => Math.cos(2.3 * i)
      const results: Record<string, HostArray> = await program.arrays(inputs)
      let slope = 0
      model.parameters.named.forEach(({ offset }, i) => {
        const gradient = results[i]
        for (let j = 0; j < gradient.length; j++) slope += gradient[j] * direction(offset + j)
      })
      const at = async (step: number): Promise<number> => {
        device.write(
          model.parameters.variable,
          start.map((x, i) => x + step * direction(i)),
        )
        return (await program.arrays(inputs)).loss[0]
      }
      const h = 1e-5
      const difference = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h)
      assert.ok(Math.abs(difference - slope) < 1e-7 * Math.abs(slope), `slope ${difference}, gradient ${slope}`)
      device.close()
    })
  }
}

test('rows that only fill a batch have no influence', async () => {
  const settings = config({})
  const full = someBatch(5, settings) // row 4 is filler
  const size = 4 * settings.segmentLength
  const four: Batch = {
    tokens: full.tokens.slice(0, 4 * size),
    valid: full.valid.slice(0, 4 * size),
    labels: full.labels.slice(0, 4),
    weights: full.weights.slice(0, 4),
  }
  const [with5, with4] = [await logitsOf(settings, full, 4), await logitsOf(settings, four, 4)]
  assert.ok(Math.abs(with5.loss - with4.loss) < 1e-14)
})

test('settings out of their range are clear errors', async () => {
  const cases: [Partial<Record<keyof ModelConfig, unknown>>, RegExp][] = [
    [{ width: 30, heads: 4 }, /width of 30 does not divide into 4 heads/],
    [{ dropout: 1 }, /dropout is 1/],
    [{ attention: 'magic' }, /attention is "magic".*astro/],
    [{ segments: 0 }, /segments is 0/],
    [{ layers: 1e6 }, /layers is 1000000; .*to 1000/],
    [{ classes: 1e7 }, /classes is 10000000; .*to 65536/],
    [{ scale: 710 }, /scale is 710; .*at most 100/],
    [{ scale: Number.POSITIVE_INFINITY }, /scale is Infinity; /],
    [{ alpha: null }, /alpha is null; /],
    [{ causal: 1 }, /causal is 1; expected true or false/],
    [{ causal: true, loss: 'last' }, /^loss is 'last', but a causal model has a loss at every token; expected 'all'$/],
    [{ depth: 2 } as never, /no setting is called depth/],
  ]
  for (const [given, expected] of cases)
    await fails('config', expected, () => modelConfig(given as Partial<ModelConfig>))
})

test.run()
