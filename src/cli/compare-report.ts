import { kernelBudgets } from '../compare/budgets.ts'
import type { AccuracyEvent, CompareEvent, EndEvent, StepEvent } from '../compare/events.ts'
import type { Crossing, Time } from '../compare/times.ts'
import type { ScalarName } from '../ops/rounded.ts'
import { scalars } from '../ops/scalar.ts'
import { table } from './plot.ts'
import { duration, percent, plural, scientific, short } from './terminal.ts'

/** The events of a comparison, sorted by what they are about. */
export class Report {
  readonly devices: Extract<CompareEvent, { kind: 'device' }>[] = []
  readonly accuracies: AccuracyEvent[] = []
  readonly steps: StepEvent[] = []
  readonly times: Time[] = []
  readonly crossings: Crossing[] = []
  end: EndEvent = { kind: 'end', passed: true, stopped: true, failures: [] }

  add(event: CompareEvent): void {
    if (event.kind === 'device') this.devices.push(event)
    else if (event.kind === 'accuracy') this.accuracies.push(event)
    else if (event.kind === 'step') this.steps.push(event)
    else if (event.kind === 'time') this.times.push(event)
    else if (event.kind === 'crossing') this.crossings.push(event)
    else if (event.kind === 'end') this.end = event
  }

  /** How many times a device's step is as fast as that of the first one. */
  speedUp({ milliseconds }: StepEvent): number {
    return this.steps[0].milliseconds / milliseconds
  }

  /** The times of each workload: a row for each size, in it the milliseconds of each device. */
  get workloads() {
    return [...new Set(this.times.map(({ workload }) => workload))].map((name) => {
      const times = this.times.filter(({ workload }) => workload === name)
      const sizes = [...new Set(times.map(({ size }) => size))].sort((a, b) => a - b)
      const rows = sizes.map((size) => ({
        size,
        milliseconds: this.devices.map(
          ({ device }) => times.find((time) => time.device === device && time.size === size)?.milliseconds,
        ),
      }))
      const crossings = this.crossings.filter(({ workload }) => workload === name)
      return { name, unit: times[0].unit, rows, crossings }
    })
  }
}

/** What it is allowed, in words; the budget of an operation of tensors follows from those of its kernels. */
export const budgetOf = ({ of, name }: AccuracyEvent): string =>
  of === 'scalar'
    ? scalars[name as ScalarName].budget.text
    : of === 'kernel'
      ? kernelBudgets[name as keyof typeof kernelBudgets]
      : ''

/** Units in the last place. */
export const ulps = (value: number): string => (value >= 1000 ? scientific(value) : short(value))
export const partOfBudget = ({ budget, passed }: AccuracyEvent): string =>
  budget > 10 ? (passed ? '' : 'far past') : percent(budget)

/** The report for the terminal. Single operations of tensors are in the page and in the lines of JSON. */
export function inWords(report: Report): string {
  const { end } = report
  return [
    ...report.devices.flatMap(({ device }) => kernelTables(report, device)),
    ...(report.steps.length ? [`Training step\n\n${stepTable(report)}`] : []),
    ...report.workloads.map(timeTable(report)),
    ...(end.failures.length ? [`FAILED\n${end.failures.map((failure) => `  ${failure}`).join('\n')}`] : []),
    end.stopped ? 'interrupted: this is not all' : end.passed ? 'passed' : plural(end.failures.length, 'failure'),
  ].join('\n\n')
}

function kernelTables({ accuracies }: Report, device: string): string[] {
  const own = accuracies.filter((accuracy) => accuracy.device === device)
  const of = (kind: AccuracyEvent['of']) => own.filter((accuracy) => accuracy.of === kind)
  const row = (one: AccuracyEvent): string[] => [
    one.name,
    ulps(one.ulp),
    scientific(one.relative),
    partOfBudget(one),
    one.passed ? 'passed' : 'FAILED',
    duration(one.milliseconds),
    short(one.speedUp),
    budgetOf(one),
  ]
  const head = ['error in ULP', 'relative', 'of budget', '', 'time', 'speed-up', 'budget']
  const one = (title: string, rows: AccuracyEvent[]): string[] =>
    rows.length ? [`${title} on ${device}\n\n${table([['', ...head], ...rows.map(row)])}`] : []
  return [...one('Scalar operations', of('scalar')), ...one('Kernels in all cases', of('kernel'))]
}

function stepTable(report: Report): string {
  const head = ['', 'time', 'speed-up', 'loss', 'loss error', 'gradient error', 'kernels', 'first past its budget']
  const rows = report.steps.map((step) => [
    step.device,
    duration(step.milliseconds),
    short(report.speedUp(step)),
    step.loss.toFixed(6),
    scientific(step.lossError),
    scientific(step.gradientError),
    step.kernels ? `${step.kernels}` : '-',
    step.kernels ? (step.wrong?.split(':')[0] ?? 'none') : '-',
  ])
  return table([head, ...rows])
}

const timeTable =
  ({ devices }: Report) =>
  ({ name, unit, rows, crossings }: Report['workloads'][number]): string => {
    const cells = rows.map(({ size, milliseconds }) => [
      `${size}`,
      ...milliseconds.map((time) => (time === undefined ? '-' : duration(time))),
    ])
    const words = crossings.map(({ text }) => `\n${text}`).join('')
    return `${name}\n\n${table([[unit, ...devices.map(({ device }) => device)], ...cells])}${words}`
  }
