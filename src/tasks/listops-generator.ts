import { RmaatError } from '../errors.ts'
import { CLOSE, DIGIT_0, evaluate, OPERATOR_0, OPERATORS } from './listops-expression.ts'
import type { Random } from './random.ts'
import type { Example } from './task.ts'

/** What expressions are kept. */
export interface Limits {
  /** The fewest tokens, brackets counted and parentheses not. */
  readonly minLength: number
  /** The most tokens. */
  readonly maxLength: number
  /** The level at which only digits stand, the root being level 1: operators stand at levels 1..maxDepth-1. */
  readonly maxDepth: number
  /** Operators have 2..maxArguments operands. */
  readonly maxArguments: number
}

/** The limits of Long Range Arena; it writes the lengths as 500 and 2000, both excluded. */
export const LONG_RANGE_ARENA: Limits = { minLength: 501, maxLength: 1999, maxDepth: 10, maxArguments: 10 }

/** How many tokens may be drawn without one expression kept before the limits count as impossible. */
const PATIENCE = 20_000_000

/** The probability of an operator where one may stand. (The published code calls it VALUE_P.) */
const OPERATOR_SHARE = 0.25

/** The length of the longest expression that the depth and the number of operands allow. */
export function longestLength({ maxDepth, maxArguments }: Pick<Limits, 'maxDepth' | 'maxArguments'>): number {
  let length = 1
  for (let level = maxDepth - 1; level >= 1; level--) length = 2 + maxArguments * length
  return length
}

/**
 * Random expressions with their values, without end: the rule of Long Range Arena's `listops.py`. A draw outside the
 * limits is thrown away, and so is one for which `isTaken` (of the tokens as characters) is true.
 * @throws RmaatError 'config' where the limits leave next to nothing to draw
 */
export function* expressions(
  random: Random,
  limits: Limits,
  isTaken: (key: string) => boolean,
): Generator<Example, never> {
  const { minLength, maxLength, maxDepth, maxArguments } = limits
  const tokens = new Uint8Array(maxLength)
  let length = 0

  /** Draws the part of an expression that begins at `level`; false where it does not fit. */
  function grow(level: number): boolean {
    // A lone digit is too short where minLength > 1, so drawing it only to throw it away would change nothing.
    const mayBeDigit = level > 1 || minLength === 1
    if (level === maxDepth || (mayBeDigit && random.uniform() >= OPERATOR_SHARE)) {
      return put(DIGIT_0 + random.integer(10))
    }
    const operands = 2 + random.integer(maxArguments - 1)
    if (!put(OPERATOR_0 + random.integer(OPERATORS.length))) return false
    for (let operand = 0; operand < operands; operand++) if (!grow(level + 1)) return false
    return put(CLOSE)
  }
  function put(token: number): boolean {
    if (length === maxLength) return false
    tokens[length++] = token
    return true
  }

  let wasted = 0
  for (;;) {
    length = 0
    if (grow(1) && length >= minLength) {
      const expression = tokens.slice(0, length)
      if (!isTaken(String.fromCharCode(...expression))) {
        wasted = 0
        yield { tokens: expression, label: evaluate(expression) }
        continue
      }
    }
    wasted += length
    if (wasted > PATIENCE) {
      throw new RmaatError(
        'config',
        `listops: ${PATIENCE} tokens were drawn without a new expression of ${minLength}..${maxLength} tokens ` +
          `(maxDepth ${maxDepth}, maxArguments ${maxArguments}); allow more lengths, levels or operands`,
      )
    }
  }
}
