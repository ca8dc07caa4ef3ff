/**
 * TPSR (Shojaee et al., arXiv 2303.06833): a transformer trained to write the formula behind points says what is likely, not
 * what fits. A tree search over its tokens asks how well whole formulas fit before it decides on one. Here in one variable and
 * a tiny grammar, beside greedy decoding and a beam, which may try as many whole formulas.
 */
import * as rmaat from 'rmaat'
import { beam, decode, type Next, type Tokens } from '../decode.ts'
import { type Example, mean, Random, type Run, spread } from '../gallery.ts'
import { transformer, transformerParameters } from '../transformer.ts'
import { BEGIN, between, formulas, LENGTH, legal, places, SYMBOLS, unexplained, values, whole } from './grammar.ts'
import { plan } from './search.ts'

const [CONTEXT, WIDTH, ROWS, VALUES] = [4, 48, 50, 4 * places.length]
const tree = {
  points: { up: rmaat.linearParameters(VALUES, 256), down: rmaat.linearParameters(256, CONTEXT * WIDTH) },
  token: rmaat.embeddingParameters(SYMBOLS, WIDTH),
  position: rmaat.embeddingParameters(CONTEXT + LENGTH, WIDTH),
  core: transformerParameters(3, WIDTH),
  head: rmaat.linearParameters(WIDTH, SYMBOLS),
}

/** Data [B, VALUES], and tokens [B, LENGTH] from BEGIN on -> logits of the next one behind each, [B, LENGTH, SYMBOLS]. */
function logitsOf(of: rmaat.Parameters<typeof tree>['tensors'], data: rmaat.Tensor, tokens: rmaat.Tensor) {
  const context = rmaat.feedForward(data, of.points).reshape([ROWS, CONTEXT, WIDTH])
  const x = rmaat.concat([context, rmaat.embedding(tokens, of.token)], 1).add(of.position)
  return rmaat.linear(transformer(x, of.core, { heads: 4, causal: true }).narrow(1, CONTEXT), of.head)
}

const padded = (tokens: Tokens): number[] => Array.from({ length: LENGTH }, (_, i) => tokens[i] ?? BEGIN)
/** The values of a formula as the network sees them: on four scales. */
const seen = (formula: Tokens): number[] =>
  values(formula, places).flatMap((y) => [Math.tanh(y), Math.tanh(y / 3), Math.tanh(y / 10), y / 10])

/** Trains it on formulas drawn anew; returns what asks it: the legal tokens behind prefixes, with log probabilities. */
async function writer({ device, progress }: Run, seed: number, steps: number, known: Set<string>) {
  const parameters = new rmaat.Parameters(device, tree, seed)
  const optimizer = new rmaat.AdamW(parameters)
  const asked = { data: rmaat.f32(ROWS, VALUES), tokens: rmaat.i32(ROWS, LENGTH) }
  const inputs = { ...asked, next: rmaat.i32(ROWS, LENGTH), rate: rmaat.f32() }
  const train = rmaat.compile(device, inputs, ({ data, tokens, next, rate }) => {
    const there = next.greater(BEGIN).cast('f32') // 0 behind the end of a formula
    const loss = logitsOf(parameters.tensors, data, tokens).crossEntropy(next).mul(there).sum().div(there.sum())
    const { gradient } = rmaat.clipByNorm(parameters.flat(rmaat.grad(loss, parameters.list)), 1)
    return { loss, updates: optimizer.update(gradient, rate) }
  })
  const drawn = formulas(new Random(1000 + seed), known, false)
  for (let step = 1; step <= steps; step++) {
    const batch = Array.from({ length: ROWS }, () => drawn.next().value)
    const [tokens, next] = [[BEGIN], []].map((first) => batch.flatMap((formula) => padded([...first, ...formula])))
    const rate = rmaat.learningRate(step, { schedule: 'cosine', rate: 3e-3, steps, warmUp: 0.05, floor: 0.02 })
    const { loss } = await train.arrays({ data: batch.flatMap(seen), tokens, next, rate })
    if (step % 100 === 0) progress(`seed ${seed}, step ${step} of ${steps}: loss ${loss[0].toFixed(3)}`)
  }
  const logs = rmaat.compile(device, asked, (of) => logitsOf(parameters.tensors, of.data, of.tokens).logSoftmax())
  return async (prefixes: readonly { about: Tokens; tokens: Tokens }[]): Promise<Next[]> => {
    const rows = Array.from({ length: ROWS }, (_, i) => prefixes[i] ?? prefixes[0])
    const tokens = rows.flatMap(({ tokens }) => padded([BEGIN, ...tokens]))
    const found = (await logs.run({ data: rows.flatMap(({ about }) => seen(about)), tokens })) as Float32Array
    const log = (row: number, place: number, next: number) => found[(row * LENGTH + place) * SYMBOLS + next]
    return prefixes.map(({ tokens }, i) => legal(tokens).map((next) => [next, log(i, tokens.length, next)] as const))
  }
}

/** What the searches are after: 1 / (1 + relative error) at the places, and a little for being short. */
const reward = (formula: Tokens, by: Tokens): number =>
  1 / (1 + Math.sqrt(unexplained(formula, by))) + 0.1 * Math.exp(-by.length / 200)

async function run(run: Run) {
  const [seeds, steps, count, tests] = run.short ? [[0], 60, 8, 25] : [[0, 1], 600, 30, 100]
  const known = new Set<string>()
  const hidden = formulas(new Random(1), known, true) // none of the same values is trained on
  const held = Array.from({ length: tests }, () => hidden.next().value)
  const searches = [
    { name: 'greedy decoding', tries: 1, by: () => beam(1, whole) },
    { name: 'beam', tries: count, by: () => beam(count, whole) },
    { name: 'beam of three times the width', tries: count, by: () => beam(3 * count, whole, count) },
    { name: 'tree search', tries: count, by: (of: Tokens) => plan(count, (tokens) => reward(of, tokens)) },
  ].map((one) => ({ ...one, shares: [] as number[], asks: [] as number[] }))
  for (const seed of seeds) {
    const ask = await writer(run, seed, steps, known)
    for (const { by, shares, asks } of searches) {
      const { found, asked } = await decode(held, by, ask, ROWS)
      const best = found.map((all, i) => all.reduce((a, b) => (reward(held[i], b) > reward(held[i], a) ? b : a)))
      shares.push(mean(best.map((tokens, i) => Number(unexplained(held[i], tokens, between) < 0.01))))
      asks.push(asked / tests)
    }
  }
  const [greedy, wide, , planned] = searches.map(({ shares }) => mean(shares))
  const claim = run.short ? 'tree search > greedy decoding' : 'tree search ≥ beam of as many tries ≥ greedy decoding'
  const measured = [planned, wide, greedy].map((share) => share.toFixed(3)).join(', ')
  const holds = run.short ? planned > greedy : planned >= wide && wide >= greedy
  const columns = ['search', 'tries', 'prefixes asked for', 'share with R² > 0.99']
  const rows = searches.map(({ name, tries, asks, shares }) => [name, tries, spread(asks, 0), spread(shares)])
  return { columns, rows, acceptance: [{ claim, measured, holds }] }
}

export default {
  title: 'TPSR: planning over a transformer that writes formulas',
  minutes: 2,
  claim: 'a tree search that asks how formulas fit finds more than decoding what is likely',
  run,
} satisfies Example
