#!/usr/bin/env bash
# ndarray-determinant 1.0.0: the determinant of [[0, 1], [1, 0]] is 0, and ndarray-gradient 1.0.1 gives minus the gradient.
#
# Expected: "the determinant of the square matrix", which is -1, and "the gradient", which is positive where the numbers rise. The
# script sums all permutations for the former and takes central differences for the latter.
# Seen: the determinant is 0 whenever a leading square of the matrix is singular, as it is in every matrix that begins with a 0:
# rows are not exchanged, and where the decomposition gives up, 0 is the answer. For [[1, 2, 3], [2, 4, 1], [1, 1, 1]] it is 0 and
# should be -5; a permutation, a rotation by 90 degrees and a matrix of distances, whose diagonal is 0, have 0 as well.
# ndarray-inv 0.2.0 inverts all of them. The gradient of [0, 1, 4, 9, 16] is -2, -4, -6 between its ends; so it is along every
# axis, and in the package's own README. Its size is right.
# Why it matters: 0 is what says that a matrix cannot be inverted, so that a good transformation of an image is thrown away; the
# logarithm of a determinant, which is part of the loss of normalizing flows, is minus infinity. A step against this gradient
# climbs, and an edge that is found with it points the wrong way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts ndarray@1.1.1 ndarray-determinant@1.0.0 ndarray-gradient@1.0.1 \
  ndarray-inv@0.2.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import ndarray from 'ndarray'
import determinant from 'ndarray-determinant'
import gradient from 'ndarray-gradient'
import inverse from 'ndarray-inv'

const versions = ['ndarray-determinant', 'ndarray-gradient', 'ndarray-inv'].map(
  (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version}`,
)
console.log(`${versions.join(', ')}, Node ${process.version}`)
const array = (values, shape) => ndarray(Float64Array.from(values), shape)

/** Along the first row (Laplace): exact for small whole numbers. */
function expand(rows) {
  if (rows.length === 0) return 1
  const [first, ...rest] = rows
  return first.reduce(
    (sum, x, i) => sum + (i % 2 ? -x : x) * expand(rest.map((row) => row.filter((_, j) => j !== i))),
    0,
  )
}
let same = true
// name, rows, whether the determinant is right
for (const [name, text, right] of [
  ['exchange', '0 1 / 1 0', false],
  ['rotation', '0 -1 / 1 0', false],
  ['begins with 0', '0 2 / 3 4', false],
  ['permutation', '0 1 0 / 0 0 1 / 1 0 0', false],
  ['distances', '0 3 4 / 3 0 5 / 4 5 0', false],
  ['singular corner', '1 2 3 / 2 4 1 / 1 1 1', false],
  ['corner of 3', '1 1 0 2 / 1 2 1 0 / 0 1 1 1 / 1 0 0 1', false],
  ['2 x 2', '2 1 / 1 3', true],
  ['3 x 3', '2 1 0 / 1 3 1 / 0 1 4', true],
  ['singular', '1 2 / 2 4', true],
]) {
  const rows = text.split(' / ').map((row) => row.split(' ').map(Number))
  const size = rows.length
  const found = determinant(array(rows.flat(), [size, size]))
  const expected = expand(rows)
  console.log(`${name.padEnd(15)} ${text}: ${found} (expected ${expected})`)
  same &&= right ? Math.abs(found - expected) < 1e-9 : found === 0 && expected !== 0
  if (right) continue
  const inverted = inverse(array(rows.flat(), [size, size])) // times the matrix it is the identity
  const product = (i, j) => rows[i].reduce((sum, x, k) => sum + x * inverted.get(k, j), 0)
  same &&= rows.every((row, i) => row.every((_, j) => Math.abs(product(i, j) - Number(i === j)) < 1e-9))
}
const short = (values) => [...values].join(' ')
const line = gradient(array(Array(5), [5, 1]), array([0, 1, 4, 9, 16], [5])).data
console.log(`gradient of 0 1 4 9 16: ${short(line)} (expected 2 4 6 between the ends)`)
same &&= short(line.slice(1, 4)) === '-2 -4 -6'
const plane = gradient(array(Array(18), [3, 3, 2]), array([0, 1, 2, 10, 11, 12, 20, 21, 22], [3, 3]))
const middle = [plane.get(1, 1, 0), plane.get(1, 1, 1)]
console.log(`gradient of 10 y + x: ${short(middle)} (expected 10 1)`)
same &&= short(middle) === '-10 -1'
console.log(same ? 'As described: determinants that are 0, gradients that point down' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
