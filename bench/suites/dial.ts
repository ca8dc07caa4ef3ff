// Between replay and backpropagation through time: what a share of its memory costs in time.
import { planningDevice } from '../../src/backends/planning.ts'
import { workloadOf } from '../../src/compare/step.ts'
import { openDevice } from '../../src/index.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { Dial, type Place } from '../../src/train/planner.ts'
import { race } from '../race.ts'
import { millisecondsOf, type Suite } from '../report.ts'
import { listops, trainer } from '../training.ts'

const ROUNDS = 25
const SEGMENTS = 16
const BATCH = 8
/** Shares of the memory of backpropagation through time, and how many times its time they may take. */
const SHARES = [
  { share: 1 / 2, atMost: 1.15 },
  { share: 1 / 4, atMost: 1.22 },
]

export const dial: Suite = {
  name: 'dial',
  title: `a step that keeps a part of the activations of ${SEGMENTS} segments of 512 tokens, batch ${BATCH} at once, two threads`,
  async *run() {
    const device = await openDevice('wasm', { threads: 2 })
    const config = modelConfig({ ...listops.config, segments: SEGMENTS })
    const made = (name: string, place: Place) => {
      const one = trainer(device, { name, config, batch: BATCH }, 'amrb', { ...place, slices: 1 })
      const { arena, inputs, variables, workspace } = one.program.memory
      return { name, run: one.step, close: one.close, peak: arena + inputs + variables + workspace }
    }
    const { model } = workloadOf({ name: 'rmaat', config }, config, BATCH).make(planningDevice('wasm', 2))
    const planned = new Dial(model, { method: 'amrb', batch: BATCH, clip: 1, slices: 1 }, SEGMENTS)
    const whole = made('all kept', { hold: 0, keep: SEGMENTS - 1 })
    const runs = SHARES.map(({ share, ...rest }) => {
      const { hold, keep, peakBytes } = planned.fitting(share * whole.peak)!
      const run = made(`${keep} kept, ${hold} values held of the others`, { hold, keep })
      if (run.peak !== peakBytes) throw new Error(`${run.name}: planned ${peakBytes} bytes, held ${run.peak}`)
      return { ...run, ...rest }
    })
    const none = { ...made('replay alone', { hold: 0, keep: 0 }), atMost: undefined }
    const times = await race([whole, ...runs, none], ROUNDS)
    for (const { name, peak, atMost } of [...runs, none]) {
      yield {
        kind: 'ratio',
        name: `${name}, ${((100 * peak) / whole.peak).toFixed(1)} % of the memory of BPTT: its time over that of BPTT`,
        value: times.ratio(name, whole.name),
        unit: 'times',
        ...(atMost === undefined ? {} : { target: { atMost } }),
        note: `${millisecondsOf(times.of(name))} over ${millisecondsOf(times.of(whole.name))}`,
      }
    }
    for (const { close } of [whole, ...runs, none]) close()
    device.close()
  },
}
