import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { RmaatError } from '../errors.ts'
import { typed } from './paths.ts'
import { stamped } from './run-folder.ts'
import { version } from './terminal.ts'

const uplot = (file: string): string =>
  readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${file}`), 'utf8')

/**
 * Where a page goes: what was asked for, else a name of that kind.
 * @throws RmaatError for what is no place for one: a folder, or a file that is no page
 */
export function pagePath(out: string | undefined, kind: string): string {
  if (out === '') throw new RmaatError('config', '--out is "": expected the name of a file')
  const path = typed(out ?? `${stamped(kind)}.html`)
  if (!existsSync(path) || /\.(html?|md)$/i.test(path)) return path
  const there = statSync(path).isDirectory() ? 'is a folder' : 'is there already and is no page'
  throw new RmaatError('data', `${path} ${there}: expected the name of a new file, or of one that ends in .html or .md`)
}

/** Text as HTML. */
export const html = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/** A line chart: curves over the same x values. */
export interface Chart {
  readonly x: {
    readonly label: string
    readonly values: readonly number[]
    /** On a logarithmic axis with a tick at each value. */
    readonly log?: boolean
  }
  readonly y: { readonly as: 'time' | 'share' | 'number'; readonly log?: boolean }
  readonly series: readonly Curve[]
}

export interface Curve {
  readonly label: string
  /** Which colour it has; curves that belong together share one. */
  readonly colour: number
  /** The y at each x; null where there is none. */
  readonly values: readonly (number | null)[]
}

/** The charts of one page: each has an element in the body, and its data stand at the end. */
export class Charts {
  private readonly charts: Chart[] = []

  /** The element that the chart is drawn in. */
  place(chart: Chart): string {
    return `<div class="chart" data-chart="${this.charts.push(chart) - 1}"></div>`
  }

  toString(): string {
    return JSON.stringify(this.charts).replaceAll('<', '\\u003c')
  }
}

/** A page as one HTML file that needs nothing else. `title` is text, `body` is HTML. */
export const page = (title: string, charts: Charts, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${html(title)}</title>
<style>${uplot('uPlot.min.css')}${style}</style>
</head>
<body>
<h1>${html(title)}</h1>
<p class="quiet">rmaat ${html(version)}, ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC</p>
${body}
<script type="application/json" id="charts">${charts}</script>
<script>${language}</script>
<script>${uplot('uPlot.iife.min.js')}</script>
<script>${script}</script>
</body>
</html>
`

/** A part of the page; `text` and `content` are HTML. */
export const section = (title: string, text: string, content: string): string =>
  `<section><h2>${title}</h2><p class="quiet">${text}</p>${content}</section>`

/**
 * A table: headings, and rows of cells that are HTML already. The first column is text, the others are numbers, but for
 * those that are `prose`.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  prose: readonly number[] = [],
): string {
  const cell = (text: string, i: number): string =>
    i === 0 ? `<th>${text}</th>` : `<td${prose.includes(i) ? ' class="prose"' : ''}>${text}</td>`
  const headings = head.map((text, i) => `<th${prose.includes(i) ? ' class="prose"' : ''}>${text}</th>`).join('')
  const lines = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('')
  return `<div class="wide"><table><thead><tr>${headings}</tr></thead><tbody>${lines}</tbody></table></div>`
}

const style = `
:root { --ground: #fcfcfb; --ink: #1d2021; --quiet: #63696d; --line: #dcdfe1; --bar: #cfe0ee; --red: #b3261e; --green: #1e7b45;
  --c0: #2065a8; --c1: #c2571a; --c2: #5a8a2a; --c3: #8a4f9e; --c4: #b3261e; --c5: #0b7f86; --c6: #8d6a00; --c7: #5c6370 }
@media (prefers-color-scheme: dark) { :root { --ground: #16181a; --ink: #e4e6e7; --quiet: #9aa1a6; --line: #34393d; --bar: #24415a;
  --red: #ff8a80; --green: #74cf97;
  --c0: #6db3f2; --c1: #f0a05f; --c2: #a3d06a; --c3: #d09be3; --c4: #ff8a80; --c5: #5fd0d6; --c6: #e3c14f; --c7: #aeb6bf } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 64rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0; overflow-wrap: anywhere } h2 { font-size: 1.25rem; margin: 3rem 0 .25rem }
h3 { font-size: 1rem; margin: 0 } .wide + h3, .settings + h3 { margin-top: 1.5rem } sub { font-size: .75em; line-height: 0 } p { margin: .25rem 0 .75rem } .quiet { color: var(--quiet) }
.verdict { border-left: 4px solid var(--green); padding: .5rem .9rem; margin: 1rem 0 } .verdict p { margin: 0 }
.verdict.failed { border-color: var(--red) } strong.failed, .meter.failed { color: var(--red); font-weight: 600 }
.device { margin: .9rem 0 } .device p { margin: 0 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .35rem 0; color: var(--quiet) } dd { margin: 0; overflow-wrap: anywhere }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .55rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
thead th { color: var(--quiet); font-weight: 500; vertical-align: bottom; white-space: normal }
tbody th { font-weight: 500 } th:first-child { text-align: left; padding-left: 0 } td .quiet { font-size: 13px }
th.prose, td.prose { text-align: left; white-space: normal } td.prose { min-width: 8rem; overflow-wrap: anywhere }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .25rem 0 1rem; padding: .6rem .9rem; font-size: 13px;
  border: 1px solid var(--line); border-radius: 4px }
.meter { display: inline-block; min-width: 5.5rem; padding: 0 .35rem; border-radius: 3px;
  background: linear-gradient(90deg, var(--bar) calc(var(--part) * 100%), transparent 0) }
article { margin: 1.75rem 0 2.5rem; min-width: 0 } .crossings { margin: .25rem 0 .75rem; padding-left: 1.2rem; overflow-wrap: anywhere }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 0 2rem }
.beside article { margin: 1rem 0 }
.chart { min-height: 300px } summary { cursor: pointer; color: var(--quiet); margin: .4rem 0 }
/* the meaning of a setting stands below it where there is little room */
@media (max-width: 40rem) { .settings thead { display: none } .settings tr { display: grid; grid-template-columns: 1fr 1fr; border-bottom: 1px solid var(--line) }
  .settings th, .settings td { border: 0 } .settings td:last-child { grid-column: 1 / -1; padding: 0 0 .4rem } }
.u-legend { font-size: 13px; text-align: left !important } .u-legend th { color: inherit; border: 0 } .u-legend td { border: 0 }
`

/** Chromium in the POSIX locale calls its language en-US@posix, which is none, and uPlot would not load. */
const language = `
try { Intl.getCanonicalLocales(navigator.language) }
catch { Object.defineProperty(navigator, 'language', { value: 'en-US' }) }
`

/** Draws the charts; again where the width or the colours change. */
const script = `
const charts = JSON.parse(document.getElementById('charts').textContent)
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name)
const short = (n) => n === 0 ? '0' : Math.abs(n) < 1e-3 || Math.abs(n) >= 1e5 ? n.toExponential(1).replace('.0e', 'e') : String(+n.toPrecision(3))
const count = (n) => n >= 1e6 && n % 1048576 === 0 ? n / 1048576 + ' Mi' : n >= 1e4 && n % 1024 === 0 ? n / 1024 + ' Ki' : String(n)
const ways = {
  time: (ms) => ms < 1 ? +(1000 * ms).toPrecision(3) + ' µs' : ms < 1000 ? +ms.toPrecision(3) + ' ms' : +(ms / 1000).toPrecision(3) + ' s',
  share: (part) => +(100 * part).toFixed(1) + ' %',
  number: short,
}
/** Ticks of a logarithmic axis: powers of ten, some of them where there are more than eight, and multiples between where there are fewer than three. */
function decades(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))]
  const every = Math.ceil((last - first) / 8), between = last - first < 3 ? [1, 2, 5] : [1]
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((power) => power % every === 0)
  return powers.flatMap((power) => between.map((digit) => digit * 10 ** power)).filter((tick) => tick >= low && tick <= high)
}
const whole = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((digit) => digit * 10 ** i)).flat()
let plots = []
function draw() {
  for (const plot of plots) plot.destroy()
  plots = [...document.querySelectorAll('.chart')].map((element) => {
    const { x, y, series } = charts[element.dataset.chart]
    const write = (value) => value == null ? '–' : ways[y.as](value)
    const drawn = series.map(({ values }) => y.log ? values.map((value) => value > 0 ? value : null) : values)
    const known = drawn.flat().filter((value) => value != null)
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [1, 1]
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
    const few = x.values.length <= 16
    return new uPlot({
      width: element.clientWidth, height: 300,
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: x.log ? { time: false, distr: 3, log: 2, range: [x.values[0] / 1.3, x.values.at(-1) * 1.3] } : { time: false },
        y: y.log ? { distr: 3, range: [low / 2, high * 2] } : y.as === 'share' ? { range: [Math.max(0, low - 0.02), Math.min(1, high + 0.02)] } : {},
      },
      axes: [
        { ...axis, label: x.label, labelSize: 22, incrs: whole, ...(x.log ? { splits: () => x.values, filter: (u, splits) => splits, values: (u, splits) => splits.map(count) } : {}) },
        { ...axis, size: 64, values: (u, splits) => splits.map(write), ...(y.log ? { splits: () => decades(low / 2, high * 2), filter: (u, splits) => splits } : {}) },
      ],
      series: [
        { label: x.label, value: (u, n) => n == null ? '–' : n.toLocaleString('en-US') },
        ...series.map(({ label, colour: own }) => ({
          label, stroke: colour('--c' + own % 8), width: 2, dash: [[], [8, 5], [2, 4]][Math.floor(own / 8) % 3],
          spanGaps: true, points: { show: few, size: 6 }, value: (u, value) => write(value),
        })),
      ],
    }, [x.values, ...drawn], element)
  })
}
draw()
addEventListener('resize', draw)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
`
