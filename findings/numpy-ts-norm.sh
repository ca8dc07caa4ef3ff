#!/usr/bin/env bash
# numpy-ts 1.7.0: the norm of a matrix is that of a list, whatever ord says; unwrap does nothing, and logaddexp of two -Infinity
# is NaN.
#
# Expected: what NumPy gives for the same calls (2.4.6 was asked; the results are below); the package says "NumPy-validated". norm
# with 1, 2 and Infinity is the largest sum of a column, the largest singular value and the largest sum of a row, as its own
# documentation says of matrix_norm. unwrap takes multiples of 2 pi out of jumps. log(e^-inf + e^-inf) is log(0), -inf.
# Seen: norm([[4, 1, 3], [2, 5, 9]]) is 24, 11.66 and 9 for 1, 2 and Infinity where 12, 11.22 and 16 are right, and it gives these
# only if axis is [0, 1], which should say nothing new of a matrix. -1, -2 and -Infinity are those of a list too; 'fro' and 'nuc'
# are right. unwrap([0, 3, -3, 0]) is [0, 3, -3, 0]; no jump that was tried is taken out. logaddexp of -Infinity with itself is
# NaN, and of Infinity with itself; so is logaddexp2. The sum of a million float32 of 0.1 is 99759.9 (NumPy: 100000.01), while
# their mean is 0.1. In float64 it is right.
# Why it matters: the spectral norm, 2, is what weights are divided by to bound a network, and what is given instead is up to the
# square root of the rank too large. logaddexp with -Infinity is the first step of every forward algorithm (CTC, hidden Markov
# models), whose results are NaN from there on. A sum of losses is off by a quarter of a percent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts numpy-ts@1.7.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import * as np from 'numpy-ts'

const { version } = JSON.parse(readFileSync('node_modules/numpy-ts/package.json', 'utf8'))
console.log(`numpy-ts ${version}, Node ${process.version}`)
const plain = (x) => (typeof x === 'number' ? [x] : x.tolist().flat())
const near = (a, b) =>
  a.length === b.length && a.every((x, i) => Object.is(x, b[i]) || Math.abs(x - b[i]) < 1e-6 * Math.abs(b[i]) + 1e-9)
const short = (values) => values.map((x) => Number(x.toPrecision(7))).join(' ')
let same = true
function report(name, result, seen, expected) {
  const found = plain(result)
  console.log(`${name}: ${short(found)} ${near(found, expected) ? '(right)' : `(expected ${short(expected)})`}`)
  same &&= near(found, seen)
}
const { norm } = np.linalg
const rows = [
  [4, 1, 3],
  [2, 5, 9],
]
const matrix = np.array(rows)
const list = rows.flat()
const sums = { row: rows.map((row) => row.reduce((a, b) => a + b)), column: rows[0].map((x, i) => x + rows[1][i]) }
/** Singular values by hand: roots of the eigenvalues of the 2 x 2 matrix of the rows' products. */
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0)
const [a, b, d] = [dot(rows[0], rows[0]), dot(rows[0], rows[1]), dot(rows[1], rows[1])]
const root = Math.hypot((a - d) / 2, b)
const [largest, smallest] = [(a + d) / 2 + root, (a + d) / 2 - root].map(Math.sqrt)
const power = (p) => list.reduce((sum, x) => sum + x ** p, 0) ** (1 / p) // what is seen
for (const [ord, seen, expected] of [
  [1, power(1), Math.max(...sums.column)],
  [2, power(2), largest],
  [Infinity, Math.max(...list), Math.max(...sums.row)],
  [-1, power(-1), Math.min(...sums.column)],
  [-2, power(-2), smallest],
  [-Infinity, Math.min(...list), Math.min(...sums.row)],
  ['fro', power(2), power(2)],
  ['nuc', largest + smallest, largest + smallest],
]) {
  report(`norm, ord ${ord}`, norm(matrix, ord), [seen], [expected])
  report(`  with axis [0, 1]`, norm(matrix, ord, [0, 1]), [expected], [expected])
}
const turn = 2 * Math.PI
for (const [angles, expected] of [
  [
    [0, 3, -3, 0],
    [0, 3, turn - 3, turn],
  ],
  [
    [0, 4, 8, 12],
    [0, 4 - turn, 8 - 2 * turn, 12 - 3 * turn],
  ],
  [
    [0, 0.78, 5.49, 6.28],
    [0, 0.78, 5.49 - turn, 6.28 - turn],
  ],
  [
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ],
]) {
  report(`unwrap ${angles.join(' ')}`, np.unwrap(np.array(angles)), angles, expected)
}
const [left, right] = [np.array([-Infinity, Infinity, -Infinity, 1000]), np.array([-Infinity, Infinity, 0, 1000])]
for (const [name, log2] of [
  ['logaddexp', Math.LN2],
  ['logaddexp2', 1],
]) {
  report(
    `${name} of -Inf -Inf, Inf Inf, -Inf 0, 1000 1000`,
    np[name](left, right),
    [NaN, NaN, 0, 1000 + log2],
    [-Infinity, Infinity, 0, 1000 + log2],
  )
}
const million = 1e6
const [single] = plain(np.sum(np.full([million], 0.1, 'float32')))
console.log(
  `sum of a million float32 of 0.1: ${single.toFixed(1)} (expected 100000.0), of float64 ${plain(np.sum(np.full([million], 0.1)))}`,
)
same &&= Math.abs(single - 1e5) > 100 && Math.abs(plain(np.sum(np.full([million], 0.1)))[0] - 1e5) < 1e-3
report('their mean', np.mean(np.full([million], 0.1, 'float32')), [Math.fround(0.1)], [Math.fround(0.1)])
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
