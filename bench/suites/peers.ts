// A training step in the libraries that a JavaScript user would pick: the same formula, the same losses.
import { openDevice } from '../../src/index.ts'
import { BATCH, blocks, ours, TOKENS, WIDTH } from '../blocks.ts'
import { compare } from '../operands.ts'
import { openPeers } from '../peers/index.ts'
import { race } from '../race.ts'
import { millisecondsOf, type Suite } from '../report.ts'

const ROUNDS = 11
/** Steps whose losses must agree, and how far. */
const CHECKED = 3
const LIMIT = 1e-4
/** How many times as fast on one thread, and on two; the libraries have one in Node. */
const targets: Readonly<Record<string, readonly [one: number, two: number]>> = {
  'jax-js': [3.9, 7.2],
  'tfjs-wasm': [17, 31],
}

export const peers: Suite = {
  name: 'peers',
  title: `a training step of two blocks of linear attention, ${BATCH} sequences of ${TOKENS} tokens, width ${WIDTH}`,
  async *run() {
    const work = blocks(2)
    const [alone, both] = [await openDevice('wasm', { threads: 1 }), await openDevice('wasm', { threads: 2 })]
    const [one, two] = [ours(alone, work), ours(both, work)]
    const expected: Float32Array[] = []
    for (let step = 0; step < CHECKED; step++) {
      expected.push(await one.result())
      compare('two threads', await two.result(), expected[step], 0)
    }
    const others = []
    for (const { name, train } of await openPeers()) {
      if (!train) continue
      const { run, result } = await train(work)
      for (const [step, loss] of expected.entries()) compare(`${name}, step ${step}`, await result(), loss, LIMIT)
      others.push({ name, run })
    }
    const times = await race([{ name: 'one', run: one.run }, { name: 'two', run: two.run }, ...others], ROUNDS)
    for (const { name } of others)
      for (const [i, competitor] of ['one', 'two'].entries())
        yield {
          kind: 'ratio',
          name: `on ${['one thread', 'two threads'][i]}, over ${name}`,
          value: times.ratio(name, competitor),
          unit: 'times',
          target: { atLeast: targets[name][i] },
          note: `${millisecondsOf(times.of(competitor))} against ${millisecondsOf(times.of(name))}`,
        }
    for (const { close } of [one, two]) close()
    alone.close()
    both.close()
  },
}
