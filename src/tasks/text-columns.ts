import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'

const MOST_COLUMNS = 100

/** Where label and text stand. */
export type Columns = Places | Names

/** Their places, from 0, and how many columns there are. */
export interface Places {
  readonly label: number | undefined
  readonly text: number
  readonly count: number
}

/** Their names in the first line of the file, or in the objects of JSON lines. */
export interface Names {
  readonly label: string | undefined
  readonly text: string
}

/** The end of messages on labels that are none. */
export const COLUMNS_SAY =
  'the setting columns says where label and text stand, as in label,text, or how they are called where the first line is one ' +
  'of headings, as in label=sentiment,text=review'

/** Those that are found where nothing is said. */
export const NAMES: Names = { label: 'label', text: 'text' }

/**
 * What the setting columns says: places, as in `label,-,text`, or names, as in `label=sentiment,text=review`; a name with commas
 * stands in double quotes, where one of its own is written twice.
 * @param labelled whether a label must be among them
 * @throws RmaatError 'config' for what names no columns
 */
export function columnsOf(given: string, labelled = true): Columns {
  const words = Array.from(`${given},`.matchAll(/([^,=]*=\s*"(?:[^"]|"")*"\s*|[^,]*),/g), ([, word]) => word.trim())
  const found = words.some((word) => word.includes('=')) ? namesOf(words) : placesOf(words)
  if (found && (found.label !== undefined || !labelled)) return found
  const right =
    `the columns with commas between, label and text once each among at most ${MOST_COLUMNS}, as in label,-,text, ` +
    'or their names in the first line, as in label=sentiment,text=review (one with commas in double quotes)'
  throw new RmaatError('config', `text: columns is ${shown(given)}; it must be ${right}`)
}

function placesOf(words: readonly string[]): Places | undefined {
  const of = (name: string) => words.flatMap((word, at) => (word === name ? [at] : []))
  const [label, text] = [of('label'), of('text')]
  if (label.length > 1 || text.length !== 1 || words.length > MOST_COLUMNS) return undefined
  return { label: label[0], text: text[0], count: words.length }
}

function namesOf(words: readonly string[]): Names | undefined {
  const pairs = words.map((word) => {
    const at = word.indexOf('=')
    const name = word.slice(at + 1).trim()
    return [word.slice(0, at).trim(), /^".*"$/s.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name]
  })
  const { label, text, ...others } = Object.fromEntries(pairs)
  const fits = Object.keys(others).length === 0 && pairs.length === (label === undefined ? 1 : 2)
  return fits && text && label !== '' && label !== text ? { label, text } : undefined
}

/** `label, -, text`, or `label=sentiment, text=review` */
export function named(columns: Columns): string {
  const { label, text } = columns
  if (!('count' in columns)) return `label=${label}, text=${text}`
  return Array.from({ length: columns.count }, (_, at) => (at === label ? 'label' : at === text ? 'text' : '-')).join(
    ', ',
  )
}
