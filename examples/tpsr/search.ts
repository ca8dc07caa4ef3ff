import { likeliest, type Next, remembering, type Scored, type Search, type Tokens } from '../decode.ts'
import { mean } from '../gallery.ts'
import { whole } from './grammar.ts'

/** Width of beams behind the first, the weight of rewards beside log probabilities, the value of a prefix of nothing tried. */
const [WIDTH, WEIGHT, UNTRIED] = [10, 3, 0.5]
const prefixes = (tokens: Tokens): string[] => tokens.map((_, i) => `${tokens.slice(0, i + 1)}`)

/**
 * Tree search: of all formulas that were completed, not tried, the one is tried next whose log probability and whose values on
 * the way down the tree have the largest sum; a prefix's value is the largest reward of formulas that begin so, not their mean.
 * Then the tree grows by the first prefix on that way that it lacked, from which a beam completes more. Ends with `count` tried.
 */
export function* plan(count: number, reward: (tokens: Tokens) => number): Search {
  const values = new Map<string, number>()
  const completed = new Map<string, Scored>() // the cache of whole formulas; those tried have left it
  const [tried, grown] = [new Map<string, Tokens>(), new Set<string>()]
  const known = new Map<string, Next>() // the cache of what the model said
  const grow = function* (width: number, begin: Tokens): Generator<readonly Tokens[], void, readonly Next[]> {
    const logs = begin.map((token, i) => known.get(`${begin.slice(0, i)}`)!.find(([next]) => next === token)![1])
    const from: Scored = [begin, logs.reduce((sum, log) => sum + log, 0)]
    const found = yield* remembering(likeliest(width, whole, from), known)
    for (const one of found) if (!tried.has(`${one[0]}`)) completed.set(`${one[0]}`, one)
  }
  yield* grow(count, [])
  while (tried.size < count && completed.size > 0) {
    const worth = (tokens: Tokens) => mean(prefixes(tokens).map((of) => values.get(of) ?? UNTRIED))
    const bounds = [...completed.values()].map(([tokens, log]) => [tokens, log + WEIGHT * worth(tokens)] as const)
    const [tokens] = bounds.reduce((a, b) => (b[1] > a[1] ? b : a))
    completed.delete(`${tokens}`)
    tried.set(`${tokens}`, tokens)
    const value = reward(tokens)
    for (const of of prefixes(tokens)) values.set(of, Math.max(values.get(of) ?? 0, value))
    const length = 1 + prefixes(tokens).findIndex((of) => !grown.has(of))
    if (length === 0 || length === tokens.length) continue
    grown.add(`${tokens.slice(0, length)}`)
    yield* grow(WIDTH, tokens.slice(0, length))
  }
  return [...tried.values()]
}
