import type { AccuracyEvent } from '../compare/events.ts'
import { budgetOf, partOfBudget, type Report, ulps } from './compare-report.ts'
import { detailsInWords } from './devices.ts'
import { Charts, html, page, section, table } from './page.ts'
import { duration, plural, scientific, short } from './terminal.ts'

/** The report as one HTML file that needs nothing else: tables, and charts of time against size. */
export function comparePage(report: Report): string {
  const { devices, end } = report
  const verdict = end.passed
    ? '<p class="verdict passed">Every kernel keeps to its error budget.</p>'
    : `<div class="verdict failed"><p>${plural(end.failures.length, 'failure')}</p><ul>${end.failures.map((failure) => `<li>${html(failure)}</li>`).join('')}</ul></div>`
  const charts = new Charts()
  const body = [
    verdict,
    section('Devices', 'What was compared. Speed-ups are over the first device.', deviceList(report)),
    report.steps.length
      ? section(
          'Training step',
          'Loss and gradient are held against the reference in double precision. Every kernel of the step is checked alone, on the operands that the device itself held: the first one past its budget is where devices part.',
          stepTable(report),
        )
      : '',
    report.times.length
      ? section(
          'Time against size',
          'Medians, with everything on the device already and one number read back. Both axes are logarithmic.',
          workloads(report, charts),
        )
      : '',
    accuracySections(report),
  ]
  return page(`RMAAT on ${devices.map(({ device }) => device).join(', ')}`, charts, body.join('\n'))
}

const deviceList = ({ devices }: Report): string =>
  devices
    .map(({ device, description, details }) => {
      const rows = detailsInWords(details).map(([key, value]) => `<dt>${html(key)}</dt><dd>${html(value)}</dd>`)
      const list = rows.length ? `<dl>${rows.join('')}</dl>` : ''
      return `<div class="device"><h3>${html(device)}</h3><p>${html(description)}</p>${list}</div>`
    })
    .join('')

function stepTable(report: Report): string {
  const head = [
    '',
    'time',
    'speed-up',
    'loss',
    'loss error',
    'gradient error',
    'kernels checked',
    'first past its budget',
  ]
  const rows = report.steps.map((step) => [
    html(step.device),
    duration(step.milliseconds),
    `${short(report.speedUp(step))} ×`,
    step.loss.toFixed(6),
    scientific(step.lossError),
    `${scientific(step.gradientError)}`,
    step.kernels ? `${step.kernels}` : 'is the measure',
    step.passed ? (step.kernels ? 'none' : '–') : `<strong class="failed">${html(step.wrong ?? '')}</strong>`,
  ])
  return table(head, rows)
}

const workloads = ({ workloads, devices }: Report, charts: Charts): string =>
  workloads
    .map(({ name, unit, rows, crossings }) => {
      const words = crossings.map(({ text }) => `<li>${html(text.slice(name.length + 2))}</li>`).join('')
      const cells = rows.map(({ size, milliseconds }) => [
        size.toLocaleString('en-US'),
        ...milliseconds.map((time) => (time === undefined ? '–' : duration(time))),
      ])
      const numbers = table([html(unit), ...devices.map(({ device }) => html(device))], cells)
      const chart = charts.place({
        x: { label: unit, values: rows.map(({ size }) => size), log: true },
        y: { as: 'time', log: true },
        series: devices.map(({ device }, colour) => {
          return { label: device, colour, values: rows.map(({ milliseconds }) => milliseconds[colour] ?? null) }
        }),
      })
      return `<article><h3>${html(name)}</h3><ul class="crossings">${words}</ul>${chart}<details><summary>Numbers</summary>${numbers}</details></article>`
    })
    .join('')

function accuracySections({ accuracies, devices }: Report): string {
  const checked = devices.filter(({ device }) => accuracies.some((one) => one.device === device))
  if (checked.length === 0) return ''
  const cells = (name: string, of: AccuracyEvent['of']): string[] =>
    checked.flatMap(({ device }) => {
      const one = accuracies.find((two) => two.device === device && two.name === name && two.of === of)
      return one
        ? [ulps(one.ulp), scientific(one.relative), meter(one), duration(one.milliseconds), short(one.speedUp)]
        : ['–', '–', '–', '–', '–']
    })
  const tableOf = (of: AccuracyEvent['of']): string => {
    const first = [...new Map(accuracies.filter((one) => one.of === of).map((one) => [one.name, one])).values()]
    const head = [
      '',
      'budget',
      ...checked.flatMap(({ device }) => [`${html(device)}: ULP`, 'relative', 'of budget', 'time', 'speed-up']),
    ]
    const words = first.some((one) => budgetOf(one) !== '')
    const rows = first.map((one) => [
      html(one.name),
      ...(words ? [`<span class="quiet">${html(budgetOf(one))}</span>`] : []),
      ...cells(one.name, of),
    ])
    return table(words ? head : head.filter((text) => text !== 'budget'), rows)
  }
  const about =
    'Largest errors against the reference, which computes each kernel in double precision on the operands that the device held. Where terms cancel, units in the last place say little: the budget takes account of it. Time and speed-up, against the reference, are those of the cases alone, and these are small: for large ones see the charts.'
  return [
    section('Kernels', about, tableOf('kernel')),
    section('Scalar operations', 'Each alone, on numbers from nearly all of its domain.', tableOf('scalar')),
    section(
      'Operations of tensors',
      'Each with its gradient, on small and on larger shapes.',
      `<details><summary>${plural(new Set(accuracies.filter(({ of }) => of === 'operation').map(({ name }) => name)).size, 'operation')}</summary>${tableOf('operation')}</details>`,
    ),
  ].join('\n')
}

const meter = (one: AccuracyEvent): string =>
  `<span class="meter ${one.passed ? '' : 'failed'}" style="--part:${Math.min(1, one.budget)}">${partOfBudget(one)}</span>`
