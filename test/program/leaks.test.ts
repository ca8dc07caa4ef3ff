import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BagOfTokens } from '../../src/baselines/bag-of-tokens.ts'
import { compareMethods } from '../../src/compare/methods.ts'
import { compiledStep, gradientOf, workloadOf } from '../../src/compare/step.ts'
import { RmaatError } from '../../src/errors.ts'
import { tensor } from '../../src/ops/entry.ts'
import { AdamW } from '../../src/optim/adamw.ts'
import type { Device } from '../../src/program/device.ts'
import { read } from '../../src/program/program.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { tasks } from '../../src/tasks/index.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { train } from '../../src/train/train.ts'
import { devices } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'

const made = tasks.cue({ segments: 2, segmentLength: 4 })
const task = { ...made, test: made.test.slice(0, 3) }
const config = { ...tiny, segments: 2, vocabulary: task.vocabulary, classes: task.classes }
const full = modelConfig(config)
const options = { method: 'amrb', clip: 1, slices: 1 } as const
const workload = workloadOf({ name: 'rmaat', config: full }, full, 2)

/** What makes variables and programs, and gives them back when it is done. */
const users: Readonly<Record<string, (device: Device) => unknown>> = {
  'a variable': (device) => device.delete(device.variable([2], 'f32', [1, 2])),
  'an optimiser': (device) => {
    const variable = device.variable([2])
    try {
      for (const state of new AdamW([variable]).state) device.delete(state)
    } finally {
      device.delete(variable)
    }
  },
  'a model': (device) => new Rmaat(device, config).close(),
  reading: (device) => read(device, tensor([1, 2]).mul(2)),
  training: async (device) => {
    const model = new Rmaat(device, config)
    try {
      for await (const event of train(model, task, { steps: 2, batch: 2 })) assert.ok(event)
    } finally {
      model.close()
    }
  },
  testing: async (device) => {
    const model = new Rmaat(device, config)
    try {
      await evaluate(model, task.test, { batch: 2 })
    } finally {
      model.close()
    }
  },
  'comparing methods': (device) => compareMethods(device, workload, 1),
  'a bag of tokens': (device) => new BagOfTokens(device, {}).close(),
  'a step to be compared': async (device) => {
    const step = compiledStep(device, workload, options)
    await step.run().finally(step.close)
  },
  'a gradient to be compared': (device) => gradientOf(device, workload, options),
}

/** Lets the `n`th of a backend's works that may fail throw; tells whether it came to it. */
function failAt({ backend }: Device, n: number): () => boolean {
  let works = 0
  const work = (): void => {
    if (++works === n) throw new RmaatError('memory', 'refused')
  }
  for (const name of ['createVariable', 'writeVariable', 'load'] as const) {
    const real = backend[name].bind(backend) as (...given: unknown[]) => unknown
    Object.defineProperty(backend, name, {
      value: (...given: unknown[]) => {
        work()
        const result = real(...given)
        if (name !== 'load') return result
        const loaded = result as ReturnType<typeof backend.load>
        return {
          ...loaded,
          run: async (inputs: readonly ArrayLike<number>[]) => {
            work()
            return loaded.run(inputs)
          },
        }
      },
    })
  }
  return () => works >= n
}

for (const [name, use] of Object.entries(users)) {
  test(`whatever fails, ${name} leaves no memory behind`, async () => {
    let reached = true
    let failures = 0
    for (let n = 1; reached; n++) {
      const device = await devices.reference()
      const came = failAt(device, n)
      const error = await (async () => use(device))().catch((error) => error)
      reached = came()
      if (reached) {
        failures++
        assert.instance(error, RmaatError, `${error}`)
      }
      assert.is(device.backend.heldBytes, 0, `failure ${n}`)
      device.close()
    }
    assert.ok(failures > 0)
  })
}

test('a variable with too few values, or what throws while it makes several things, leaves no memory behind', async () => {
  const device = await devices.reference()
  await fails('shape', /takes 3 values, found 2/, () => device.variable([3], 'f32', [1, 2]))
  const outer = device.allOrNothing(() => {
    assert.throws(() =>
      device.allOrNothing(() => {
        device.variable([5])
        throw new Error('no')
      }),
    )
    return device.variable([7])
  })
  assert.is(device.backend.heldBytes, 56)
  const later = async () => device.variable([9])
  await fails('argument', 'allOrNothing: what make returns is a value of Promise; expected what is there already', () =>
    device.allOrNothing(later),
  )
  assert.is(device.backend.heldBytes, 56)
  device.delete(outer)
  assert.is(device.backend.heldBytes, 0)
  device.close()
})

test.run()
