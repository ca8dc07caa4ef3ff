import type { MacroModel, Simulation } from '../rmaat/macro-model.ts'
import { type RetentionSchedule, retention, retentionFromCurve } from '../rmaat/retention.ts'
import { curve, table } from './plot.ts'

/** RF(t, T) with t down and T across. */
function retentionTable(schedule: RetentionSchedule, segments: readonly number[], model: MacroModel): string {
  const rows = Array.from({ length: Math.max(...segments) }, (_, row) => [
    String(row + 1),
    ...segments.map((T) => (row < T ? retention(row + 1, T, schedule, model).toFixed(4) : '')),
  ])
  return table([['t', ...segments.map((T) => `T = ${T}`)], ...rows])
}

/** The macro model's run as text: the long-term curve, the cycles' ends, and RF(t, T) for every T of `tableSegments`. */
export function renderSimulation(
  { model, curve: states, cycleEnds, shortTermPeak }: Simulation,
  tableSegments: readonly number[] = [2, 4, 6, 8, 16],
): string {
  const { cycles, cycleDuration, side } = model
  const simulated = retentionFromCurve(cycleEnds)
  const ends = cycleEnds.map(({ time, synapse, shortTerm, longTerm }, t) => [
    String(t + 1),
    String(Number(time.toFixed(3))),
    ...[synapse, shortTerm, longTerm, simulated[t], retention(t + 1, cycles, 'fixed', model)].map((value) =>
      value.toFixed(4),
    ),
  ])
  const peaks = Array.from({ length: side }, (_, i) =>
    Array.from(shortTermPeak.subarray(i * side, (i + 1) * side), (value) => value.toFixed(3)).join('  '),
  )
  const long = curve(
    states.map(({ longTerm }) => longTerm),
    {
      title: 'p^l, mean over synapses (1)',
      x: { label: 'time (s)', from: 0, to: states[states.length - 1].time, ticks: cycles <= 10 ? cycles : 5 },
    },
  )
  return [
    `Long-term plasticity over ${cycles} cycles of ${cycleDuration} s: each cycle stores less than the one before.\n\n${long}`,
    `At the end of each cycle (means over synapses); RF: simulated, and in closed form\n\n${table([
      ['cycle', 'time (s)', 's', 'p^s', 'p^l', 'RF sim.', 'RF closed'],
      ...ends,
    ])}`,
    `Peak of p^s at each synapse (presynaptic neuron down, postsynaptic across)\n\n${peaks.join('\n')}`,
    `Retention factor RF(t, T), schedule fixed: a segment is a cycle\n\n${retentionTable('fixed', tableSegments, model)}`,
    `Retention factor RF(t, T), schedule stretched: T segments share ${cycles * cycleDuration} s\n\n${retentionTable('stretched', tableSegments, model)}`,
  ].join('\n\n')
}
