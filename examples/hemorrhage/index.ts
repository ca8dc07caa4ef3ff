/**
 * Model hemorrhage (Ma et al. 2025, arXiv 2503.23924): where compression breaks a model. Quality is measured as pruning, removal and
 * rounding grow stronger; the knee is the last strength that a model bears. Here RMAAT and RMT, trained on the spot, part by
 * part: attention, feed-forward layers, the memory tokens that are handed on, and the factor of retention.
 */
import { type ModelConfig, Rmaat, tasks, train } from 'rmaat'
import { type Example, mean, type Outcome, type Run, spread } from '../gallery.ts'
import { damaged, ways, weightParts } from './damage.ts'
import { reader } from './reader.ts'

const kinds: Record<string, Partial<ModelConfig>> = { RMAAT: {}, RMT: { attention: 'softmax', retention: 'none' } }
const [segments, segmentLength, memory, width] = [4, 4, 4, 32]
const sizes = { segments, segmentLength, memory, width, features: 8, feedForward: 64 }

/** Right answers by strength, drawn; and the last strength before less than nine tenths of what is above chance is left. */
const drawn = (curve: readonly number[]) =>
  curve.map((right) => '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor(8 * right))]).join('')
function knee(strengths: readonly number[], curve: readonly number[], chance: number): number {
  const first = curve.findIndex((right) => right - chance < 0.9 * (1 - chance))
  return strengths[first < 0 ? curve.length - 1 : Math.max(0, first - 1)]
}

type Right = (strength: number) => Promise<number>

async function run({ device, short, progress }: Run): Promise<Outcome> {
  const task = tasks.cue({ segments, segmentLength })
  const shares = short ? [0, 0.5] : [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
  const quarters = short ? [0, 0.5] : [0, 0.25, 0.5, 0.75]
  const bits = short ? [8, 4] : [8, 6, 5, 4, 3, 2]
  const found = new Map<string, { strengths: readonly number[]; curves: number[][] }>() // a curve for each seed
  const whole: number[] = []
  for (const seed of short ? [0] : [0, 1, 2])
    for (const [kind, config] of Object.entries(kinds)) {
      const model = new Rmaat(device, { ...sizes, vocabulary: task.vocabulary, classes: task.classes, ...config, seed })
      for await (const { kind } of train(model, task, { method: 'bptt', steps: short ? 100 : 600, rate: 3e-3, seed }))
        if (kind === 'end') break
      const test = reader(model, [...task.test.slice(0, short ? 100 : 500)])
      const norms = await reader(model, [...task.validation.slice(0, 100)]).inputNorms()
      whole.push(await test.right())
      const measure = async (name: string, strengths: readonly number[], right: Right) => {
        const curve: number[] = []
        for (const strength of strengths) curve.push(await right(strength))
        found.set(`${kind}, ${name}`, { strengths, curves: [...(found.get(`${kind}, ${name}`)?.curves ?? []), curve] })
        progress(`${kind} ${seed}, ${name}: ${drawn(curve)}`)
      }
      const { variable } = model.parameters
      const weights = Float64Array.from(await device.readVariable(variable))
      for (const part of weightParts)
        for (const way of ways)
          await measure(`${part}, ${way}`, way === 'bits' ? bits : shares, (strength) => {
            device.write(variable, damaged(model, weights, norms, { part, way, strength }))
            return test.right()
          })
      device.write(variable, weights)
      const { slots, retention } = test.whole
      const steps = (bits: number) => 2 ** bits - 1
      const rounded = (x: number, bits: number) => Math.round(x * steps(bits)) / steps(bits)
      const fade = (factors: number[]) => test.right({ retention: factors })
      const keep = (share: number) => test.right({ slots: slots.map((_, i) => Number(i >= share * memory)) })
      await measure('memory tokens, magnitude', shares, (share) =>
        test.right({ cut: Math.floor(share * memory * width) }),
      )
      await measure('memory tokens, structured', quarters, keep)
      await measure('memory tokens, bits', bits, (bits) => test.right({ levels: steps(bits - 1) }))
      await measure('retention, fading', shares, (share) => fade(retention.map((factor) => (1 - share) * factor)))
      await measure('retention, bits', bits, (bits) => fade(retention.map((factor) => rounded(factor, bits))))
      model.close()
    }

  const rows = [...found].map(([name, { strengths, curves }]) => {
    const knees = curves.map((curve) => knee(strengths, curve, 1 / task.classes))
    const average = strengths.map((_, i) => mean(curves.map((curve) => curve[i])))
    return [name, `${strengths[0]} … ${strengths.at(-1)}`, drawn(average), spread(knees)]
  })
  const curvesOf = (way: string) => [...found].filter(([name]) => /attention|feed/.test(name) && name.endsWith(way))
  const of = (way: string) => mean(curvesOf(way).flatMap(([, { curves }]) => curves.map(mean)))
  const above = of('magnitude') - of('structured')
  const lines = [
    ['RMAAT and RMT learned it, at least 0.95', Math.min(...whole), Math.min(...whole) >= 0.95],
    ['single weights by magnitude above structured removal, by', above, above > 0],
  ] as const
  const acceptance = lines.map(([claim, value, holds]) => ({ claim, measured: value.toFixed(3), holds }))
  return { columns: ['', 'strength', 'right', 'knee'], rows, acceptance }
}

const claim = 'a model bears compression up to a knee: structured removal less than single weights, 3 to 4 bits'
export default { title: 'Model Hemorrhage', minutes: 4, claim, run } satisfies Example
