import { existsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Cell, cellsOf, PLAN, type Plan, readPlan } from './ablate-file.ts'
import { type Facts, factsOf, orUnknown, settingInWords, stateInWords } from './report-facts.ts'
import { mean, type Run, readRun } from './report-run.ts'
import { duration, percent, plural } from './terminal.ts'

/** An ablation with what its trainings have left so far. */
export interface Ablation {
  readonly name: string
  readonly folder: string
  readonly plan: Plan
  readonly cells: readonly CellState[]
  /** A line for each cell without a result: which, and why. */
  readonly notes: readonly string[]
}

export interface CellState extends Cell {
  /** The folder of its latest attempt, where there is one. */
  readonly folder?: string
  readonly run?: Run
  readonly facts?: Facts
  /** One that diverged has its result, too. */
  readonly done: boolean
}

/** The folder of a cell's attempt, from 1 on. */
export const attemptOf = (folder: string, { name }: Cell, attempt: number): string =>
  join(folder, attempt === 1 ? name : `${name}.${attempt}`)

/** Whether a folder is an ablation's. */
export const isAblation = (folder: string): boolean => existsSync(join(folder, PLAN))

/** Reads what is there of an ablation. `plan`, where it is not given, is the one that the folder holds. */
export async function readAblation(folder: string, notice: (text: string) => void, plan?: Plan): Promise<Ablation> {
  const own = plan ?? (await readPlan(join(folder, PLAN)))
  const cells: CellState[] = []
  for (const cell of cellsOf(own)) cells.push(await stateOf(folder, cell, notice))
  const notes = cells.flatMap((cell) => (cell.facts?.state === 'finished' ? [] : [cellInWords(cell)]))
  return { name: basename(folder), folder, plan: own, cells, notes }
}

/** The last attempt with a result, else the last one. */
export async function stateOf(folder: string, cell: Cell, notice: (text: string) => void): Promise<CellState> {
  let state: CellState = { ...cell, done: false }
  for (let attempt = 1; !state.done; attempt++) {
    const path = attemptOf(folder, cell, attempt)
    if (!existsSync(path)) break
    const log = statSync(join(path, 'log.jsonl'), { throwIfNoEntry: false })
    if (!log?.size) continue // ended before it began
    const run = await readRun(path, notice)
    const done = run.state === 'finished' || run.state === 'diverged'
    state = { ...cell, folder: path, run, facts: factsOf(run, inWords(cell)), done }
  }
  return state
}

/** `update scaled, seed 0` */
export const inWords = ({ varied }: Cell): string =>
  Object.entries(varied)
    .map(([name, value]) => settingInWords(name, value))
    .join(', ')

/** `cell 3 (update scaled, seed 0): missing` */
export function cellInWords(cell: CellState): string {
  const { facts, folder } = cell
  const found = facts?.accuracy === null || !facts ? '' : `, accuracy ${percent(facts.accuracy)}`
  const state = facts ? `${stateInWords(facts)}${found}, ${folder}` : 'missing'
  return `cell ${cell.number} (${inWords(cell)}): ${state}`
}

/** Mean and standard deviation of a sample; of one value there is no deviation. */
export interface Spread {
  readonly mean: number
  readonly deviation: number | null
  readonly values: readonly number[]
}

export function spread(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return null
  const middle = mean(known)
  const squares = known.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  return { mean: middle, deviation: known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : null, values: known }
}

/** What is found of each combination: over those of its seeds that have finished. */
export function combinationsOf({ plan, cells }: Ablation) {
  const each = plan.seeds.length
  return Array.from({ length: cells.length / each }, (_, i) => {
    const own = cells.slice(i * each, (i + 1) * each)
    const facts = own.flatMap(({ facts }) => (facts?.state === 'finished' ? [facts] : []))
    const { seed: _seed, ...settings } = own[0].varied
    const of = (value: (facts: Facts) => number | null): Spread | null => spread(facts.map(value))
    return {
      settings,
      finished: facts.length,
      seeds: each,
      accuracy: of(({ accuracy }) => accuracy),
      testLoss: of(({ testLoss }) => testLoss),
      bitsPerByte: of(({ bitsPerByte }) => bitsPerByte),
      majority: of(({ majority }) => majority),
      medianStep: of(({ medianStep }) => medianStep),
    }
  })
}

const plusMinus = (write: (value: number) => string) => (found: Spread | null) =>
  orUnknown(found, ({ mean, deviation }) => (deviation === null ? write(mean) : `${write(mean)} ± ${write(deviation)}`))
/** `61.2 ± 0.8 %` */
export const shares = (found: Spread | null): string => plusMinus(percent)(found).replace(' % ±', ' ±')

export const decimals = plusMinus((value) => value.toFixed(3))

/** The one table: headings, and a row for each combination. */
export function ablationRows(ablation: Ablation): string[][] {
  const names = Object.keys(ablation.plan.vary)
  const combinations = combinationsOf(ablation)
  // of language models
  const hasBits = combinations.some(({ bitsPerByte }) => bitsPerByte)
  return [
    [...names, 'accuracy', 'test loss', ...(hasBits ? ['bits per byte'] : []), 'most frequent answer', 'step', 'seeds'],
    ...combinations.map(({ settings, finished, seeds, ...found }) => [
      ...names.map((name) => String(settings[name])),
      shares(found.accuracy),
      decimals(found.testLoss),
      ...(hasBits ? [decimals(found.bitsPerByte)] : []),
      orUnknown(found.majority, ({ mean }) => percent(mean)),
      orUnknown(found.medianStep, ({ mean }) => duration(mean)),
      `${finished} of ${seeds}`,
    ]),
  ]
}

/** How far it is: `5 of 6 cells are done` */
export const progressOf = ({ cells }: Ablation): string =>
  `${cells.filter(({ done }) => done).length} of ${plural(cells.length, 'cell')} done`
