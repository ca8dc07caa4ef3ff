import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Model } from '../../src/nn/model.ts'
import { AdamW, type AdamWOptions } from '../../src/optim/adamw.ts'
import type { Optimizer } from '../../src/optim/optimizer.ts'
import type { Update } from '../../src/program/program.ts'
import type { Rmaat } from '../../src/rmaat/model.ts'
import type { Tensor, TensorLike } from '../../src/tensor/tensor.ts'
import type { Variable } from '../../src/tensor/variable.ts'
import { loadCheckpoint, saveCheckpoint, type TrainState } from '../../src/train/checkpoint.ts'
import { type TrainOptions, train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { cueModel as modelFor, stepsOf, cue as task } from '../support/training.ts'

const steps = (model: Rmaat, options: Partial<TrainOptions>) => stepsOf(model, task, options)

/** Lion (Chen et al. 2023) without decay, in the words of a user. */
class Lion implements Optimizer {
  readonly state: readonly Variable[]
  private readonly parameters: Model['parameters']

  constructor(parameters: Model['parameters']) {
    const { device, variable } = parameters
    this.parameters = parameters
    this.state = [device.variable(variable.shape)]
  }

  update(gradient: Tensor, rate: TensorLike): Update[] {
    const { variable } = this.parameters
    const [mean] = this.state
    const toward = mean.mul(0.9).add(gradient.mul(0.1))
    return [
      [variable, variable.sub(toward.sign().mul(rate))],
      [mean, mean.mul(0.99).add(gradient.mul(0.01))],
    ]
  }
}

test('an optimiser of its own trains a model, and goes on where it was stopped', async () => {
  const device = await devices['wasm relaxed']()
  const optimizer = (parameters: Model['parameters']): Optimizer => new Lion(parameters)
  const options = { steps: 6, batch: 4, rate: 1e-3, optimizer }
  const straight = modelFor(device)
  const events = await steps(straight, options)
  const [first] = events
  assert.ok(first.gradientNorm > 0 && !first.skipped)
  const again = modelFor(device)
  let state: TrainState | undefined
  for await (const event of train(again, task, { ...options, checkpoint: (step) => step === 3 })) {
    if (event.kind === 'checkpoint') state = event.state
    if (state) break
  }
  const from = loadCheckpoint(again, saveCheckpoint(again, state!)).state
  await fails(
    'config',
    /^train: the options are not those of the state to go on from: optimizer is undefined, there Lion$/,
    () => steps(again, { ...options, optimizer: undefined, from }),
  )
  await steps(again, { ...options, from })
  const [one, other] = await Promise.all(
    [straight, again].map((model) => device.readVariable(model.parameters.variable)),
  )
  assert.equal(other, one)
  device.close()
})

test('a training goes on by an optimiser of the same options alone', async () => {
  const device = await devices.reference()
  const model = modelFor(device)
  const by = (options: AdamWOptions): Partial<TrainOptions> => ({
    ...{ steps: 4, batch: 4 },
    optimizer: (parameters) => new AdamW(parameters, options),
  })
  const options = { rates: { head2: 10 }, decays: (name: string) => name === 'head2.w' }
  let state: TrainState | undefined
  for await (const event of train(model, task, { ...by(options), checkpoint: (step) => step === 2 }))
    if (event.kind === 'checkpoint') state = event.state
  const from = loadCheckpoint(model, saveCheckpoint(model, state!)).state
  const refused = (message: RegExp, more: AdamWOptions) =>
    fails('config', message, () => steps(model, { ...by({ ...options, ...more }), from }))
  await refused(/go on from: optimizer\.rates is \{"head2":5\}, there \{"head2":10\}$/, { rates: { head2: 5 } })
  await refused(/: optimizer\.decays is \["head2"\], there \["head2\.w"\]$/, { decays: ['head2'] })
  await refused(/: optimizer\.beta2 is 0, there 0\.98; optimizer\.decay is 0\.1, there 0\.01$/, {
    decay: 0.1,
    beta2: 0,
  })
  assert.is((await steps(model, { ...by({ ...options, rate: 7 }), from })).length, 2)
  device.close()
})

test('what does not train is refused as an optimiser', async () => {
  const device = await devices.reference()
  const model = modelFor(device)
  const state = [device.variable([])]
  const wrong = /^train: optimizer is an object; expected one with state, its variables, and update$/
  for (const made of [{}, { state, update: 3 }, { state: [3], update: () => [] }])
    await fails('config', wrong, () => steps(model, { optimizer: () => made as never }))
  await fails('program', /^the optimizer: update is 7; expected a list of pairs \[variable, tensor\]$/, () =>
    steps(model, { optimizer: () => ({ state, update: () => 7 }) as never }),
  )
  const { parameters: others } = modelFor(device)
  await fails('program', /^the optimizer: update leaves out the model's parameters; expected them$/, () =>
    steps(model, { optimizer: () => new AdamW(others) }),
  )
  for (const more of [{ decay: 0.1 }, { trains: ['head2'] }])
    await fails('config', /^train: decay and trains are of AdamW; expected them within the optimizer given$/, () =>
      steps(model, { ...more, optimizer: (parameters) => new Lion(parameters) }),
    )
  device.close()
})

test('a training of some weights leaves the others as they are, and goes on as such alone', async () => {
  const device = await devices['wasm relaxed']()
  const model = modelFor(device)
  const before = await device.readVariable(model.parameters.variable)
  const options = { steps: 4, batch: 4, trains: ['head2', 'wq'] }
  let state: TrainState | undefined
  for await (const event of train(model, task, { ...options, checkpoint: (step) => step === 2 }))
    if (event.kind === 'checkpoint') state = event.state
  const after = await device.readVariable(model.parameters.variable)
  for (const { name, offset, spec } of model.parameters.named) {
    const end = offset + spec.shape.reduce((a, b) => a * b, 1)
    const isSame = `${before.subarray(offset, end)}` === `${after.subarray(offset, end)}`
    assert.is(isSame, !/head2|wq/.test(name), name)
  }
  await fails('config', /trains is undefined, there blocks\.0\.wq, head2\.w, head2\.b$/, () =>
    steps(model, { ...options, trains: undefined, from: state }),
  )
  device.close()
})

test.run()
