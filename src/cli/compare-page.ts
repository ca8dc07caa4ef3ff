import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AccuracyEvent } from '../compare/events.ts'
import { budgetOf, partOfBudget, type Report, ulps } from './compare-report.ts'
import { detailsInWords } from './devices.ts'
import { duration, plural, scientific, short, version } from './terminal.ts'

const uplot = (file: string): string =>
  readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${file}`), 'utf8')

const html = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/** The report as one HTML file that needs nothing else: tables, and charts of time against size. */
export function page(report: Report): string {
  const { devices, end } = report
  const names = devices.map(({ device }) => device)
  const verdict = end.passed
    ? '<p class="verdict passed">Every kernel keeps to its error budget.</p>'
    : `<div class="verdict failed"><p>${plural(end.failures.length, 'failure')}</p><ul>${end.failures.map((failure) => `<li>${html(failure)}</li>`).join('')}</ul></div>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>RMAAT on ${html(names.join(', '))}</title>
<style>${uplot('uPlot.min.css')}${style}</style>
</head>
<body>
<header>
<h1>RMAAT on ${html(names.join(', '))}</h1>
<p class="quiet">rmaat ${html(version)}, ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC</p>
${verdict}
</header>
${section('Devices', 'What was compared. Speed-ups are over the first device.', deviceList(report))}
${report.steps.length ? section('Training step', 'Loss and gradient are held against the reference in double precision. Every kernel of the step is checked alone, on the operands that the device itself held: the first one past its budget is where devices part.', stepTable(report)) : ''}
${report.times.length ? section('Time against size', 'Medians, with everything on the device already and one number read back. Both axes are logarithmic.', charts(report)) : ''}
${accuracySections(report)}
<script type="application/json" id="workloads">${JSON.stringify({ devices: names, workloads: report.workloads }).replaceAll('<', '\\u003c')}</script>
<script>${uplot('uPlot.iife.min.js')}</script>
<script>${script}</script>
</body>
</html>
`
}

const section = (title: string, text: string, content: string): string =>
  `<section><h2>${title}</h2><p class="quiet">${text}</p>${content}</section>`

/** A table: headings, and rows of cells that are HTML already. The first column is text, the others are numbers. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<div class="wide"><table><thead><tr>${head.map((text) => `<th>${text}</th>`).join('')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${row.map((cell, i) => (i === 0 ? `<th>${cell}</th>` : `<td>${cell}</td>`)).join('')}</tr>`)
    .join('')}</tbody></table></div>`

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

const charts = ({ workloads, devices }: Report): string =>
  workloads
    .map(({ name, unit, rows, crossings }, i) => {
      const words = crossings.map(({ text }) => `<li>${html(text.slice(name.length + 2))}</li>`).join('')
      const cells = rows.map(({ size, milliseconds }) => [
        size.toLocaleString('en-US'),
        ...milliseconds.map((time) => (time === undefined ? '–' : duration(time))),
      ])
      const numbers = table([html(unit), ...devices.map(({ device }) => html(device))], cells)
      return `<article><h3>${html(name)}</h3><ul class="crossings">${words}</ul><div class="chart" data-workload="${i}"></div><details><summary>Numbers</summary>${numbers}</details></article>`
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

const style = `
:root { --ground: #fcfcfb; --ink: #1d2021; --quiet: #63696d; --line: #dcdfe1; --bar: #cfe0ee; --red: #b3261e; --green: #1e7b45;
  --one: #2065a8; --two: #c2571a; --three: #5a8a2a; --four: #8a4f9e }
@media (prefers-color-scheme: dark) { :root { --ground: #16181a; --ink: #e4e6e7; --quiet: #9aa1a6; --line: #34393d; --bar: #24415a;
  --red: #ff8a80; --green: #74cf97; --one: #6db3f2; --two: #f0a05f; --three: #a3d06a; --four: #d09be3 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 64rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.25rem; margin: 3rem 0 .25rem } h3 { font-size: 1rem; margin: 0 }
p { margin: .25rem 0 .75rem } .quiet { color: var(--quiet) }
.verdict { border-left: 4px solid var(--green); padding: .5rem .9rem; margin: 1rem 0 } .verdict p { margin: 0 }
.verdict.failed { border-color: var(--red) } strong.failed { color: var(--red); font-weight: 600 }
.device { margin: .9rem 0 } .device p { margin: 0 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .35rem 0; color: var(--quiet) } dd { margin: 0 }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
thead th { color: var(--quiet); font-weight: 500; vertical-align: bottom }
tbody th { font-weight: 500 } th:first-child { text-align: left; padding-left: 0 } td .quiet { font-size: 13px }
.meter { display: inline-block; min-width: 5.5rem; padding: 0 .35rem; border-radius: 3px;
  background: linear-gradient(90deg, var(--bar) calc(var(--part) * 100%), transparent 0) }
.meter.failed { color: var(--red); font-weight: 600 }
article { margin: 1.75rem 0 2.5rem } .crossings { margin: .25rem 0 .75rem; padding-left: 1.2rem }
.chart { min-height: 300px } summary { cursor: pointer; color: var(--quiet); margin: .4rem 0 }
.u-legend { font-size: 13px; text-align: left !important } .u-legend th { color: inherit; border: 0 } .u-legend td { border: 0 }
`

/** Draws the charts; again where the width or the colours change. */
const script = `
const { devices, workloads } = JSON.parse(document.getElementById('workloads').textContent)
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name)
const time = (ms) => ms == null ? '–' : ms < 1 ? +(1000 * ms).toPrecision(3) + ' µs' : ms < 1000 ? +ms.toPrecision(3) + ' ms' : +(ms / 1000).toPrecision(3) + ' s'
const count = (n) => n >= 1e6 && n % 1048576 === 0 ? n / 1048576 + ' Mi' : n >= 1e4 && n % 1024 === 0 ? n / 1024 + ' Ki' : String(n)
const decades = (low, high) => Array.from({ length: 30 }, (_, i) => 10 ** (i - 15)).filter((ms) => ms >= low && ms <= high)
let plots = []
function draw() {
  for (const plot of plots) plot.destroy()
  plots = [...document.querySelectorAll('.chart')].map((place) => {
    const { unit, rows } = workloads[place.dataset.workload]
    const sizes = rows.map(({ size }) => size)
    const times = rows.flatMap(({ milliseconds }) => milliseconds.filter((ms) => ms != null))
    const [low, high] = [Math.min(...times), Math.max(...times)]
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
    return new uPlot({
      width: place.clientWidth, height: 300,
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, distr: 3, log: 2, range: [sizes[0] / 1.3, sizes.at(-1) * 1.3] }, y: { distr: 3, range: [low / 2, high * 2] } },
      axes: [
        { ...axis, label: unit, labelSize: 22, splits: () => sizes, filter: (u, splits) => splits, values: (u, splits) => splits.map(count) },
        { ...axis, size: 64, splits: () => decades(low / 2, high * 2), filter: (u, splits) => splits, values: (u, splits) => splits.map(time) },
      ],
      series: [
        { label: unit, value: (u, n) => n == null ? '–' : n.toLocaleString('en-US') },
        ...devices.map((device, i) => ({ label: device, stroke: colour(['--one', '--two', '--three', '--four'][i % 4]), width: 2, points: { show: true, size: 6 }, value: (u, ms) => time(ms) })),
      ],
    }, [sizes, ...devices.map((_, i) => rows.map(({ milliseconds }) => milliseconds[i] ?? null))], place)
  })
}
draw()
addEventListener('resize', draw)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
`
