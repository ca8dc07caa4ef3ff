import type { Ablation } from './ablate-table.ts'
import { ablationRows } from './ablate-table.ts'
import { type Chart, Charts, type Curve, html, page, section, table } from './page.ts'
import {
  bitsColumn,
  differences,
  type Facts,
  groupsOf,
  memoryColumns,
  orUnknown,
  resultColumns,
  settingsOf,
  stateInWords,
  UNKNOWN,
} from './report-facts.ts'
import { mean, type Run, type Step } from './report-run.ts'
import { count, percent, plural } from './terminal.ts'

/** The most points of a curve over the steps; more steps are averaged in bins. */
const POINTS = 60

/** Runs as one HTML file that needs nothing else. `facts` are theirs, in the same order. */
export function reportPage(runs: readonly Run[], facts: readonly Facts[], ablations: readonly Ablation[]): string {
  const charts = new Charts()
  const body = [
    ...ablations.map((ablation) => ablationSection(ablation)),
    section(
      'Results',
      'Accuracy on test examples with Wilson’s interval of 95 %, which tells how far so few examples may mislead. Times are medians over the steps.',
      results(runs, facts),
    ),
    section('While training', words(runs), `<div class="beside">${curves(runs, facts, charts)}</div>`),
    traced(runs, facts, charts),
    section(
      'Memory',
      'Planned is known before anything runs, for sequences of full length; measured is what the device held at the end, which has inputs of programs for shorter sequences and for tests, too.',
      table(['', ...memoryColumns.map(([head]) => html(head))], rows(facts, memoryColumns)),
    ),
    section('Configuration', 'What the paper fixes, and what was chosen.', configuration(runs, facts)),
    section('To repeat it', 'Settings that are not named keep their defaults.', commands(facts)),
  ]
  return page(titleOf(facts), charts, body.join('\n'))
}

function titleOf(facts: readonly Facts[]): string {
  const tasks = [...new Set(facts.map(({ task }) => orUnknown(task, String)))].join(', ')
  const methods = [...new Set(facts.map(({ method, settings }) => orUnknown(method ?? settings.model, String)))].join(
    ', ',
  )
  return facts.length === 1 ? `${tasks} by ${methods}` : `${plural(facts.length, 'run')}: ${tasks} by ${methods}`
}

const rows = (facts: readonly Facts[], columns: typeof resultColumns): string[][] =>
  facts.map((one) => [html(one.label), ...columns.map(([, write]) => html(write(one)))])

function results(runs: readonly Run[], facts: readonly Facts[]): string {
  const columns = [...resultColumns]
  if (facts.some(({ bestConstantPerRoot }) => bestConstantPerRoot !== null)) {
    columns.push(['best constant for each root', ({ bestConstantPerRoot }) => orUnknown(bestConstantPerRoot, percent)])
  }
  columns.push(...bitsColumn(facts))
  // among the first, as it tells what the others are worth
  if (facts.some(({ state }) => state !== 'finished')) columns.splice(2, 0, ['end', ({ state }) => state])
  const origins = facts.map((one, i) => {
    const made = Object.entries(one.versions).map(([name, version]) => `${name} ${version}`)
    const entries = {
      folder: one.folder,
      end: stateInWords(one),
      parameters: orUnknown(one.parameters, count),
      device: orUnknown(runs[i].origin.description, (text) => `${one.device}: ${text}`),
      began: orUnknown(one.started, (time) => `${time.slice(0, 16).replace('T', ' ')} UTC`),
      'made with': made.join(', ') || UNKNOWN,
    }
    const list = Object.entries(entries).map(([name, text]) => `<dt>${name}</dt><dd>${html(text)}</dd>`)
    return `<div class="device"><h3>${html(one.label)}</h3><dl>${list.join('')}</dl></div>`
  })
  const more = `<details><summary>How they ended, and where they ran</summary>${origins.join('')}</details>`
  return table(['', ...columns.map(([head]) => html(head))], rows(facts, columns)) + more
}

const lastStep = (runs: readonly Run[]): number => Math.max(...runs.map(({ steps }) => steps.at(-1)?.step ?? 0))
/** How many steps a point of a curve averages. */
const widthOf = (runs: readonly Run[]): number => Math.max(1, Math.ceil(lastStep(runs) / POINTS))

function words(runs: readonly Run[]): string {
  const width = widthOf(runs)
  const means = width > 1 ? `Each point is the mean of ${plural(width, 'step')}. ` : ''
  return `${means}Loss and accuracy are those of the batch, before the step.`
}

function curves(runs: readonly Run[], facts: readonly Facts[], charts: Charts): string {
  const width = widthOf(runs)
  const last = lastStep(runs)
  const points = Math.ceil(last / width)
  const values = Array.from({ length: points }, (_, i) => Math.min((i + 1) * width, last))
  const one = (title: string, y: Chart['y'], of: (step: Step) => number | null): string => {
    const series = curvesOf(runs, facts, ({ steps }) => {
      const parts: number[][] = Array.from({ length: points }, () => [])
      for (const step of steps) {
        const value = of(step)
        if (value !== null) parts[Math.ceil(step.step / width) - 1].push(value)
      }
      return parts.map((part) => (part.length ? mean(part) : null))
    })
    return chart(title, charts, { x: { label: 'step', values }, y, series })
  }
  return [
    one('Loss', { as: 'number', log: isWide(runs) }, ({ loss }) => loss),
    one('Accuracy', { as: 'share' }, ({ accuracy }) => accuracy),
    one('Norm of the gradient', { as: 'number', log: true }, ({ gradientNorm }) => gradientNorm),
    one('Learning rate', { as: 'number' }, ({ rate }) => rate),
  ].join('')
}

/** Whether losses lie so far apart, as in a training that diverges, that only logarithms show them all. */
function isWide(runs: readonly Run[]): boolean {
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  for (const { steps } of runs) {
    for (const { loss } of steps) if (loss !== null) [least, most] = [Math.min(least, loss), Math.max(most, loss)]
  }
  return least > 0 && most > 100 * least
}

/** A curve of each run that has one. */
const curvesOf = (
  runs: readonly Run[],
  facts: readonly Facts[],
  of: (run: Run) => (number | null)[] | undefined,
): Curve[] => {
  const colours = groupsOf(runs)
  return runs.flatMap((run, i) => {
    const values = of(run)?.map((value) => (Number.isFinite(value) ? value : null))
    return values?.some((value) => value !== null) ? [{ label: facts[i].label, colour: colours[i], values }] : []
  })
}

const chart = (title: string, charts: Charts, drawn: Chart): string =>
  drawn.series.length ? `<article><h3>${title}</h3>${charts.place(drawn)}</article>` : ''

function traced(runs: readonly Run[], facts: readonly Facts[], charts: Charts): string {
  const most = Math.max(0, ...runs.map(({ traces }) => traces?.norms.length ?? 0))
  if (most === 0) return ''
  const values = Array.from({ length: most }, (_, i) => i + 1)
  const one = (title: string, of: (traces: NonNullable<Run['traces']>) => readonly number[]): string =>
    chart(title, charts, {
      x: { label: 'segment t', values },
      y: { as: 'number', log: true },
      series: curvesOf(runs, facts, ({ traces }) => traces && values.map((_, t) => of(traces)[t] ?? null)),
    })
  return section(
    'Memory by segment',
    'Means over the last tenth of the steps. A norm of 0 has no place on the logarithmic axis, and is left out.',
    `<div class="beside">${one('Norm of the memory m<sub>t</sub>', ({ norms }) => norms)}${one('Norm of its gradient, dL/dm<sub>t</sub>', ({ gradients }) => gradients)}</div>`,
  )
}

function configuration(runs: readonly Run[], facts: readonly Facts[]): string {
  const differ = differences(runs)
  const entries = new Map(runs.flatMap((run) => Object.entries(run.configuration)))
  if (entries.size === 0) return '<p>The runs have left none.</p>'
  const same = [...entries].filter(([name]) => !differ.includes(name))
  const written = (name: string): string => {
    const found = new Set(runs.map((run) => orUnknown(settingsOf(run)[name], String)))
    return html([...found].join(', '))
  }
  const of = (source: string, title: string): string => {
    const lines = same
      .filter(([, entry]) => entry.source === source)
      .map(([name, { meaning }]) => [html(name), written(name), `<span class="quiet">${html(meaning)}</span>`])
    return lines.length
      ? `<h3>${title}</h3><div class="settings">${table(['setting', 'value', 'meaning'], lines, [1, 2])}</div>`
      : ''
  }
  return `${different(runs, facts, differ)}${of('paper', 'From the paper')}${of('choice', 'Chosen')}`
}

function different(runs: readonly Run[], facts: readonly Facts[], names: readonly string[]): string {
  if (names.length === 0) return ''
  const value = (run: Run, name: string): string => {
    const { value, source } = run.configuration[name] ?? {}
    return `${html(orUnknown(value, String))}${source === 'paper' ? ' <span class="quiet">(the paper’s)</span>' : ''}`
  }
  const lines = runs.map((run, i) => [html(facts[i].label), ...names.map((name) => value(run, name))])
  const columns = names.map((_, i) => i + 1)
  return `<h3>What differs</h3>${table(['', ...names.map(html)], lines, columns)}`
}

const commands = (facts: readonly Facts[]): string =>
  facts
    .map(
      ({ label, command }) =>
        `<h3>${html(label)}</h3><pre>${html(command || 'The run has left no configuration.')}</pre>`,
    )
    .join('')

function ablationSection(ablation: Ablation): string {
  const [head, ...lines] = ablationRows(ablation)
  const missing = ablation.notes.map((note) => `<li>${html(note)}</li>`).join('')
  return section(
    html(`Ablation ${ablation.name}`),
    'Means over the seeds ± standard deviation.',
    `${table(
      head.map(html),
      lines.map((line) => line.map(html)),
    )}${missing ? `<ul class="crossings">${missing}</ul>` : ''}`,
  )
}
