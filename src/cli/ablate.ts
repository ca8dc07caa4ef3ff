import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { RmaatError } from '../errors.ts'
import { writeFileAtomically } from '../runtime/files.ts'
import { trainDefaults } from '../train/train.ts'
import { type Cell, cellsOf, folderOf, PLAN, type Plan, readPlan } from './ablate-file.ts'
import {
  type Ablation,
  ablationRows,
  attemptOf,
  type CellState,
  cellInWords,
  combinationsOf,
  inWords,
  progressOf,
  readAblation,
  stateOf,
} from './ablate-table.ts'
import { interruptible } from './interrupt.ts'
import { typed } from './paths.ts'
import { table } from './plot.ts'
import { checkCausal, modelFor, sizesOf } from './prepare.ts'
import { flagOf, withDefaults } from './settings.ts'
import { commandName, jsonLine, notice, say } from './terminal.ts'
import { runTrainings, type Training } from './trainings.ts'

/** Where a job array says which of its jobs this is: Slurm's, and that of an indexed job of Kubernetes. */
const numbers = ['SLURM_ARRAY_TASK_ID', 'JOB_COMPLETION_INDEX'] as const

interface Options {
  readonly cell?: string | true
  readonly cells?: boolean
  readonly table?: boolean
  readonly together: number
  readonly out?: string
  readonly json?: boolean
}

export function ablateCommand(): Command {
  const alone = (option: string, meaning: string, others: string[]): Option =>
    new Option(option, meaning).conflicts(others)
  return new Command('ablate')
    .summary('train every combination of some settings, with several seeds')
    .description(
      'Trains every combination of the settings that a JSON file names, with each of its seeds, and prints one table of means and ' +
        'spreads. Trainings that are done are not run again. On many machines each job of an array runs one cell: see docs/slurm.md.',
    )
    .argument(
      '<file>',
      '{ "base": {"task": "order"}, "vary": {"update": ["scaled", "additive"]}, "seeds": [0, 1, 2], "trace": false }',
    )
    .addOption(
      alone('--cell [n]', `run this cell alone, from 0 on (${numbers.join(' or ')}, where one is set)`, [
        'cells',
        'table',
        'together',
      ]),
    )
    .addOption(alone('--cells', 'print how many cells there are', ['table', 'together']))
    .addOption(alone('--table', 'print the table of what is there, and run nothing', ['together']))
    .addOption(new Option('--together <n>', 'so many trainings at a time').argParser(atLeastOne).default(1))
    .option('--out <folder>', 'where each training gets a folder (runs/<name of the file>)')
    .option('--json', 'print every cell and combination as a line of JSON, the last line the summary')
    .action((file: string, options: Options) => ablate(file, options))
}

function atLeastOne(text: string): number {
  if (!(Number.isSafeInteger(Number(text)) && Number(text) >= 1))
    throw new InvalidArgumentError('expected a whole number of at least 1')
  return Number(text)
}

async function ablate(
  file: string,
  { cell, cells: counts, table: shows, together, out, json = false }: Options,
): Promise<void> {
  if (out === '') throw new RmaatError('config', '--out is "": expected the name of a folder')
  const plan = await readPlan(typed(file))
  const cells = cellsOf(plan)
  if (counts) return json ? jsonLine({ kind: 'summary', cells: cells.length }) : say(`${cells.length}`)
  const folder = folderOf(file, out)
  const one = shows ? undefined : cellOf(cells, cell)
  await checkFolder(folder, plan)
  if (!shows && !(await run(folder, plan, one ? [one] : cells, together))) return
  const ablation = await readAblation(folder, notice, plan)
  const asked = one ? [ablation.cells[one.number]] : ablation.cells
  if (!shows && asked.some(({ facts }) => facts?.state === 'diverged')) process.exitCode = 1
  if (json) printJson(ablation, asked)
  else if (one) say(cellInWords(asked[0]))
  else {
    say(`${table(ablationRows(ablation))}\n\nmeans ± standard deviation over the seeds; ${progressOf(ablation)}`)
    for (const note of ablation.notes) say(note)
    say(`page       ${commandName} report ${folder}`)
  }
}

/** The cell that was asked for, by its number or by that of a job; undefined for all. */
function cellOf(cells: readonly Cell[], asked: string | true | undefined): Cell | undefined {
  const variable = numbers.find((name) => process.env[name])
  const text = typeof asked === 'string' ? asked : variable && process.env[variable]
  const where = typeof asked === 'string' ? '--cell' : variable
  if (text === undefined) {
    if (asked === undefined) return undefined
    throw new RmaatError('config', `--cell has no number, and none of ${numbers.join(', ')} is set: expected one`)
  }
  const cell = /^\d+$/.test(text) ? cells[Number(text)] : undefined
  if (cell) return cell
  throw new RmaatError('config', `${where} is ${text}; expected a whole number from 0 to ${cells.length - 1}`)
}

/** Values and seeds may be added to an ablation later; all else would make its trainings those of another one. */
async function checkFolder(folder: string, plan: Plan): Promise<void> {
  const path = join(folder, PLAN)
  if (!existsSync(path)) return
  const there = await readPlan(path)
  const kept = ({ preset, base, vary, trace }: Plan): string =>
    JSON.stringify([preset, Object.entries(base).sort(), Object.keys(vary), trace])
  if (kept(there) === kept(plan)) return
  throw new RmaatError(
    'config',
    `${folder} holds another ablation: expected preset, base, trace and the names of vary as in ${path}, or another folder after --out`,
  )
}

/** Trains the cells that are not done yet; false where it was interrupted. */
async function run(folder: string, plan: Plan, cells: readonly Cell[], together: number): Promise<boolean> {
  await checkCombinations(cells)
  const left: CellState[] = []
  for (const cell of cells) {
    const state = await stateOf(folder, cell, notice)
    if (state.done) notice(`cell ${cell.number} is done: ${state.folder}`)
    else left.push(state)
  }
  if (left.length === 0) return true
  await writeFileAtomically(join(folder, PLAN), `${JSON.stringify(plan, null, 2)}\n`)
  const { signal, restore } = interruptible()
  const threads = together > 1 ? { threads: Math.max(1, Math.floor(availableParallelism() / together)) } : {}
  try {
    const trainings = left.map((cell) => trainingOf(folder, plan, cell, threads))
    // the table names them
    await runTrainings(trainings, together, signal, ({ message }) => notice(`  ${message}`))
    return true
  } catch (error) {
    if (!signal.aborted) throw error
    notice('interrupted: the cells that are done stay so, the same command goes on with the others')
    process.exitCode = signal.reason as number
    return false
  } finally {
    restore()
  }
}

/** Finds what does not fit before anything runs: the width of one combination, say, and the heads of another one. */
async function checkCombinations(cells: readonly Cell[]): Promise<void> {
  for (const cell of cells) {
    const settings = withDefaults(cell.settings)
    try {
      if (settings.weights === undefined) checkCausal(settings) // else the file says it
      modelFor(settings, await sizesOf(settings))
    } catch (cause) {
      if (!(cause instanceof RmaatError)) throw cause
      throw new RmaatError(cause.code, `cell ${cell.number} (${inWords(cell)}): ${cause.message}`, { cause })
    }
  }
}

/** The command line of a cell. */
function trainingOf(
  folder: string,
  { trace }: Plan,
  cell: CellState,
  threads: { readonly threads?: number },
): Training {
  const { steps = trainDefaults.steps, ...given } = { ...threads, ...cell.settings }
  return {
    title: inWords(cell),
    steps,
    flags: {
      ...Object.fromEntries(Object.entries(given).map(([name, value]) => [flagOf(name).slice(2), `${value}`])),
      ...(trace ? { trace: '' } : {}),
      ...placeOf(folder, cell),
    },
  }
}

/** Where a cell's training goes: on from what it has left in its last folder, else into a new one. */
function placeOf(folder: string, cell: CellState): { readonly resume: string } | { readonly out: string } {
  if (cell.folder !== undefined && existsSync(join(cell.folder, 'config.json'))) return { resume: cell.folder }
  let attempt = 1
  while (existsSync(attemptOf(folder, cell, attempt))) attempt++
  return { out: attemptOf(folder, cell, attempt) }
}

function printJson(ablation: Ablation, asked: readonly CellState[]): void {
  for (const { number, varied, done, facts, folder = null } of asked) {
    const { state = 'missing', accuracy = null, testLoss = null } = facts ?? {}
    jsonLine({ kind: 'cell', cell: number, settings: varied, state, done, accuracy, testLoss, folder })
  }
  for (const one of asked === ablation.cells ? combinationsOf(ablation) : []) jsonLine({ kind: 'combination', ...one })
  const numbersOf = (wanted: (cell: CellState) => boolean) => asked.filter(wanted).map(({ number }) => number)
  jsonLine({
    kind: 'summary',
    cells: ablation.cells.length,
    done: numbersOf(({ done }) => done),
    missing: numbersOf(({ done }) => !done),
    diverged: numbersOf(({ facts }) => facts?.state === 'diverged'),
    folder: ablation.folder,
  })
}
