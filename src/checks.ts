import { type ErrorCode, RmaatError } from './errors.ts'

/** A kind of argument: a description for messages, and a predicate. */
export interface Kind {
  readonly words: string
  readonly fits: (value: unknown) => boolean
}

// Bundlers leave out the kinds that nobody asks for: none of these functions has an effect.

/* @__NO_SIDE_EFFECTS__ */
export const kind = (words: string, fits: Kind['fits']): Kind => ({ words, fits })
/** An optional argument: of that kind, or undefined. */
/* @__NO_SIDE_EFFECTS__ */
export const maybe = ({ words, fits }: Kind): Kind =>
  kind(`${words}, or nothing`, (value) => value === undefined || fits(value))
/* @__NO_SIDE_EFFECTS__ */
export const listOf = ({ fits }: Kind, plural: string): Kind =>
  kind(`a list of ${plural}`, (value) => Array.isArray(value) && Array.from(value).every(fits))
/* @__NO_SIDE_EFFECTS__ */
export const oneOf = (names: readonly string[]): Kind =>
  kind(names.map((name) => `'${name}'`).join(' or '), (value) => names.includes(value as string))
/** A number with a further condition. */
/* @__NO_SIDE_EFFECTS__ */
export const numberThat = (words: string, fits: (value: number) => boolean): Kind =>
  kind(words, (value) => typeof value === 'number' && fits(value))
/* @__NO_SIDE_EFFECTS__ */
export const wholeFrom = (least: number, greatest = Number.MAX_SAFE_INTEGER): Kind =>
  numberThat(
    greatest < Number.MAX_SAFE_INTEGER
      ? `a whole number from ${least} to ${greatest}`
      : least > Number.MIN_SAFE_INTEGER
        ? `a whole number of at least ${least}`
        : 'a whole number',
    (value) => Number.isSafeInteger(value) && value >= least && value <= greatest,
  )

export const aNumber = numberThat('a number', (value) => !Number.isNaN(value))
export const numbers = listOf(
  kind('a number', (value) => typeof value === 'number'),
  'numbers',
)
export const aCount = wholeFrom(1)
export const aWord = wholeFrom(0, 0xffffffff)
export const aShare = numberThat('a number from 0 to 1', (value) => value >= 0 && value <= 1)
export const finite = numberThat('a finite number', Number.isFinite)
export const positive = numberThat('a finite number above 0', (value) => value > 0 && Number.isFinite(value))
export const notNegative = numberThat('a finite number of at least 0', (value) => value >= 0 && Number.isFinite(value))
export const aString = kind('a text', (value) => typeof value === 'string')
export const aBoolean = kind('true or false', (value) => typeof value === 'boolean')
export const aFunction = kind('a function', (value) => typeof value === 'function')
export const anObject = kind(
  'an object',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !isPromise(value),
)
export const notPromised = kind('what is there already', (value) => !isPromise(value))
export const anAbortSignal = kind('an AbortSignal', (value) => value instanceof AbortSignal)

/** What JSON gives back as it was. */
export const ofJson = kind(
  'a value of JSON: a finite number, a text, true, false, null, lists and objects of such',
  (value) => {
    try {
      return isJson(value)
    } catch {
      return false // nested deeper than the stack
    }
  },
)
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return ['string', 'boolean'].includes(typeof value) || value === null
  return Object.values(value).every(isJson)
}

const isPromise = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

/** A short text of any value, for messages. */
export function shown(value: unknown, depth = 2): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    const some = depth ? value.slice(0, 8).map((one) => shown(one, depth - 1)) : []
    return `[${[...some, ...(value.length > some.length ? ['…'] : [])].join(', ')}]`
  }
  const name: unknown = value.constructor?.name
  return typeof name !== 'string' || name === '' || name === 'Object' ? 'an object' : `a value of ${name}`
}

/** What differs between settings by name, for messages: `width is 32, there 64; seed is 1, there 0`; empty where nothing does. */
export function differences(
  names: readonly string[],
  found: Readonly<Record<string, unknown>>,
  others: Readonly<Record<string, unknown>>,
  where = 'there',
): string {
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : anObject.fits(value) ? JSON.stringify(value) : shown(value)
  const isSame = (one: unknown, other: unknown): boolean =>
    one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other))
  const differing = names.filter((name) => !isSame(found[name], others[name]))
  return differing.map((name) => `${name} is ${text(found[name])}, ${where} ${text(others[name])}`).join('; ')
}

/**
 * Throws where one of the values, by name, is not of its kind.
 * @throws RmaatError 'argument', or the given code, with what was found and what would be right
 */
export function takes<Values extends object>(
  where: string,
  values: Values,
  kinds: { readonly [Name in keyof Values]-?: Kind },
  code: ErrorCode = 'argument',
): void {
  for (const name in kinds) {
    const { words, fits } = kinds[name]
    const value: unknown = values[name]
    if (!fits(value))
      throw new RmaatError(code, `${where}: ${name} is ${shown(value)}; expected ${words}${asList(value, fits)}`)
  }
}

/** For the end of a message: the list that a number would be, where that fits. */
export const asList = (value: unknown, fits: Kind['fits']): string =>
  typeof value === 'number' && fits([value]) ? `, such as [${value}]` : ''

/** The same for arguments in their order, of which there are no more. */
export function takesInOrder(where: string, given: readonly unknown[], kinds: Readonly<Record<string, Kind>>): void {
  const names = Object.keys(kinds)
  if (given.length > names.length) {
    const expected = names.length === 0 ? 'none' : names.join(', ')
    // numbers one by one, which would be one list
    if (names.length === 1 && kinds[names[0]].fits(given)) {
      throw new RmaatError(
        'argument',
        `${where}: ${given.length} arguments were given; expected one list, ${shown(given)}`,
      )
    }
    throw new RmaatError('argument', `${where}: ${given.length} arguments were given; expected ${expected}`)
  }
  takes(where, Object.fromEntries(names.map((name, i) => [name, given[i]])), kinds)
}

/** The same for an object of options, each of which may be left out, or be undefined, and which has no others. */
export function takesOptions<Options extends object>(
  where: string,
  options: Options,
  kinds: { readonly [Name in keyof Options]-?: Kind },
  code: ErrorCode = 'config',
): void {
  const names = Object.keys(kinds)
  takes(where, { options }, { options: anObject }, code)
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new RmaatError(code, `${where}: no option is called ${unknown}; there are ${names.join(', ')}`)
  takes(where, options, kinds, code)
}

/** The options that were given, over the defaults: undefined is as good as nothing. */
export const over = <Options extends object>(defaults: Options, given: Partial<Options>): Options => ({
  ...defaults,
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
})
