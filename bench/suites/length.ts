// Training by replay over ever more segments: its time must grow like the operations that it executes.
import { openDevice } from '../../src/index.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { race } from '../race.ts'
import { millisecondsOf, type Suite } from '../report.ts'
import { spreadOf } from '../spread.ts'
import { listops, trainer } from '../training.ts'
import { totalFlops } from '../work.ts'

const ROUNDS = 5
const LENGTHS = [4, 32, 256]
/** Enough that the positions and the optimiser, which are computed once a step, are little of it. */
const BATCH = 8
const MOST = 1.1

export const length: Suite = {
  name: 'length',
  title: 'replay over many segments of 512 tokens, batch 8, two threads',
  async *run() {
    const device = await openDevice('wasm', { threads: 2 })
    const runs = LENGTHS.map((segments) => {
      const config = modelConfig({ ...listops.config, segments })
      const { program, step, close } = trainer(device, { name: `T = ${segments}`, config, batch: BATCH }, 'amrb')
      return { name: `T = ${segments}`, run: step, close, flops: totalFlops(program.plan) }
    })
    const times = await race(runs, ROUNDS)
    const first = runs[0]
    const each = runs.map(({ name, flops }) => times.ratio(name, first.name).median / (flops / first.flops))
    for (const { name, flops } of runs) {
      const { median, low, high } = times.ratio(name, first.name)
      const growth = flops / first.flops
      yield {
        kind: 'ratio',
        name: `${name}: time of an operation over that at ${first.name}`,
        value: { median: median / growth, low: low / growth, high: high / growth },
        unit: 'times',
        note: `${millisecondsOf(times.of(name))} for ${(flops / 1e9).toPrecision(4)} GFLOP`,
      }
    }
    yield {
      kind: 'ratio',
      name: 'the longest time of an operation over the shortest',
      value: spreadOf([Math.max(...each) / Math.min(...each)]),
      unit: 'times',
      target: { atMost: MOST },
    }
    for (const { close } of runs) close()
    device.close()
  },
}
