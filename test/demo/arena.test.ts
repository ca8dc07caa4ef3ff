import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { lifetimesOf } from '../../demo/arena.ts'
import { planningDevice } from '../../src/backends/planning.ts'
import { models } from '../../src/index.ts'
import type { Plan } from '../../src/program/plan.ts'
import { planStep } from '../../src/train/planner.ts'
import { fails } from '../support/fails.ts'

const device = planningDevice('wasm', 2)
const config = { segments: 3, segmentLength: 4, width: 16, vocabulary: 8, classes: 4 }
const looped = planStep(models.rmaat.make(device, config), { method: 'amrb', batch: 2, clip: 1, slices: 1 })
const found = planStep(models.rmaat.make(device, config), { method: 'bptt', batch: 2, clip: 1, slices: 1 })

test('results lie within the arena, and fill it', () => {
  for (const plan of [found, looped]) check(plan)
})

function check(found: Plan): void {
  const lifetimes = lifetimesOf(found)
  assert.ok(lifetimes.length > 100)
  for (const { low, high, from, to } of lifetimes) {
    assert.ok(low >= 0 && low < high && high <= found.memory.arena)
    assert.ok(from < to && to <= found.instructions.length + 1)
  }
  // places are multiples of some elements
  assert.ok(Math.max(...lifetimes.map(({ high }) => high)) > found.memory.arena - 16)
}

test('a device for plans says that it runs none', async () => {
  await fails('device', /runs none/, () => device.backend.load(found).run([]))
  await fails('device', /runs none/, () => device.readVariable(models.rmaat.make(device, config).parameters.variable))
})

test.run()
