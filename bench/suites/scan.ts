// The linear recurrence against loops of JavaScript: one goes through a channel at a time, as the formula is written; the
// other goes through memory in its order.
import { openDevice, scan as recurrence } from '../../src/index.ts'
import { formula } from '../formula.ts'
import { compare, numbers } from '../operands.ts'
import { race } from '../race.ts'
import type { Suite } from '../report.ts'

const ROUNDS = 11
const [STEPS, CHANNELS] = [4096, 64]
const LIMIT = 1e-5

type Loop = (a: Float32Array, b: Float32Array, h: Float32Array) => void
const loops: Readonly<Record<string, Loop>> = {
  'a channel at a time': (a, b, h) => {
    for (let channel = 0; channel < CHANNELS; channel++) {
      let state = 0
      for (let i = channel; i < h.length; i += CHANNELS) {
        state = a[i] * state + b[i]
        h[i] = state
      }
    }
  },
  'a step at a time': (a, b, h) => {
    for (let i = 0; i < CHANNELS; i++) h[i] = b[i]
    for (let i = CHANNELS; i < h.length; i++) h[i] = a[i] * h[i - CHANNELS] + b[i]
  },
}

export const scan: Suite = {
  name: 'scan',
  title: `a linear recurrence of ${STEPS} steps over ${CHANNELS} channels, one thread`,
  async *run() {
    const device = await openDevice('wasm', { threads: 1 })
    const [a, b] = [1, 2].map((seed) => numbers(STEPS * CHANNELS, seed))
    const shape = [STEPS, CHANNELS]
    const operands = [
      [shape, a],
      [shape, b],
    ] as const
    const ours = formula(device, operands, (a, b) => recurrence(a, b, { axis: 0 }))
    const h = new Float32Array(STEPS * CHANNELS)
    const found = await ours.result()
    const entries = Object.entries(loops)
    for (const [name, loop] of entries) {
      loop(a, b, h)
      compare(name, h, found, LIMIT)
    }
    const competitors = entries.map(([name, loop]) => ({ name, run: () => loop(a, b, h) }))
    const times = await race([{ name: 'ours', run: ours.run }, ...competitors], ROUNDS)
    for (const [name] of entries)
      yield {
        kind: 'ratio',
        name: `over a JavaScript loop, ${name}`,
        value: times.ratio(name, 'ours'),
        unit: 'times',
        target: { atLeast: name === 'a channel at a time' ? 20 : 4 },
        note: `${(times.of('ours').median * 1e6).toFixed(0)} against ${(times.of(name).median * 1e6).toFixed(0)} µs`,
      }
    ours.close()
    device.close()
  },
}
