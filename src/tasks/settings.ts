import { RmaatError } from '../errors.ts'
import {
  choiceOf,
  complete,
  flag,
  fraction,
  path,
  type Range,
  type Setting,
  someOf,
  text,
  whole as wholeNumbers,
} from '../settings.ts'

/** The settings of a task by name. */
export type SettingsTable = Readonly<Record<string, Setting>>

/** The values of a table of settings. */
export type SettingsOf<Table> = {
  -readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never
}

const setting = <Value>(range: Range<unknown>, meaning: string, value: Value): Setting<Value> => ({
  range,
  default: value,
  source: 'choice',
  meaning,
})

/** A whole number; without a default it may be left out. */
export function whole(range: readonly [number, number], meaning: string, value: number): Setting<number>
export function whole(range: readonly [number, number], meaning: string): Setting<number | undefined>
export function whole(
  [least, greatest]: readonly [number, number],
  meaning: string,
  value?: number,
): Setting<number> | Setting<number | undefined> {
  return setting(wholeNumbers(least, greatest), meaning, value)
}

/** A number from 0 to below 1. */
export const part = (meaning: string, value: number): Setting<number> => setting(fraction, meaning, value)

/** One of some numbers. */
export const choice = <N extends number>(numbers: readonly N[], meaning: string, value: N): Setting<N> =>
  setting(someOf(numbers), meaning, value)

/** One of some words. */
export const wordOf = <Word extends string>(words: readonly Word[], meaning: string, value: Word): Setting<Word> =>
  setting(choiceOf(words), meaning, value)

/** True or false. */
export const toggle = (meaning: string, value: boolean): Setting<boolean> => setting(flag, meaning, value)

/** A text, or the name of a file or folder, that may be left out. */
export const written = (kind: 'text' | 'path', meaning: string): Setting<string | undefined> =>
  setting(kind === 'text' ? text : path, meaning, undefined)

const MOST_SEGMENTS = 65536

/** What every task has: T segments of S tokens. */
export const segmentSettings = (segments: number, segmentLength: number) => ({
  segments: whole([1, MOST_SEGMENTS], 'T, segments that a sequence fits into', segments),
  segmentLength: whole([1, MOST_SEGMENTS], 'S, tokens in a segment', segmentLength),
})

/** Of what is drawn, and is to be drawn again alike. */
export const seedSetting = whole([0, Number.MAX_SAFE_INTEGER], 'fixes the examples that are held out', 0)

/** Of tasks that are made without end, or so many and no more. */
export const trainExamplesSetting = whole(
  [1, 10_000_000],
  'train on so many examples again and again (without it all are new)',
)

/**
 * What was given, and the defaults for the rest; undefined counts as not given.
 * @throws RmaatError 'config' for a setting that the task does not have, and for one out of its range
 */
export const settingsOf = <Table extends SettingsTable>(
  task: string,
  table: Table,
  given: { readonly [Name in keyof Table]?: SettingsOf<Table>[Name] },
): SettingsOf<Table> => complete<Record<string, unknown>>(task, table, given) as SettingsOf<Table>

/** What there is to know of a task before it is made. */
export interface About<Table extends SettingsTable = SettingsTable> {
  /** Where its data come from: who published them, and what to download, or that they are made here. */
  readonly source: string
  /** How many examples there are. */
  readonly sizes: string
  /** The accuracy of an answer that knows nothing, where that is known before the data are. */
  readonly chance: number | undefined
  /**
   * The accuracy of counts of tokens, without their order: of `train --model bag-of-tokens --steps 500 --rate 0.01` where the
   * task is made here, of more steps at a smaller rate where it is read.
   */
  readonly bag: number | undefined
  readonly licence: string
  /** Of a Task: whether a causal model alone is of use to it. */
  readonly everywhere?: boolean
  readonly settings: Table
}
/** With the names and types of its settings. */
export const about = <Table extends SettingsTable>(known: About<Table>): About<Table> => known

/** Of tasks whose examples are drawn. */
export const MADE_HERE = { source: 'made here, no file is read', licence: 'none needed' } as const

/** @throws RmaatError 'config' where T segments of S tokens are fewer than a sequence needs */
export function checkRoom(
  task: string,
  { segments, segmentLength }: { readonly segments: number; readonly segmentLength: number },
  needed: number,
  what: string,
): number {
  const room = segments * segmentLength
  if (needed <= room) return room
  const found = `${segments} segments of ${segmentLength} hold ${room}`
  throw new RmaatError('config', `${task}: ${what} has ${needed} tokens, but ${found}`)
}
