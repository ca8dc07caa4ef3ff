import { anObject, type Kind, numberThat, oneOf, shown, takes, wholeFrom } from './checks.ts'
import { RmaatError } from './errors.ts'

/** Where the value of a setting comes from: the paper fixes it, or we chose it. */
export type Source = 'paper' | 'choice'

/** The values that a setting takes. */
export interface Range<T> extends Kind {
  readonly fits: (value: unknown) => value is T
  /** How a value is written; the names where there are some. A path is that of a file or folder. */
  readonly written: 'number' | 'text' | 'true|false' | 'path' | readonly string[]
}

const range = <T>({ words, fits }: Kind, written: Range<T>['written']): Range<T> => ({
  words,
  fits: fits as Range<T>['fits'],
  written,
})

/** Whole numbers. */
export const whole = (least: number, greatest?: number): Range<number> => range(wholeFrom(least, greatest), 'number')
/** Numbers with a condition. */
export const real = (words: string, fits: (value: number) => boolean): Range<number> =>
  range(numberThat(words, fits), 'number')
/** Some names. */
export const fraction = real('a number from 0 to below 1', (value) => value >= 0 && value < 1)
export const choiceOf = <Name extends string>(names: readonly Name[]): Range<Name> => range(oneOf(names), names)
export const flag: Range<boolean> = range(
  { words: 'true or false', fits: (value) => typeof value === 'boolean' },
  'true|false',
)
export const text: Range<string> = range(
  { words: 'a text that is not empty', fits: (value) => typeof value === 'string' && value !== '' },
  'text',
)

/** Some numbers. */
export const someOf = <N extends number>(numbers: readonly N[]): Range<N> =>
  range({ words: numbers.join(' or '), fits: (value) => numbers.includes(value as N) }, 'number')
/** The name of a file or folder. */
export const path: Range<string> = range({ words: 'the name of a file or folder', fits: text.fits }, 'path')

/** A setting: its range, its default (undefined for one that may be left out), where that comes from, and what it means. */
export interface Setting<T = unknown> {
  readonly range: Range<unknown>
  readonly default: T
  readonly source: Source
  readonly meaning: string
}

/** What a value is checked by. */
type Value = Pick<Setting, 'range' | 'default'>

/** Settings as they are written down. */
export type SettingRows = Readonly<
  Record<string, readonly [range: Range<unknown>, standard: unknown, source: Source, meaning: string]>
>
/** A value for each of them. */
export type ValuesOf<Rows extends SettingRows> = {
  readonly [Name in keyof Rows]: Rows[Name][0] extends Range<infer T> ? T : never
}

/** The rows as records. */
export const settingsOf = <Rows extends SettingRows>(rows: Rows): Readonly<Record<keyof Rows & string, Setting>> =>
  Object.fromEntries(
    Object.entries(rows).map(([name, [range, standard, source, meaning]]) => [
      name,
      { range, default: standard, source, meaning },
    ]),
  ) as Readonly<Record<keyof Rows & string, Setting>>

/** A value that fits, or an error that says where it stood and what it may be. */
export function checkSetting({ range }: Pick<Setting, 'range'>, value: unknown, where: string): unknown {
  if (range.fits(value)) return value
  throw new RmaatError('config', `${where} is ${shown(value)}; expected ${range.words}`)
}

/**
 * The values that were given, over the defaults.
 * @throws RmaatError 'config' for a setting that does not exist, or a value out of its range
 */
export function complete<Values extends object>(
  where: string,
  settings: Readonly<Record<keyof Values & string, Value>>,
  given: Partial<Values>,
): Values {
  takes(where, { settings: given }, { settings: anObject }, 'config')
  const isUnknown = (name: string): boolean =>
    !Object.hasOwn(settings, name) && given[name as keyof Values] !== undefined
  const unknown = Object.keys(given).filter(isUnknown)
  if (unknown.length) {
    const known = Object.keys(settings).join(', ')
    throw new RmaatError('config', `${where}: no setting is called ${unknown.join(', ')}; there are ${known}`)
  }
  return Object.fromEntries(
    Object.entries<Value>(settings).map(([name, setting]) => {
      const { [name as keyof Values]: value = setting.default } = given
      return [name, value === undefined ? value : checkSetting(setting, value, `${where}: ${name}`)]
    }),
  ) as Values
}
