import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { RmaatError } from '../errors.ts'
import { isFolder, writeFileAtomically } from '../runtime/files.ts'
import { PLAN } from './ablate-file.ts'
import { type Ablation, isAblation, readAblation } from './ablate-table.ts'
import { pagePath } from './page.ts'
import { absolute, typed } from './paths.ts'
import { table } from './plot.ts'
import {
  bitsColumn,
  type Facts,
  factsOf,
  labelsOf,
  memoryColumns,
  resultColumns,
  stateInWords,
} from './report-facts.ts'
import { reportMarkdown } from './report-markdown.ts'
import { reportPage } from './report-page.ts'
import { type Run, readRun } from './report-run.ts'
import { jsonLine, notice, say } from './terminal.ts'

interface Options {
  readonly out?: string
  readonly json?: boolean
}

export function reportCommand(): Command {
  return new Command('report')
    .summary('read trainings as a page: curves, tables, memory, settings, how to repeat them')
    .description(
      'Writes one page about one or several trainings, also of those that were stopped or are under way: curves over each ' +
        'other, results, memory planned and measured, settings, and the command that repeats each. With `--out FILE.md` a ' +
        'table for each task, in Markdown: a row for each training, or for those that differ in the seed alone.',
    )
    .argument('<run...>', 'folders that `train` or `ablate` has written')
    .option('--out <file>', 'where the page goes, in Markdown where it ends in .md (runs/report-<time>.html)')
    .option('--json', 'print what was found of each run as a line of JSON, the last line the summary')
    .action((folders: string[], options: Options) => report(folders, options))
}

/** Whether the folder is no run's, but folders in it are. */
const holdsRuns = (folder: string): boolean =>
  !existsSync(join(folder, 'log.jsonl')) &&
  readdirSync(folder).some((name) => existsSync(join(folder, name, 'log.jsonl')))

async function report(folders: readonly string[], { out, json }: Options): Promise<void> {
  const path = pagePath(out, 'report')
  const runs: Run[] = []
  const ablations: Ablation[] = []
  // a folder that is named twice, with a slash or without, is one
  for (const folder of new Map(folders.map((name) => [absolute(name), name])).values()) {
    // of `runs/ablation/*` a shell makes the folders of the cells, and their plan
    if (basename(folder) === PLAN) continue
    if (!(await isFolder(typed(folder))))
      throw new RmaatError('data', `${folder}: expected the folder of a run, but it is a file`)
    if (isAblation(typed(folder))) {
      const ablation = await readAblation(typed(folder), notice)
      ablations.push(ablation)
      runs.push(...ablation.cells.flatMap(({ run }) => (run ? [run] : [])))
    } else if (holdsRuns(typed(folder)))
      throw new RmaatError(
        'data',
        `${folder}: expected the folder of a run, but runs stand in it; name them: ${folder}/*`,
      )
    else runs.push(await readRun(folder, notice))
  }
  if (runs.length === 0)
    throw new RmaatError('data', `${folders.join(', ')}: no training has begun there: expected at least one`)
  const labels = labelsOf(runs)
  const facts = runs.map((run, i) => factsOf(run, labels[i]))
  const write = /\.md$/i.test(path) ? reportMarkdown : reportPage
  await writeFileAtomically(path, write(runs, facts, ablations))
  if (json) {
    for (const one of facts) jsonLine(one)
    return jsonLine({ kind: 'summary', runs: runs.length, page: path })
  }
  const shown = resultColumns.filter(([head]) => !['of examples', 'last loss', 'tokens/s'].includes(head))
  const columns = [
    ...shown,
    ...bitsColumn(facts),
    ...memoryColumns.slice(0, 2),
    ['end', ({ state }: Facts) => state] as const,
  ]
  const rows = facts.map((one) => [one.label, ...columns.map(([, write]) => write(one))])
  say(table([['', ...columns.map(([head]) => head)], ...rows]))
  for (const one of facts) if (one.state !== 'finished') say(`${one.label}: ${stateInWords(one)}`)
  say(`\npage       ${path}`)
}
