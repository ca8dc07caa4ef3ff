import { anObject, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'

/**
 * The defaults with what was given in their place; undefined counts as not given.
 * @throws RmaatError 'config' for a setting that the task does not have
 */
export function settingsOf<Settings extends object>(
  task: string,
  defaults: Settings,
  given: Partial<Settings>,
): Settings {
  takes(task, { settings: given }, { settings: anObject }, 'config')
  const settings = { ...defaults }
  for (const name of Object.keys(given) as (keyof Settings & string)[]) {
    const value = given[name]
    if (value === undefined) continue
    if (!Object.hasOwn(defaults, name)) {
      const known = Object.keys(defaults).join(', ')
      throw new RmaatError('config', `${task}: no setting is called ${name}; there are ${known}`)
    }
    settings[name] = value as Settings[typeof name]
  }
  return settings
}

/**
 * Checks settings that are whole numbers between a least and a greatest value.
 * @throws RmaatError 'config' that names the setting, its value and its range
 */
export function checkIntegers<Settings extends object>(
  task: string,
  settings: Settings,
  ranges: { readonly [Name in keyof Settings]?: readonly [least: number, greatest: number] },
): void {
  for (const [name, range] of Object.entries(ranges) as [keyof Settings & string, readonly [number, number]][]) {
    const value: unknown = settings[name]
    const [least, greatest] = range
    if (!Number.isSafeInteger(value) || Number(value) < least || Number(value) > greatest) {
      throw new RmaatError(
        'config',
        `${task}: ${name} is ${shown(value)}; it must be a whole number ${least}..${greatest}`,
      )
    }
  }
}

/** The ranges of what every task has: T segments of S tokens. */
export const SEGMENT_RANGES = { segments: [1, 65536], segmentLength: [1, 65536] } as const

/** The range of a seed. */
export const SEED_RANGE = [0, Number.MAX_SAFE_INTEGER] as const
