/**
 * CompreSSM (Chahine et al. 2026, arXiv 2510.02823): a state-space model is trained large, and shrunk while it is young by
 * balanced truncation: states that are hard to reach or hard to see go. n states, B sequences of T steps, H outputs.
 */
import { f32, i32 } from 'rmaat'
import { type Example, mean, type Outcome, Random, type Run, spread } from '../gallery.ts'
import { accuracy, learn, type Problem } from '../learn.ts'
import { classifier } from './lru.ts'
import { identify } from './truncation.ts'

/** Sinusoids of 16 frequencies and any phase, in noise: 32 sequences of 64 steps. */
const tones = (logits: Problem['logits'], noise: number): Problem => ({
  inputs: { x: f32(32, 64), labels: i32(32) },
  draw(random) {
    const labels = Array.from({ length: 32 }, () => random.integer(16))
    const phases = labels.map(() => 2 * Math.PI * random.uniform())
    const tone = (row: number, t: number) => Math.SQRT2 * Math.sin((0.2 + 0.16 * labels[row]) * t + phases[row])
    const x = Float64Array.from({ length: 32 * 64 }, (_, i) => tone(i >> 6, i & 63) + noise * random.normal())
    return { x, labels }
  },
  logits,
})

async function run({ device, short, progress }: Run): Promise<Outcome> {
  const rows = new Map<string, number[][]>() // of each seed: states, and what was measured of shrunk, native and large
  const add = (name: string, found: number[]) => {
    rows.set(name, [...(rows.get(name) ?? []), found])
    progress(`${name}: ${found.map((value) => value.toFixed(3)).join(' ')}`)
  }
  const taus = short ? [] : [0.01, 0.02, 0.05, 0.1]
  for (const seed of short ? [0] : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    const random = new Random(seed)
    const found = identify(() => random.uniform(), taus)
    for (const i of found.keys()) add(i ? `error, tau ${taus[i - 1]}` : 'error, 8 states', found[i])
  }
  const [states, steps, noise] = short ? [32, 400, 0.5] : [64, 1500, 1.5]
  type Model = ReturnType<typeof classifier>
  const train = (model: Model, random: Random, from = 0, to = steps) => {
    const rate = (step: number) => 0.005 * (1 - (from + step) / steps)
    return learn(device, model.variables, tones(model.logits, noise), { random, steps: to - from, rate })
  }
  const test = ({ logits }: Model) =>
    accuracy(device, tones(logits, noise), { random: new Random(1000), batches: short ? 20 : 100 })
  for (const seed of short ? [0] : [0, 1, 2]) {
    const large = classifier(device, states, seed)
    await train(large, new Random(seed))
    for (const tau of short ? [0.02] : [0.02, 0.05, 0.15]) {
      const random = new Random(seed)
      let model = classifier(device, states, seed)
      for (const from of [0, steps / 20]) {
        await train(model, random, from, from + steps / 20)
        model = await model.compress(tau)
      }
      await train(model, random, steps / 10)
      const native = classifier(device, model.states, seed)
      await train(native, new Random(seed))
      add(`accuracy, tau ${tau}`, [model.states, await test(model), await test(native), await test(large)])
    }
  }
  const each = (found: number[][], column: number) => found.map((values) => values[column])
  const [error, native] = [1, 2].map((column) => mean(each(rows.get('error, 8 states')!, column)))
  const [kept, whole] = [1, 3].map((column) => mean(each(rows.get('accuracy, tau 0.02')!, column)))
  const lines = [
    ['96 states shrunk to 8, error at most 0.15', error, error <= 0.15],
    ['8 states as drawn and fitted, error at least 0.55', native, native >= 0.55],
    ['shrunk in the first tenth with tau 0.02, accuracy lost at most 0.01', whole - kept, whole - kept <= 0.01],
  ] as const
  const acceptance = lines.map(([claim, value, holds]) => ({ claim, measured: value.toFixed(3), holds }))
  const table = [...rows].map(([name, found]) => [name, ...[0, 1, 2, 3].map((k) => spread(each(found, k), k ? 3 : 1))])
  return { columns: ['', 'states', 'shrunk', 'native', 'large'], rows: table, acceptance }
}
const claim = 'a large model that is shrunk early ends better than a small one, and as good as the large one'
export default { title: 'CompreSSM', minutes: 4, claim, run } satisfies Example
