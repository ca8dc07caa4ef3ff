import { grad } from '../../src/autograd/grad.ts'
import type { Backward, Method } from '../../src/nn/model.ts'
import { randomWord } from '../../src/ops/rounded.ts'
import type { Device } from '../../src/program/device.ts'
import { compile, i32 } from '../../src/program/program.ts'
import { batchInputs, batchValues } from '../../src/rmaat/batch.ts'
import type { ModelConfig } from '../../src/rmaat/config.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'

export const tiny: Partial<ModelConfig> = {
  segmentLength: 4,
  memory: 2,
  width: 8,
  layers: 1,
  heads: 2,
  features: 4,
  feedForward: 8,
  vocabulary: 7,
  classes: 3,
  seed: 5,
}

/** Tokens in rows that are, by turns: full, padded in the first segment, empty in the first half, with a hole, filler. */
export function someBatch(rows: number, { segments, segmentLength, vocabulary, classes, causal, towers }: ModelConfig) {
  const texts = rows * towers
  const size = texts * segments * segmentLength
  const random = (n: number, site: number) => (_: unknown, i: number) => (randomWord(i, 0, 0, 3, site) >>> 1) % n
  const valid = new Int32Array(size).fill(1)
  const at = (row: number, segment: number, token: number) => (row * segments + segment) * segmentLength + token
  for (let row = 0; row < texts; row++) {
    if (row % 5 === 1) valid.fill(0, at(row, 0, 0), at(row, 0, segmentLength >> 1))
    if (row % 5 === 2) valid.fill(0, at(row, 0, 0), at(row, segments >> 1, 0))
    if (row % 5 === 3) valid.fill(0, at(row, segments >> 1, 1), at(row, segments >> 1, 3))
  }
  const counted = rows - Math.floor(rows / 5)
  return {
    tokens: Int32Array.from({ length: size }, random(vocabulary, 1)),
    valid,
    // of a causal model for each token, or none
    labels: causal
      ? valid.map((isToken, i) => (isToken ? random(classes + 1, 2)(0, i) - 1 : -1))
      : Int32Array.from({ length: rows }, random(classes, 2)),
    weights: Float64Array.from({ length: rows }, (_, row) => (row % 5 === 4 ? 0 : 1 / counted)),
  }
}

export type Values = Record<string, ArrayLike<number>>

/** What a formula over a model and a batch gives, and the elements of the arena that it takes. */
async function ofBatch(
  device: Device,
  config: Partial<ModelConfig>,
  rows: number,
  formula: (model: Rmaat, batch: Readonly<Record<string, Tensor>>) => Record<string, Tensor>,
): Promise<{ readonly results: Values; readonly arena: number }> {
  const model = new Rmaat(device, config)
  const program = compile(device, { ...batchInputs(rows, model.config), step: i32() }, (batch) => formula(model, batch))
  const inputs = batchValues(someBatch(rows, model.config), model.config, model.config.retention)
  const results: Values = await program.arrays({ ...inputs, step: 3 })
  const { arena } = program.memory
  program.close()
  model.close()
  return { results, arena }
}

/** Loss, logits, every gradient and dL/dm_t of one batch. */
export async function gradients(
  device: Device,
  config: Partial<ModelConfig>,
  how: Method | Backward,
  rows = 5,
): Promise<Values> {
  const backward = typeof how === 'string' ? { method: how } : how
  const { results } = await ofBatch(device, config, rows, (model, batch) => {
    const { loss, predicted: logits, carries } = model.forward(batch, { ...backward, step: batch.step })
    const { named } = model.parameters
    const all = grad(loss, [...named.map(({ tensor }) => tensor), ...carries])
    const ofMemories = all.slice(named.length).flatMap((g) => {
      return g.rank === 3 ? [g] : Array.from({ length: g.shape[0] }, (_, t) => g.select(0, t))
    })
    return {
      loss,
      logits,
      ...Object.fromEntries(named.map(({ name }, i) => [name, all[i]])),
      ...Object.fromEntries(ofMemories.map((g, t) => [`memory ${t + 1}`, g])),
    }
  })
  return results
}

/** The gradient of half the square of a model's gradient, by parameter: the Hessian times the gradient. */
export const hessianTimesGradient = (device: Device, config: Partial<ModelConfig>, how: Backward, rows = 5) =>
  ofBatch(device, config, rows, (model, batch) => {
    const { named } = model.parameters
    const by = named.map(({ tensor }) => tensor)
    const gradients = grad(model.forward(batch, { ...how, step: batch.step }).loss, by)
    const squares = gradients.map((g) => g.square().sum()).reduce((a, b) => a.add(b))
    const found = grad(squares.mul(0.5), by)
    return Object.fromEntries(named.map(({ name }, i) => [name, found[i]]))
  })
