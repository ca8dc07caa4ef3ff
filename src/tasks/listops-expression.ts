import { RmaatError } from '../errors.ts'

/**
 * A ListOps expression as its 15 tokens (Nangia and Bowman 2018), written before their operands and closed by `]`.
 * Ids: 1..10 the digits 0..9, 11 `[MIN`, 12 `[MAX`, 13 `[MED`, 14 `[SM`, 15 `]` (Long Range Arena writes `X`); 0 pads.
 * MED is the median, the mean of the middle two truncated; SM is the sum modulo 10.
 */
export type Expression = ArrayLike<number>

export const DIGIT_0 = 1
export const OPERATOR_0 = 11
export const OPERATORS = ['[MIN', '[MAX', '[MED', '[SM'] as const
export const CLOSE = 15
export const VOCABULARY = 16

const WORDS = [...Array.from({ length: 10 }, (_, digit) => String(digit)), ...OPERATORS, ']']
const IDS = new Map([...WORDS.map((word, index): [string, number] => [word, DIGIT_0 + index]), ['X', CLOSE]])

/** What the operators do, in the order of their ids. None is called without values. */
const APPLY: readonly ((values: number[]) => number)[] = [
  (values) => Math.min(...values),
  (values) => Math.max(...values),
  (values) => {
    const sorted = values.sort((a, b) => a - b)
    const middle = sorted.length >> 1
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) >> 1
  },
  (values) => values.reduce((sum, value) => sum + value, 0) % 10,
]

/**
 * The tokens of a written expression: `[MAX 4 7 ]`, or with the parentheses of the published files,
 * `( ( ( [MAX 4 ) 7 ) ] )`, which say nothing that the brackets do not say and are dropped.
 * @throws RmaatError 'data' for a word that is no token
 */
export function tokenise(source: string): Uint8Array {
  const words = source.split(/[\s()]+/).filter((word) => word !== '')
  return Uint8Array.from(words, (word) => {
    const id = IDS.get(word)
    if (id === undefined) {
      throw new RmaatError('data', `"${word.slice(0, 20)}" is no token of ListOps; expected ${WORDS.join(' ')}`)
    }
    return id
  })
}

/** An expression in writing: `[MAX 4 [SM 7 8 ] ]`. */
export const write = (expression: Expression): string =>
  Array.from(expression, (token) => WORDS[token - DIGIT_0] ?? '_').join(' ')

/**
 * The value of an expression, 0..9.
 * @throws RmaatError 'data' where the tokens are not one whole expression, with the place of the fault
 */
export function evaluate(expression: Expression): number {
  const operators: number[] = []
  const values: number[][] = []
  for (let place = 0; place < expression.length; place++) {
    const token = expression[place]
    let value: number
    if (token >= OPERATOR_0 && token < CLOSE) {
      operators.push(token - OPERATOR_0)
      values.push([])
      continue
    } else if (token === CLOSE) {
      const operator = operators.pop()
      const operands = values.pop()
      if (operator === undefined || operands === undefined) throw malformed('closes nothing', place)
      if (operands.length === 0) throw malformed('closes an operator without operands', place)
      value = APPLY[operator](operands)
    } else if (token >= DIGIT_0 && token < OPERATOR_0) {
      value = token - DIGIT_0
    } else {
      throw malformed(`is ${token}, which is no id of a token`, place)
    }
    if (values.length > 0) values[values.length - 1].push(value)
    else if (place === expression.length - 1) return value
    else throw malformed('ends the expression, but more follow', place)
  }
  const open = operators.length === 0 ? 'it has no tokens' : `${operators.length} brackets are open at its end`
  throw new RmaatError('data', `not a whole expression: ${open}`)
}

const malformed = (what: string, place: number): RmaatError =>
  new RmaatError('data', `not a whole expression: token ${place + 1} ${what}`)
