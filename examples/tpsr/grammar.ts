import type { Tokens } from '../decode.ts'
import { mean, type Random } from '../gallery.ts'

/** Symbols of formulas in prefix notation, how many formulas follow each, and its value. A token is a place in this list. */
const symbols: readonly (readonly [string, number, (x: number, a: number, b: number) => number])[] = [
  ['begin', 0, () => Number.NaN],
  ['x', 0, (x) => x],
  ...[1, 2, 3].map((value) => [`${value}`, 0, () => value] as const),
  ...[Math.sin, Math.cos].map((of) => [of.name, 1, (_: number, a: number) => of(a)] as const),
  ['square', 1, (_, a) => a * a],
  ['+', 2, (_, a, b) => a + b],
  ['-', 2, (_, a, b) => a - b],
  ['*', 2, (_, a, b) => a * b],
]
export const [BEGIN, LENGTH, SYMBOLS] = [0, 12, symbols.length]

/** How many formulas are still missing: 0 of a whole one. */
export const missing = (tokens: Tokens): number => tokens.reduce((count, token) => count + symbols[token][1] - 1, 1)
export const whole = (tokens: Tokens): boolean => missing(tokens) === 0

/** The tokens that may come next, so that what is then missing still fits into a length. */
export const legal = (tokens: Tokens, most = LENGTH): number[] =>
  [...symbols.keys()].slice(1).filter((token) => tokens.length + missing(tokens) + symbols[token][1] <= most)

/** The values of a whole formula: from its end on, each symbol takes what it needs of those behind it. */
export const values = (tokens: Tokens, at: Tokens): number[] =>
  at.map((x) => {
    const take = (stack: Tokens, token: number): Tokens =>
      [symbols[token][2](x, stack[0], stack[1])].concat(stack.slice(symbols[token][1]))
    return tokens.reduceRight(take, [])[0]
  })

/** Where the values of a formula are known, and where one that is found must be right: between them, too. */
export const [places, between] = [24, 41].map((n) => Array.from({ length: n }, (_, i) => (4 * i) / (n - 1) - 2))

/** Draws formulas without end: none constant, beyond 30, shorter than 3, or with values in `known`, which may take its own. */
export function* formulas(random: Random, known: Set<string>, add: boolean): Generator<Tokens, never> {
  for (;;) {
    const tokens: number[] = []
    for (const most = 3 + random.integer(LENGTH - 2); missing(tokens) > 0; ) {
      const open = legal(tokens, most).flatMap((token) => new Array(token === 1 ? 3 : token < 5 ? 1 : 2).fill(token))
      tokens.push(open[random.integer(open.length)])
    }
    const y = values(tokens, places)
    const key = y.map((y) => y.toFixed(3)).join()
    const varies = Math.max(...y) - Math.min(...y) > 0.01 && y.every((y) => Math.abs(y) < 30)
    if (tokens.length < 3 || !varies || known.has(key)) continue
    if (add) known.add(key)
    yield tokens
  }
}

/** 1 - R²: the share of the variance of a formula that another one does not explain. */
export function unexplained(formula: Tokens, by: Tokens, at = places): number {
  const [y, found] = [values(formula, at), values(by, at)]
  const middle = mean(y)
  return mean(y.map((y, i) => (y - found[i]) ** 2)) / mean(y.map((y) => (y - middle) ** 2))
}
