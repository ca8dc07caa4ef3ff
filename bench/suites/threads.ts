// What the second thread is worth.
import { openDevice } from '../../src/index.ts'
import { formula } from '../formula.ts'
import { compare, numbers } from '../operands.ts'
import { race } from '../race.ts'
import { type Finding, millisecondsOf, type Suite } from '../report.ts'
import { listops, trainer } from '../training.ts'

const SIZE = 512

export const threads: Suite = {
  name: 'threads',
  title: 'two threads over one',
  async *run() {
    const [one, two] = [await openDevice('wasm', { threads: 1 }), await openDevice('wasm', { threads: 2 })]
    const products = [one, two].map((device) => {
      const operands = [1, 2].map((seed) => [[SIZE, SIZE], numbers(SIZE * SIZE, seed)] as const)
      return formula(device, operands, (a, b) => a.matmul(b))
    })
    const [alone, shared] = [await products[0].result(), await products[1].result()]
    compare('two threads', shared, alone, 0) // the same bits
    yield await speedup(`matrix product ${SIZE}`, products[0].run, products[1].run, 31, 1.85)
    for (const { close } of products) close()

    for (const method of ['bptt', 'amrb'] as const) {
      const trainers = [one, two].map((device) => trainer(device, listops, method))
      const [expected, found] = [await trainers[0].step(), await trainers[1].step()]
      compare('two threads', [found], [expected], 0)
      yield await speedup(`${listops.name}, ${method}`, trainers[0].step, trainers[1].step, 11, 1.7)
      for (const { close } of trainers) close()
    }
    for (const device of [one, two]) device.close()
  },
}

async function speedup(
  name: string,
  one: () => unknown,
  two: () => unknown,
  rounds: number,
  atLeast: number,
): Promise<Finding> {
  const times = await race(
    [
      { name: 'one', run: one },
      { name: 'two', run: two },
    ],
    rounds,
  )
  const note = `${millisecondsOf(times.of('one'))} over ${millisecondsOf(times.of('two'))}`
  return { kind: 'ratio', name, value: times.ratio('one', 'two'), unit: 'times', target: { atLeast }, note }
}
