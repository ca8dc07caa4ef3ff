import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../src/nn/safetensors.ts'
import { writeSigned } from '../../src/nn/signature.ts'
import type { Device } from '../../src/program/device.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { tasks } from '../../src/tasks/index.ts'
import { loadCheckpoint, saveCheckpoint, type TrainState } from '../../src/train/checkpoint.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import type { TrainEvent } from '../../src/train/events.ts'
import { type TrainOptions, train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

const task = tasks.cue({ segments: 2, segmentLength: 4 })
const sizes = { segments: 2, vocabulary: task.vocabulary, classes: task.classes, dropout: 0.2 }
const modelOn = (device: Device): Rmaat => new Rmaat(device, { ...tiny, ...sizes })
const options = { steps: 12, batch: 8, rate: 0.01, decay: 0.1, seed: 3 } as const

const stateOf = (events: readonly TrainEvent[]): TrainState =>
  events.flatMap((event) => (event.kind === 'checkpoint' ? [event.state] : []))[0]

async function eventsOf(model: Rmaat, more: Partial<TrainOptions> = {}): Promise<TrainEvent[]> {
  const events: TrainEvent[] = []
  for await (const event of train(model, task, { ...options, ...more })) events.push(event)
  return events
}

/** What must be the same again: nothing of the clock. */
const foundIn = (events: readonly TrainEvent[]) =>
  events.flatMap((event) => {
    if (event.kind !== 'step') return []
    const { milliseconds, waitMilliseconds, tokensPerSecond, ...found } = event
    assert.ok(waitMilliseconds >= 0)
    return [found]
  })

const bytesOf = (values: ArrayLike<number>): number[] => [
  ...new Uint8Array((values as Float32Array).slice().buffer as ArrayBuffer),
]

for (const name of ['reference', 'wasm relaxed', 'wasm simd', 'wasm relaxed, 2 threads']) {
  test(`a training that goes on from its state comes to the same bits on ${name}`, async () => {
    const device = await devices[name]()
    const [whole, stopped, other] = [modelOn(device), modelOn(device), modelOn(device)]
    device.write(other.parameters.variable, new Float32Array(other.parameters.count).fill(0.5))
    const all = await eventsOf(whole)
    // stopped behind the fifth step, whose state is a file for a while; the other model has other weights before
    const controller = new AbortController()
    const first: TrainEvent[] = []
    for await (const event of train(stopped, task, {
      ...options,
      signal: controller.signal,
      checkpoint: (_, last) => last,
    })) {
      if (event.kind === 'step' && event.step === 4) controller.abort()
      first.push(event)
    }
    const told = stateOf(first)
    assert.is(told.step, 5)
    const { state, metadata } = loadCheckpoint(other, saveCheckpoint(stopped, told, { mine: 'too' }))
    assert.is(metadata.mine, 'too')
    const rest = await eventsOf(other, { from: state })
    assert.equal([...foundIn(first), ...foundIn(rest)], foundIn(all))
    const [expected, found] = await Promise.all(
      [whole, other].map((model) => device.readVariable(model.parameters.variable)),
    )
    assert.equal(bytesOf(found), bytesOf(expected))
    assert.equal({ ...rest.at(-1), medianStep: 0 }, { ...all.at(-1), medianStep: 0 })
    device.close()
  })
}

test('a state is told where that is asked for, with nothing under way, and changes nothing', async () => {
  const device = await devices['wasm relaxed']()
  const [plain, asked] = [modelOn(device), modelOn(device)]
  const expected = await eventsOf(plain)
  const kinds: string[] = []
  const found: TrainEvent[] = []
  for await (const event of train(asked, task, { ...options, checkpoint: (step, last) => step % 5 === 0 || last })) {
    found.push(event)
    kinds.push(event.kind === 'step' ? `${event.step}` : event.kind)
    if (event.kind !== 'checkpoint') continue
    const { variable } = asked.parameters
    assert.equal(bytesOf(await device.readVariable(variable)), bytesOf(event.state.parameters))
    await evaluate(asked, task.validation.slice(0, 20))
    assert.is(event.state.optimizer.at(-1)![0], event.state.step)
  }
  assert.is(kinds.join(' '), 'begin 1 2 3 4 5 checkpoint 6 7 8 9 10 checkpoint 11 12 checkpoint end')
  assert.equal(foundIn(found), foundIn(expected))
  // of the last step the state is told once
  const twelfth = await eventsOf(modelOn(device), { checkpoint: (step, last) => step === 12 || last })
  assert.is(twelfth.filter(({ kind }) => kind === 'checkpoint').length, 1)
  // and one behind it goes on to nothing more
  const none = await eventsOf(modelOn(device), { from: stateOf(twelfth) })
  assert.equal(
    none.map(({ kind }) => kind),
    ['begin', 'end'],
  )
  device.close()
})

test('a state of another training is refused, with what differs, and leaves the model as it was', async () => {
  const device = await devices.reference()
  const model = modelOn(device)
  const from = stateOf(await eventsOf(model, { checkpoint: (step) => step === 2 }))
  const before = bytesOf(await device.readVariable(model.parameters.variable))
  const refused = (code: 'config' | 'data', message: RegExp, more: Partial<TrainOptions>) =>
    fails(code, message, () => eventsOf(model, { from, ...more }))
  await refused('config', /: rate is 0\.5, there 0\.01; seed is 4, there 3$/, { rate: 0.5, seed: 4 })
  await refused('config', /: slices is 2, there undefined$/, { slices: 2 })
  await refused(
    'config',
    /from is an object; expected the `state` of a checkpoint event or of what loadCheckpoint gives, or nothing$/,
    {
      from: {} as TrainState,
    },
  )
  const other = new Rmaat(device, { ...tiny, ...sizes, update: 'mix', dropout: 0.1 })
  await fails('config', /: model\.update is mix, there \w+; model\.dropout is 0\.1, there 0\.2$/, () =>
    eventsOf(other, { from }),
  )
  const short = { ...from, optimizer: from.optimizer.slice(1) }
  await refused('data', /has arrays of .* numbers; expected .*, those of the parameters and/, { from: short })
  assert.equal(bytesOf(await device.readVariable(model.parameters.variable)), before)
  assert.is(device.backend.heldBytes < 2 ** 20, true)
  device.close()
})

test('a file that is no checkpoint of the model is refused, and numbers that are not finite make none', async () => {
  const device = await devices.reference()
  const model = modelOn(device)
  const state = stateOf(await eventsOf(model, { checkpoint: (step) => step === 2 }))
  const file = saveCheckpoint(model, state)
  const { tensors, metadata } = readSafetensors(file)
  const loads = (message: RegExp, bytes: Uint8Array, by = model, code: 'data' | 'diverged' = 'data') =>
    fails(code, message, () => loadCheckpoint(by, bytes))
  await loads(/truncated|expected data for the whole tensor/, file.subarray(0, file.length - 9))
  await loads(
    /^the metadata holds no 'training'; expected a file of saveCheckpoint, .* \(weights alone: loadWeights\)$/,
    writeSafetensors(tensors),
  )
  const other = (training: string) => writeSafetensors(tensors, { training })
  await loads(/'training' is not JSON/, other('{'))
  const newer = JSON.stringify({ ...JSON.parse(metadata.training), form: 5 })
  await loads(/the checkpoint is of form 5; expected 4, the newest that is known here/, other(newer))
  await loads(/the file is damaged: its checksum is undefined, that of what it holds "/, other('{"form": 4}'))
  const incomplete = writeSigned(tensors, { training: '{"form": 4}' })
  await loads(/the checkpoint: step is undefined; expected a whole number/, incomplete)
  const begin = file.length - [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
  for (const at of [begin, (begin + file.length) >> 1, file.length - 1]) {
    const flipped = file.slice()
    flipped[at] ^= 1
    await loads(/the file is damaged: its checksum is "\w{8}", that of what it holds "\w{8}"$/, flipped)
  }
  const wide = new Rmaat(device, { ...tiny, ...sizes, width: 16 })
  await loads(/ in the file, \[\d+, 16\] in the model/, file, wide)
  const deep = new Rmaat(device, { ...tiny, ...sizes, layers: 2 })
  await loads(/the file has no tensor "blocks\.1/, file, deep)
  const spoilt = Float64Array.from(state.optimizer[1])
  spoilt[3] = Number.POSITIVE_INFINITY
  const bad = { ...state, optimizer: [state.optimizer[0], spoilt, state.optimizer[2]] }
  await fails('diverged', /the optimiser's variable 1 is Infinity at element 3/, () => saveCheckpoint(model, bad))
  const weights = Float64Array.from(state.parameters).fill(Number.NaN, 1, 2)
  await fails('diverged', /the parameter \S+ is NaN at element 1/, () =>
    saveCheckpoint(model, { ...state, parameters: weights }),
  )
  device.close()
})

test('a training ends after as many steps without effect as its patience says, and tells no state then', async () => {
  const device = await devices['wasm relaxed']()
  for (const patience of [1, 4]) {
    const model = modelOn(device)
    const { variable } = model.parameters
    device.write(variable, Float32Array.from(await device.readVariable(variable)).fill(Number.NaN, 3, 4))
    const events: TrainEvent[] = []
    await fails('diverged', new RegExp(`^${patience + 1} of ${patience + 1} steps changed nothing`), async () => {
      for await (const event of train(model, task, { ...options, patience, checkpoint: (_, last) => last }))
        events.push(event)
    })
    assert.equal(new Set(events.map(({ kind }) => kind)), new Set(['begin', 'step', 'end']))
  }
  device.close()
})

test('the examples before a state are drawn again, with a word, and a signal ends that', async () => {
  const device = await devices.reference()
  const model = modelOn(device)
  const { now } = performance
  let clock = 0
  let drawn = 0
  const counting = {
    name: 'counting',
    vocabulary: task.vocabulary,
    classes: task.classes,
    *train(seed: number) {
      for (const example of task.train(seed)) {
        drawn++
        clock += 60 // milliseconds: each is told
        yield example
      }
      throw new Error('the stream has ended')
    },
  }
  const from = stateOf(await eventsOf(model, { checkpoint: (step) => step === 10 }))
  performance.now = () => clock
  try {
    const told: number[][] = []
    const controller = new AbortController()
    const skipping = (...numbers: number[]): void => {
      told.push(numbers)
      if (numbers[0] === 3) controller.abort()
    }
    const events: TrainEvent[] = []
    const { signal } = controller
    for await (const event of train(model, counting, {
      ...options,
      from,
      skipping,
      signal,
      checkpoint: (_, last) => last,
    }))
      events.push(event)
    assert.equal(
      told,
      [1, 2, 3].map((done) => [done, 80]),
    )
    assert.is(drawn, 3)
    // there is no other state than the one that is known
    assert.equal(
      events.map(({ kind }) => kind),
      ['begin', 'end'],
    )
    assert.equal(events[1], { ...events[1], steps: 10, stopped: true })
    assert.equal(bytesOf(await device.readVariable(model.parameters.variable)), bytesOf(from.parameters))
  } finally {
    performance.now = now
  }
  device.close()
})

test.run()
