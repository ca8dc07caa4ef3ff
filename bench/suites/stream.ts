// A trained model over one sequence, segment by segment: beside PyTorch on two threads, beside ONNX Runtime Web on one.
import { openDevice } from '../../src/index.ts'
import { compare } from '../operands.ts'
import { openPeers } from '../peers/index.ts'
import type { Pytorch, Reading } from '../peers/pytorch.ts'
import { race } from '../race.ts'
import { millisecondsOf, type Suite } from '../report.ts'
import { ours, reading, SEGMENTS, streamWork } from '../stream.ts'
import { beside } from '../training.ts'

const ROUNDS = 11
/** How far the memories behind the sequence may be apart. */
const LIMIT = 1e-4
const ways: readonly Reading[] = ['stream', 'stream shortened']

export const stream: Suite = {
  name: 'stream',
  title: `one sequence of ${SEGMENTS} segments of 512 tokens, forward alone`,
  async *run() {
    const [alone, both] = [await openDevice('wasm', { threads: 1 }), await openDevice('wasm', { threads: 2 })]
    const work = await streamWork(alone)
    const [one, two] = [ours(alone, work), ours(both, work)]
    const expected = await one.result()
    compare('two threads', await two.result(), expected, 0)

    const pytorch = await beside(alone, reading).catch((error: Error) => error)
    const isThere = !(pytorch instanceof Error)
    if (!isThere) yield { kind: 'remark', text: pytorch.message }
    const read = isThere ? ways.map((way) => ({ name: `pytorch, ${way}`, run: () => pytorch.stream(way) })) : []
    for (const { name, run } of read) compare(name, await run(), expected, LIMIT)

    const others = []
    for (const { name, stream } of await openPeers()) {
      if (!stream) continue
      const { run, result } = await stream(work)
      compare(name, await result(), expected, LIMIT)
      others.push({ name, run })
    }
    const own = [
      { name: 'one', run: one.run },
      { name: 'two', run: two.run },
    ]
    const times = await race([...own, ...read, ...others], ROUNDS)
    const tokens = (name: string): string =>
      `${Math.round(work.tokens.length / times.of(name).median).toLocaleString('en')} tokens/s`
    const line = (name: string, competitor: string, target?: { readonly atLeast: number }) =>
      ({
        kind: 'ratio',
        name: `on ${competitor === 'one' ? 'one thread' : 'two threads'}, over ${name}`,
        value: times.ratio(name, competitor),
        unit: 'times',
        target,
        note: `${millisecondsOf(times.of(competitor))} against ${millisecondsOf(times.of(name))}; ${tokens(competitor)}`,
      }) as const
    for (const { name } of read) yield line(name, 'two', name === 'pytorch, stream' ? { atLeast: 1.5 } : undefined)
    for (const { name } of others) yield line(name, 'one', { atLeast: 2 })
    if (isThere) await (pytorch as Pytorch).close()
    for (const { close } of [one, two]) close()
    alone.close()
    both.close()
  },
}
