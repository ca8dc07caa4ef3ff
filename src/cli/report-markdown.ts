import { basename } from 'node:path'
import { modelSetting } from '../models/weights.ts'
import { abouts, type TaskName } from '../tasks/index.ts'
import { type Ablation, cellInWords, decimals, shares, spread } from './ablate-table.ts'
import {
  differences,
  type Facts,
  groupsOf,
  intervalInWords,
  orUnknown,
  quoted,
  settingInWords,
  stateInWords,
  UNKNOWN,
} from './report-facts.ts'
import type { Run } from './report-run.ts'
import { flagOf, taskSettings } from './settings.ts'
import { count, duration, percent, plural } from './terminal.ts'

/** Runs that differ in the seed alone, at least one. */
type Row = readonly Facts[]

/**
 * A report in Markdown: of several tasks first the accuracies of all models beside each other; then for each task, under the
 * same settings, a table with a row for each run, and the rows' commands.
 */
export function reportMarkdown(runs: readonly Run[], facts: readonly Facts[], ablations: readonly Ablation[]): string {
  const titles = facts.map(titleOf)
  const sections = [...new Set(titles)].map((title) => {
    const own = [...facts.keys()].filter((i) => titles[i] === title)
    const groups = groupsOf(own.map((i) => runs[i]))
    const rows = [...new Set(groups)].map((group) => own.filter((_, at) => groups[at] === group).map((i) => facts[i]))
    return { title, rows, differing: differences(own.map((i) => runs[i])) }
  })
  const texts = sections.flatMap(({ title, rows, differing }) => [
    `## ${title}`,
    protocolOf(rows[0][0]),
    tableOf(rows, differing),
    `\`\`\`sh\n${rows.map(commandOf).join('\n')}\n\`\`\``,
  ])
  const missing = ablations.flatMap(({ name, cells }) =>
    cells.filter(({ run }) => !run).map((one) => `${name}: ${escaped(cellInWords(one))}`),
  )
  return `${['# Results', ...overview(sections), ...texts, ...missing].join('\n\n')}\n`
}

/** What makes a model another one, where a report has several of it. */
const variants = ['update', 'attention']

/**
 * Models and tasks: of each the row with the most seeds that have finished, and of such the most accurate one. A sweep that
 * chooses by validation gives what it has chosen more seeds than the others.
 */
function overview(sections: readonly { readonly title: string; readonly rows: readonly Row[] }[]): string[] {
  if (sections.length < 2) return []
  const all = sections.flatMap(({ rows }) => rows.map(([first]) => first))
  const nameOf = (one: Facts): string => {
    const alike = all.filter((other) => modelOf(other) === modelOf(one))
    const told = variants.filter((name) => new Set(alike.map(({ settings }) => settings[name])).size > 1)
    return [modelOf(one), ...told.map((name) => one.settings[name])].join(' ')
  }
  const names = [...new Set(all.map(nameOf))]
  const lines = names.map((name) => {
    const cells = sections.map(({ rows }) => {
      const own = rows.flatMap((row) => {
        const found = spread(row.flatMap(({ state, accuracy }) => (state === 'finished' ? [accuracy] : [])))
        return found && nameOf(row[0]) === name ? [found] : []
      })
      const [best] = own.sort((a, b) => b.values.length - a.values.length || b.mean - a.mean)
      return best ? shares(best) : UNKNOWN
    })
    return [name, ...cells]
  })
  // a task's name is enough, where no other section has it
  const tasks = sections.map(({ title }) => title.replace(/:.*/, ''))
  const heads = sections.map(({ title }, i) =>
    tasks.filter((task) => task === tasks[i]).length > 1 ? title : tasks[i],
  )
  return [markdownTable([['accuracy', ...heads], ...lines])]
}

/** Settings of a task that make it no other one, or are told elsewhere. */
const elsewhere = ['task', 'segments', 'segmentLength', 'labels', 'cache', 'crop', 'trainExamples']

/** `listops: minLength 500, maxLength 2000` */
function titleOf({ task, settings }: Facts): string {
  const own = taskSettings
    .filter((name) => !elsewhere.includes(name) && settings[name] !== undefined)
    .map((name) => settingInWords(name, name === 'data' ? basename(`${settings.data}`) : settings[name]))
  return escaped(`${task ?? 'a task that the log does not name'}${own.length ? `: ${own.join(', ')}` : ''}`)
}

function protocolOf({ task }: Facts): string {
  const about = Object.hasOwn(abouts, `${task}`) ? abouts[task as TaskName] : undefined
  const data = about ? `Data: ${about.source}. Sizes: ${about.sizes}. ` : ''
  const chance =
    about?.chance === undefined ? '' : ` An answer that knows nothing is right for ${percent(about.chance)}.`
  return `${data}Tested are the weights of the last step, with examples that are held out.${chance}`
}

const modelOf = ({ settings: { model = modelSetting.default } }: Facts): string => `${model}`

/** Headings, and what stands below them: of the first run that tells the most, of those like it, or of all in the row. */
const columns: readonly (readonly [heading: string, (first: Facts, alike: Row, row: Row) => string])[] = [
  ['model', modelOf],
  ['T × S', ({ settings: { segments, segmentLength } }) => orUnknown(segments, (T) => `${T} × ${segmentLength}`)],
  ['width', ({ settings }) => orUnknown(settings.width, String)],
  ['layers', ({ settings }) => orUnknown(settings.layers, String)],
  ['parameters', ({ parameters }) => orUnknown(parameters, count)],
  ['method', ({ method }) => orUnknown(method, String)],
  ['steps', ({ steps }) => count(steps)],
  ['time', (_, alike) => orUnknown(spread(alike.map(({ time }) => time)), ({ mean }) => duration(mean))],
  ['accuracy', (_, alike) => shares(spread(alike.map(({ accuracy }) => accuracy)))],
  ['95 % interval', (_first, _alike, row) => endOf(row)],
  ['test examples', ({ testExamples }) => (testExamples ? count(testExamples) : UNKNOWN)],
  ['most frequent answer', (_, alike) => shares(spread(alike.map(({ majority }) => majority)))],
]

/** Of language models. */
const bits: (typeof columns)[number] = [
  'bits per byte',
  (_, alike) => decimals(spread(alike.map(({ bitsPerByte }) => bitsPerByte))),
]

/** The interval of one run; of several how many have finished. Of those that have not, how they ended. */
function endOf(row: Row): string {
  const left = row.filter(({ state }) => state !== 'finished')
  if (row.length === 1) return left.length ? stateInWords(row[0]) : intervalInWords(row[0])
  const others = left.map((one) => `seed ${one.settings.seed} ${stateInWords(one)}`)
  return [`${row.length - left.length} of ${plural(row.length, 'seed')}`, ...others].join('; ')
}

/** Settings that have columns of their own, or do not change what comes out. */
const shownAlone = [
  'model',
  'segments',
  'segmentLength',
  'width',
  'layers',
  'method',
  'steps',
  'seed',
  'checkpointEvery',
  'validationExamples',
]

/** What else tells rows apart: settings that have several values among the models that have them. */
function othersColumn(rows: readonly Row[], differing: readonly string[]): typeof columns {
  // of a setting of the task rows that do not name it have its default
  const otherwise = (name: string) => (taskSettings.some((one) => one === name) ? ['its default'] : [])
  const valuesOf = (name: string) => rows.flatMap(([{ settings }]) => settings[name] ?? otherwise(name))
  const names = differing.filter((name) => !shownAlone.includes(name) && new Set(valuesOf(name)).size > 1)
  const told = ({ settings }: Facts): string =>
    names.flatMap((name) => (settings[name] === undefined ? [] : [settingInWords(name, settings[name])])).join(', ')
  return names.length ? [['settings', (first) => told(first) || UNKNOWN]] : []
}

function tableOf(rows: readonly Row[], differing: readonly string[]): string {
  const [model, ...others] = columns
  const hasBits = rows.flat().some(({ bitsPerByte }) => bitsPerByte !== null)
  const shown = [model, ...othersColumn(rows, differing), ...others, ...(hasBits ? [bits] : [])]
  const lines = rows.map((row, i) => {
    const finished = row.filter(({ state }) => state === 'finished')
    const alike = finished.length ? finished : row
    return [`${i + 1}`, ...shown.map(([, write]) => write(alike[0], alike, row))]
  })
  return markdownTable([['row', ...shown.map(([heading]) => heading)], ...lines])
}

function markdownTable([heads, ...lines]: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...lines].map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n')
}

const escaped = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('<', '&lt;').replaceAll('|', '\\|')

/** The command of a row's first run, below what tells the others. */
function commandOf([first, ...others]: Row, i: number): string {
  const seeds = others.map(({ settings }) => `${flagOf('seed')} ${settings.seed}`)
  const rest = seeds.length ? `, the others with ${seeds.join(', ')}` : ''
  return `# ${i + 1}: ${modelOf(first)}${rest}\n${toPublish(first) || '# its settings are not known'}`
}

/** The command with the name of its data in the place of their path on this machine. */
function toPublish({ command, settings: { data } }: Facts): string {
  return typeof data === 'string' ? command.replace(quoted(data), () => quoted(basename(data))) : command
}
