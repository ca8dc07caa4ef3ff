#!/usr/bin/env bash
# jstat 1.9.6: the mean of a Pareto distribution is 12 and should be 3, its median 8.5 and should be 2.5.
#
# Expected: what the package's own functions say: half of the distribution lies below the median, so that it is inv(1/2), and the mean
# is the integral of inv from 0 to 1. The second of three quartiles is the median.
# Seen: mean(2, 3) is shape * scale^shape / (shape - 1), where the scale itself belongs, and right for a scale of 1 alone; median is
# scale * shape * sqrt(2), where 2^(1/shape) does, and its cdf there is .987. uniform.median is NaN whatever its limits.
# quartiles of [1, 2, 3, 4] is [1, 2, 3] and median 2.5: of an even number the lower of the two in the middle is taken. The pdf,
# cdf, inv and variance of Pareto, and the mean and median of nine other distributions, are right.
# Why it matters: Pareto and other heavy tails describe lengths of documents, sizes of files and frequencies of words, and their mean is
# what batches, buffers and budgets are planned by. The error grows with the scale: for one of 100 and a shape of 3 the mean is said
# to be 1.5 million, and it is 150.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts jstat@1.9.6
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import jstat from 'jstat'

const { jStat } = jstat
const { version } = JSON.parse(readFileSync('node_modules/jstat/package.json', 'utf8'))
console.log(`jstat ${version}, Node ${process.version}`)
/** The integral of inv over the probabilities, which is the mean: the middle of many intervals, closer together at both ends. */
function meanOf({ inv }, parameters) {
  const count = 20000
  let sum = 0
  for (let i = 0; i < count; i++) {
    const u = (i + 0.5) / count
    const p = u ** 3 * (10 - 15 * u + 6 * u * u)
    sum += inv(p, ...parameters) * 30 * u * u * (1 - u) ** 2
  }
  return sum / count
}
const near = (a, b) => Math.abs(a - b) < 1e-3 * (1 + Math.abs(b))
const short = (x) => Number(x.toPrecision(4))
let same = true
function report(name, found, expected, seen = expected) {
  console.log(`${name}: ${short(found)} ${near(found, expected) ? '(right)' : `(expected ${short(expected)})`}`)
  same &&= Object.is(found, seen) || near(found, seen)
}
for (const [scale, shape] of [
  [1, 3],
  [2, 3],
  [0.5, 4],
  [100, 3],
]) {
  const { pareto } = jStat
  report(`pareto ${scale}, ${shape}: mean`, pareto.mean(scale, shape), meanOf(pareto, [scale, shape]), (shape * scale ** shape) / (shape - 1))
  const median = pareto.median(scale, shape)
  report(`  median`, median, pareto.inv(0.5, scale, shape), scale * shape * Math.SQRT2)
  console.log(`  of which this share is below: ${short(pareto.cdf(median, scale, shape))} (expected 0.5)`)
  same &&= pareto.cdf(median, scale, shape) > 0.98 && near(pareto.cdf(pareto.inv(0.5, scale, shape), scale, shape), 0.5)
}
report('uniform 1, 3: median', jStat.uniform.median(1, 3), jStat.uniform.inv(0.5, 1, 3), NaN)
for (const [name, ...parameters] of [
  ['normal', 1, 2],
  ['lognormal', 0.5, 1],
  ['weibull', 2, 3],
  ['exponential', 3],
  ['beta', 2, 5],
  ['triangular', 0, 3, 2],
  ['arcsine', 0, 3],
  ['kumaraswamy', 2, 3],
  ['studentt', 5],
]) {
  const distribution = jStat[name]
  report(`${name} ${parameters.join(', ')}: mean`, distribution.mean(...parameters), meanOf(distribution, parameters))
  report(`  median`, distribution.median(...parameters), distribution.inv(0.5, ...parameters))
}
for (const [values, seen] of [
  [[1, 2, 3, 4], 2],
  [[1, 2, 4, 3, 6, 9], 3],
  [[1, 2, 3], 2],
]) {
  const [, second] = jStat.quartiles(values)
  report(`second quartile of ${values.join(' ')}`, second, jStat.median(values), seen)
}
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
