import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encode } from '../../src/backends/webgpu/encode.ts'
import type { Method } from '../../src/nn/model.ts'
import { AdamW } from '../../src/optim/adamw.ts'
import type { Device } from '../../src/program/device.ts'
import type { Plan } from '../../src/program/plan.ts'
import { compile, plan } from '../../src/program/program.ts'
import { batchInputs } from '../../src/rmaat/batch.ts'
import type { ModelConfig } from '../../src/rmaat/config.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { stepInputs, trainingStep } from '../../src/train/step.ts'
import { devices } from '../support/devices.ts'

const MIB = 2 ** 20
const large: Partial<ModelConfig> = { segmentLength: 512 }

function withModel<Result>(device: Device, config: Partial<ModelConfig>, use: (model: Rmaat) => Result): Result {
  const model = new Rmaat(device, config)
  const result = use(model)
  model.close()
  return result
}

const stepPlan = (
  device: Device,
  segments: number,
  batch: number,
  method: Method,
  loss: ModelConfig['loss'] = 'last',
): Plan =>
  withModel(device, { ...large, segments, loss }, (model) => {
    const optimizer = new AdamW(model.parameters)
    const result = plan(
      device,
      stepInputs(model, batch),
      trainingStep(model, optimizer, { method, batch, clip: 1, slices: 1 }),
    )
    for (const state of optimizer.state) device.delete(state)
    return result
  })
const arenaOf = ({ memory }: Plan): number => memory.arena * 4

test('replay needs a twelfth of the memory of many segments, and hardly more with each', async () => {
  const device = await devices['wasm relaxed']()
  for (const loss of ['all', 'last'] as const) {
    const arena = (more: number, method: Method): number => arenaOf(stepPlan(device, 16 + more, 8, method, loss))
    const [amrb, bptt] = [arena(0, 'amrb'), arena(0, 'bptt')]
    const found = `loss ${loss}: BPTT ${bptt / MIB} MiB is ${bptt / amrb} times AMRB's ${amrb / MIB} MiB`
    assert.ok(bptt / amrb >= 12, found)
    const [growth, growthOfBptt] = [arena(1, 'amrb') - amrb, arena(1, 'bptt') - bptt]
    assert.ok(growth <= 0.002 * growthOfBptt, `AMRB grows by ${growth} bytes a segment, BPTT by ${growthOfBptt}`)
  }
  device.close()
})

test('what is planned is what the device holds', async () => {
  for (const [name, method, slices, hold] of [
    ['wasm relaxed', 'amrb', 1, 0],
    ['wasm relaxed', 'amrb', 1, 19],
    ['wasm relaxed', 'bptt', 1],
    ['wasm relaxed', 'bptt', 4],
    ['wasm relaxed, 2 threads', 'bptt', 4],
  ] as const) {
    const device = await devices[name]()
    const model = new Rmaat(device, { ...large, segments: 16 })
    const optimizer = new AdamW(model.parameters)
    const program = compile(
      device,
      stepInputs(model, 8),
      trainingStep(model, optimizer, { method, batch: 8, clip: 1, slices, hold }),
    )
    const { arena, inputs, variables, workspace } = program.memory
    const planned = arena + inputs + variables + workspace
    const held = device.backend.heldBytes
    assert.ok(Math.abs(held - planned) <= 65536, `${name}, ${method}: planned ${planned}, held ${held}`)
    device.close()
  }
})

test('half a million tokens in one step fit into 48 MiB', async () => {
  const device = await devices.reference()
  const { memory } = stepPlan(device, 1024, 1, 'amrb')
  assert.ok(memory.arena * 4 <= 48 * MIB, `${(memory.arena * 4) / MIB} MiB`)
  assert.is(memory.replay * 4, 1024 * 8 * 64 * 4)
  device.close()
})

test('the number of kernels is known, and does not grow with the segments', async () => {
  const device = await devices.reference()
  const kernels = ({ instructions }: Plan): number =>
    instructions.filter(({ kind }) => kind !== 'loop' && kind !== 'end').length
  const forward = (segments: number): number =>
    withModel(device, { segments }, (model) =>
      kernels(
        plan(device, batchInputs(4, model.config), (batch) => ({
          logits: model.forward(batch, { method: 'amrb' }).predicted,
        })),
      ),
    )
  assert.is(forward(4), FORWARD)
  assert.is(forward(64), FORWARD)
  assert.is(kernels(stepPlan(device, 4, 4, 'amrb')), STEP)
  assert.is(kernels(stepPlan(device, 64, 4, 'amrb')), STEP)
  device.close()
})

test('the number of dispatches on a GPU is known', async () => {
  const device = await devices.reference()
  const abilities = { subgroup: 32, workgroupStorage: 32768 }
  const dispatches = (segments: number): number => {
    const made = stepPlan(device, segments, 32, 'amrb')
    let times = 1
    return encode(made, abilities, 256).dispatches.reduce((sum, { length }, at) => {
      const instruction = made.instructions[at]
      if (instruction.kind === 'loop') times *= instruction.count
      // no loop stands in another one
      if (instruction.kind === 'end') times = 1
      return sum + length * times
    }, 0)
  }
  assert.is(dispatches(4), DISPATCHES[4])
  assert.is(dispatches(8), DISPATCHES[8])
  device.close()
})

/** Batch 32, in segments of 512 tokens: a kernel is one dispatch, or two where its sums are cut into chunks, or has a part of
 *  one beside others. */
const DISPATCHES = { 4: 448, 8: 852 }
/** Twice a segment of two blocks (in the loop, and the last with its head), and phi(R) of both. */
const FORWARD = 87
/** The segment three times forward (loop, last, replay), the last one's lower block a fourth time, both backward; phi(R);
 *  two norms; AdamW with two for its corrections, a look at all that it would write, its three results and the count of
 *  steps. */
const STEP = 295

test.run()
