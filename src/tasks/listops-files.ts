import { RmaatError } from '../errors.ts'
import { asItIsOrPacked, listFolder, readText } from '../runtime/files.ts'
import { evaluate, tokenise } from './listops-expression.ts'
import type { Example } from './task.ts'

const HEADER = 'Source\tTarget'

/**
 * Reads `basic_train.tsv`, `basic_val.tsv` and `basic_test.tsv` of a folder, each as it is or packed as `.gz`.
 * @throws RmaatError 'data' where one of them is missing, and as parseExpressions does
 */
export async function readExpressions(
  folder: string,
  maxLength: number,
): Promise<{ train: Example[]; validation: Example[]; test: Example[] }> {
  const names = await listFolder(folder)
  const wanted = ['basic_train.tsv', 'basic_val.tsv', 'basic_test.tsv']
  const found = wanted.map((name) => asItIsOrPacked(names, name))
  const missing = wanted.filter((_, index) => found[index] === undefined)
  if (missing.length > 0) {
    throw new RmaatError(
      'data',
      `${folder}: expected ${wanted.join(', ')}, each as it is or as .gz; there is no ${missing.join(', no ')}. They come with lra_release.gz of github.com/google-research/long-range-arena`,
    )
  }
  const parts: Example[][] = []
  // one after another: of several wrong files the first is named
  for (const name of found) {
    const path = `${folder}/${name}`
    parts.push(parseExpressions(await readText(path), path, maxLength))
  }
  const [train, validation, test] = parts
  return { train, validation, test }
}

/**
 * The rows of a published file: a header, then on each line an expression, a tab and its value.
 * @param where the file's name, for errors
 * @throws RmaatError 'data' with file and line for a row of another form, one of more than `maxLength` tokens, and one
 * whose value is wrong
 */
export function parseExpressions(text: string, where: string, maxLength: number): Example[] {
  const lines = text.split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  if (lines[0] !== HEADER) {
    throw new RmaatError(
      'data',
      `${where}, line 1: expected the header ${JSON.stringify(HEADER)}, found ${quote(lines[0] ?? '')}`,
    )
  }
  if (lines.length === 1) throw new RmaatError('data', `${where}: expected expressions below the header, found none`)
  return lines.slice(1).map((line, index) => {
    try {
      return parseRow(line, maxLength)
    } catch (cause) {
      throw new RmaatError('data', `${where}, line ${index + 2}: ${(cause as Error).message}`, { cause })
    }
  })
}

function parseRow(line: string, maxLength: number): Example {
  const columns = line.split('\t')
  if (columns.length !== 2 || !/^[0-9]$/.test(columns[1])) {
    throw new RmaatError('data', `expected an expression, a tab and a value 0..9, found ${quote(line)}`)
  }
  const tokens = tokenise(columns[0])
  const label = Number(columns[1])
  if (tokens.length > maxLength) {
    throw new RmaatError('data', `the expression has ${tokens.length} tokens; the segments hold ${maxLength}`)
  }
  const value = evaluate(tokens)
  if (value !== label) throw new RmaatError('data', `the expression has the value ${value}, but the file says ${label}`)
  return { tokens, label }
}

const quote = (line: string): string => JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line)
