import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { anObject, kind, listOf, maybe, oneOf, shown, takes, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { readText } from '../runtime/files.ts'
import { givenSettings } from './given.ts'
import { absolute, typed } from './paths.ts'
import { presets } from './presets.ts'
import { check, type Given, settings } from './settings.ts'

/** What an ablation's JSON file says. */
export interface Plan {
  /** The preset that every training begins with; `base` and `vary` win over it, and a model goes without what it has no setting for. */
  readonly preset?: string
  /** Settings of every training. */
  readonly base: Given
  /** Settings with the values that each is to take: a training for every combination. */
  readonly vary: Readonly<Record<string, readonly unknown[]>>
  /** Every combination is trained with each. */
  readonly seeds: readonly number[]
  /** Whether trainings also log the norms of the memory. */
  readonly trace: boolean
}

/** One training of an ablation. */
export interface Cell {
  /** From 0 on: the number that a job array gives. */
  readonly number: number
  /** The settings that vary, and the seed. */
  readonly varied: Given
  /** All that are given. */
  readonly settings: Given
  /** `update=scaled,seed=0`: its folder, whatever its number is. */
  readonly name: string
}

/** The plan that an ablation's folder holds, so that a report needs no other file. */
export const PLAN = 'ablation.json'

const planKinds = {
  preset: maybe(oneOf(Object.keys(presets))),
  base: maybe(anObject),
  vary: kind(
    'settings by name, each with a list of values',
    (value) => anObject.fits(value) && Object.values(value as object).every((list) => Array.isArray(list)),
  ),
  seeds: maybe(listOf(wholeFrom(0), 'whole numbers of at least 0')),
  trace: maybe(kind('true or false', (value) => typeof value === 'boolean')),
}

/**
 * @throws RmaatError 'data' for a file that cannot be read, 'config' for one that is no ablation, with the entry that is
 * wrong and what would be right
 */
export async function readPlan(path: string): Promise<Plan> {
  const fail = (message: string, cause?: unknown): never => {
    throw new RmaatError('config', `${path}: ${message}`, { cause })
  }
  const text = await readText(path)
  let content: Plan
  try {
    content = JSON.parse(text)
  } catch (cause) {
    return fail(`expected a JSON object: ${(cause as Error).message}`, cause)
  }
  takes(path, { content }, { content: anObject }, 'config')
  const unknown = Object.keys(content).find((name) => !(name in planKinds))
  if (unknown !== undefined) fail(`nothing is called ${unknown}; there are ${Object.keys(planKinds).join(', ')}`)
  takes<Pick<Plan, keyof typeof planKinds>>(path, content, planKinds, 'config')
  const { preset, base = {}, vary, seeds = [0], trace = false } = content
  const known = (name: string, where: string): void => {
    if (name === 'seed') fail(`seed stands in ${where}: expected it under seeds, a list`)
    if (!Object.hasOwn(settings, name)) {
      fail(`no setting is called ${name}; there are ${Object.keys(settings).join(', ')}`)
    }
  }
  for (const [name, value] of Object.entries(base)) {
    known(name, 'base')
    check(name, value, `${path}: base: ${name}`)
  }
  for (const [name, values] of Object.entries(vary)) {
    known(name, 'vary')
    if (Object.hasOwn(base, name)) fail(`${name} stands in base and in vary: expected it in one of them`)
    if (values.length === 0) fail(`vary: ${name} is []: expected values`)
    for (const value of values) check(name, value, `${path}: vary: ${name}`)
    once(values, `vary: ${name}`)
  }
  if (seeds.length === 0) fail('seeds is []: expected at least one')
  once(seeds, 'seeds')
  if (!Object.values(vary).some((values) => values.length > 1)) {
    fail('nothing varies: expected a setting with at least two values under vary')
  }
  // as --data: another folder reads it again
  const data = typeof base.data === 'string' ? { data: absolute(base.data) } : {}
  return { preset, base: { ...base, ...data }, vary, seeds, trace }

  function once(values: readonly unknown[], where: string): void {
    const twice = values.find((value, i) => values.indexOf(value) !== i)
    if (twice !== undefined) fail(`${where} has ${shown(twice)} twice: expected each value once`)
  }
}

/** A training for every combination and seed, the seeds one after another: the last name of `vary` changes first. */
export function cellsOf({ preset, base, vary, seeds }: Plan): Cell[] {
  const combinations = Object.entries(vary).reduce<Given[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  )
  return combinations
    .flatMap((combination) => seeds.map((seed): Given => ({ ...combination, seed })))
    .map((varied, number) => {
      const settings = givenSettings({ preset, ...base, ...varied })
      return { number, varied, settings, name: nameOf(varied) }
    })
}

/** Most file systems end at 255. */
const LONGEST = 200

/** A folder's name: what could not stand in one is written as its number, and what is too long for one as its hash. */
function nameOf(varied: Given): string {
  const name = Object.entries(varied)
    .map(([name, value]) => `${name}=${encodeURIComponent(`${value}`)}`)
    .join(',')
  if (name.length <= LONGEST) return name
  return `${name.slice(0, LONGEST)}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}

/** Where an ablation's trainings go: runs/<name of the file>, where nothing is said. */
export const folderOf = (path: string, out: string | undefined): string =>
  typed(out ?? join('runs', basename(path).replace(/\.json$/i, '')))
