#!/usr/bin/env bash
# probability-distributions 0.9.1: rnbinom, its negative binomial numbers, has the mean 6.5 where 4.5 is right; sample() shortens the list
# of weights that it is given.
#
# Expected: with size hits of probability p, the number of misses before the last hit, as in R, whose names the package bears (mean
# size * (1 - p) / p), or the number of all tries (mean size / p). With mu instead of p the mean is mu. To sample leaves its arguments
# as they were.
# Seen: tries less one. Of 3 hits with p = .4 the mean is 6.5, where misses have 4.5 and tries 7.5; with mu = 4 it is 6. For a size of 1
# alone this is the number of misses. The variance is right, and so are ten other distributions. sample(pool, 2, false, ratios) leaves
# the pool as it was, and removes the drawn ones' weights from ratios: of 4 there are 2. With replacement it leaves both alone.
# Why it matters: lengths and counts that vary more than Poisson's are drawn so, documents' lengths among them, and asked for by their
# mean: it is size - 1 too large. The second batch that is drawn with the same list of weights has the weights of other examples.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts probability-distributions@0.9.1
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import distributions from 'probability-distributions'

const { version } = JSON.parse(readFileSync('node_modules/probability-distributions/package.json', 'utf8'))
console.log(`probability-distributions ${version}, Node ${process.version}`)
/** Uniform numbers of a fixed sequence (mulberry32), in place of the package's own, so that every run sees the same. */
let state = 1
distributions.prng = () => {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const count = 200_000
function moments(name, parameters) {
  const values = distributions[name](count, ...parameters)
  const mean = values.reduce((sum, x) => sum + x, 0) / count
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count }
}
let same = true
/** Within six standard errors of the mean. */
function report(name, parameters, expected, variance, seen = expected) {
  const found = moments(name, parameters)
  const tolerance = 6 * Math.sqrt(variance / count)
  const right = Math.abs(found.mean - expected) < tolerance
  console.log(
    `${name}(${parameters.map(String).join(', ')}): mean ${found.mean.toFixed(3)} ${right ? '(right)' : `(expected ${expected.toFixed(3)})`}, variance ${found.variance.toFixed(3)} of ${variance.toFixed(3)}`,
  )
  same &&= Math.abs(found.mean - seen) < tolerance && Math.abs(found.variance / variance - 1) < 0.1
}
for (const [size, p] of [
  [1, 0.4],
  [3, 0.4],
  [10, 0.5],
]) {
  const misses = (size * (1 - p)) / p
  report('rnbinom', [size, p], misses, misses / p, misses + size - 1)
}
report('rnbinom', [3, undefined, 4], 4, 4 + 16 / 3, 6)
report('rbeta', [2, 3], 0.4, 0.04)
report('rgamma', [2, 3], 2 / 3, 2 / 9)
report('rbinom', [10, 0.3], 3, 2.1)
report('rchisq', [3], 3, 6)
report('rexp', [2], 0.5, 0.25)
report('rlaplace', [1, 2], 1, 8)
report('rlnorm', [0, 0.5], Math.exp(0.125), (Math.exp(0.25) - 1) * Math.exp(0.25))
report('rnorm', [1, 2], 1, 4)
report('rpois', [4], 4, 4)
report('runif', [1, 3], 2, 1 / 3)

for (const [replace, left] of [
  [false, 2],
  [true, 4],
]) {
  const pool = ['a', 'b', 'c', 'd']
  const ratios = [1, 2, 3, 4]
  const drawn = distributions.sample(pool, 2, replace, ratios)
  console.log(
    `sample of 2 from 4${replace ? ', with replacement' : ''}: ${drawn.length} drawn, then the pool has ${pool.length}, the ratios ${ratios.length} (expected 4)`,
  )
  same &&= drawn.length === 2 && pool.length === 4 && ratios.length === left
}
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
