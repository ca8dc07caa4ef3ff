// Training over ever longer sequences, by replay and over all of it in one piece: time must grow like the operations that are
// executed, and of one piece memory like the tokens.
import { type Device, openDevice } from '../../src/index.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { race } from '../race.ts'
import { type Finding, millisecondsOf, type Suite } from '../report.ts'
import { spreadOf } from '../spread.ts'
import { listops, trainer } from '../training.ts'
import { totalFlops } from '../work.ts'

const ROUNDS = 5
const LENGTHS = [4, 32, 256]
/** Enough that the positions and the optimiser, which are computed once a step, are little of it. */
const BATCH = 8
const MOST = 1.1
/** Tokens of a sequence in one piece, a sequence a step. */
const PIECES = [1024, 4096, 16_384]
/** A longer sequence may take so many times its share: of time since it no longer stays in a cache. */
const MOST_OF_PIECES = { time: 1.5, memory: 1.1 }

export const length: Suite = {
  name: 'length',
  title: 'replay over many segments of 512 tokens, batch 8; astromorphic attention in one piece; two threads',
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
    yield* inOnePiece(device)
    device.close()
  },
}

/** Astromorphic attention over a whole sequence: linear in its length. */
async function* inOnePiece(device: Device): AsyncGenerator<Finding> {
  const runs = PIECES.map((tokens) => {
    const config = modelConfig({ ...listops.config, segments: 1, segmentLength: tokens })
    const name = `${tokens} tokens`
    const { program, step, close } = trainer(device, { name, model: 'at', config, batch: 1 }, 'bptt')
    const { arena, inputs, workspace } = program.memory
    return { name, run: step, close, tokens, bytes: arena + inputs + workspace }
  })
  const times = await race(runs, ROUNDS)
  const first = runs[0]
  for (const { name, tokens, bytes } of runs) {
    const growth = tokens / first.tokens
    const { median, low, high } = times.ratio(name, first.name)
    yield {
      kind: 'ratio',
      name: `at, ${name} in one piece: time of a token over that at ${first.name}`,
      value: { median: median / growth, low: low / growth, high: high / growth },
      unit: 'times',
      ...(tokens === first.tokens ? {} : { target: { atMost: MOST_OF_PIECES.time } }),
      note: `${millisecondsOf(times.of(name))} a step`,
    }
    yield {
      kind: 'ratio',
      name: `at, ${name} in one piece: memory of a token over that at ${first.name}, variables aside`,
      value: spreadOf([bytes / first.bytes / growth]),
      unit: 'times',
      ...(tokens === first.tokens ? {} : { target: { atMost: MOST_OF_PIECES.memory } }),
      note: `${(bytes / 2 ** 20).toFixed(1)} MiB`,
    }
  }
  for (const { close } of runs) close()
}
