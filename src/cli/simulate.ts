import { Command } from 'commander'
import { RmaatError } from '../errors.ts'
import { type MacroModel, macroModel, macroParameters, simulate } from '../rmaat/macro-model.ts'
import { type RetentionSchedule, retention, retentionFromCurve } from '../rmaat/retention.ts'
import { renderSimulation } from './simulate-view.ts'
import { jsonLine, say } from './terminal.ts'

const TABLE_SEGMENTS = [2, 4, 6, 8, 16]
const SCHEDULES: readonly RetentionSchedule[] = ['fixed', 'stretched', 'infinite', 'running']

export const simulateCommand = (): Command =>
  new Command('simulate')
    .summary('draw the plasticity that the retention factor comes from')
    .description(
      'Runs the macro model of the astrocyte, from which the retention factor of the memory comes, and draws its plasticity.',
    )
    .option('--set <name=value>', 'set a parameter of the macro model; may be given several times', collect)
    .option(
      '--json',
      'print the curve, the cycles and the retention factors as lines of JSON, the last one the summary',
    )
    .addHelpText('after', () => `\nParameters:\n${parameterTable()}`)
    .action(({ set = {}, json }: { set?: Partial<MacroModel>; json?: boolean }) => {
      const model = macroModel(set)
      // a point a second, as far as the time step allows
      const sample = model.timeStep * Math.max(1, Math.round(1 / model.timeStep))
      const simulation = simulate(set, sample)
      if (!json) return say(renderSimulation(simulation, TABLE_SEGMENTS))
      const simulated = retentionFromCurve(simulation.cycleEnds)
      for (const state of simulation.curve) jsonLine({ kind: 'state', ...state })
      simulation.cycleEnds.forEach((state, t) => {
        const closed = retention(t + 1, model.cycles, 'fixed', model)
        jsonLine({ kind: 'cycle', cycle: t + 1, ...state, retention: simulated[t], retentionInClosedForm: closed })
      })
      for (const schedule of SCHEDULES) {
        for (const T of TABLE_SEGMENTS) {
          const factors = Array.from({ length: T }, (_, t) => retention(t + 1, T, schedule, model))
          jsonLine({ kind: 'retention', schedule, segments: T, factors })
        }
      }
      jsonLine({
        kind: 'summary',
        parameters: Object.fromEntries(
          Object.entries(macroParameters).map(([name, { value: standard, unit, meaning, source }]) => {
            const value = model[name as keyof MacroModel]
            return [name, { value, unit, source: value === standard ? source : 'choice', meaning }]
          }),
        ),
        longTerm: simulation.cycleEnds.map(({ longTerm }) => longTerm),
        retention: [...simulated],
        shortTermPeak: [...simulation.shortTermPeak],
      })
    })

function collect(text: string, set: Partial<MacroModel> = {}): Partial<MacroModel> {
  const [, name, value] = /^(\w+)=(.+)$/.exec(text) ?? []
  if (name === undefined || Number.isNaN(Number(value))) {
    throw new RmaatError('config', `--set ${text}: expected name=number, such as tauLongTerm=200`)
  }
  return { ...set, [name]: Number(value) }
}

function parameterTable(): string {
  const rows = Object.entries(macroParameters).map(([name, { symbol, value, unit, source, meaning }]) => {
    const whose = source === 'paper' ? "the paper's" : 'ours'
    return [name, `${symbol}: ${meaning}`, `[${value}${unit === '1' ? '' : ` ${unit}`}, ${whose}]`]
  })
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, meaning, value]) => `  ${name.padEnd(width)}  ${meaning} ${value}`).join('\n')
}
