#!/usr/bin/env bash
# numpy-ts 1.7.0: joining arrays keeps the first one's dtype: [1, 2] and [0.5] make [1, 2, 0], uint8 [0] and [300, -1] make [0, 44, 255].
#
# Expected: what NumPy gives ("validated against NumPy 2.4", says the README) and the package's own result_type: int32 and float64
# make float64. Of a number that is not whole NumPy makes a float64 result with an array of integers.
# Seen: where, concatenate, stack, vstack, hstack, append, block and select have the dtype of the first array, whatever the others
# hold, and fractions, signs and high bits of these are cut off. The order decides: float64 first, and all is right. A plain number
# takes the array's dtype, as the type declarations say too: pixels (uint8) times 1 / 255 are 0 or 1, 0 minus 127.5 is 129, int32
# zeros have a maximum with 0.5 of 0, and half of the int64 array [1, 2, 3] is [1, 2, 3]. Two arrays in +, *, maximum and the like
# are right, and so are division and comparisons.
# Why it matters: labels and token ids are int32, pictures uint8. where(mask, ids, scores) loses the scores, pixels scaled by 1 / 255
# are black, -100 as a mark for "no label" becomes 156. All of it without an error and with the shape one expects.
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
const ids = np.array([1, 2], 'int32')
const scores = np.array([0.5, 1.5])
const pixels = np.array([0, 128, 255], 'uint8')
const byte = np.array([0], 'uint8')
const wide = np.array([300, -1], 'int32')
const mask = np.array([true, false])
// name, what is found, what NumPy 2.4.6 gives, what is seen if not that
const cases = [
  ['where(mask, ids, scores)', () => np.where(mask, ids, scores), '1 1.5', '1 1'],
  ['where(mask, scores, ids)', () => np.where(mask, scores, ids), '0.5 2'],
  ['where(mask, uint8, -100)', () => np.where(mask, np.array([7, 7], 'uint8'), np.array([-100, -100], 'int32')), '7 -100', '7 156'],
  ['concatenate([ids, scores])', () => np.concatenate([ids, scores]), '1 2 0.5 1.5', '1 2 0 1'],
  ['concatenate([scores, ids])', () => np.concatenate([scores, ids]), '0.5 1.5 1 2'],
  ['concatenate([uint8, int32])', () => np.concatenate([byte, wide]), '0 300 -1', '0 44 255'],
  ['stack([ids, scores])', () => np.stack([ids, scores]), '1 2 0.5 1.5', '1 2 0 1'],
  ['vstack([ids, scores])', () => np.vstack([ids, scores]), '1 2 0.5 1.5', '1 2 0 1'],
  ['hstack([ids, scores])', () => np.hstack([ids, scores]), '1 2 0.5 1.5', '1 2 0 1'],
  ['append(ids, scores)', () => np.append(ids, scores), '1 2 0.5 1.5', '1 2 0 1'],
  ['block([ids, scores])', () => np.block([ids, scores]), '1 2 0.5 1.5', '1 2 0 1'],
  ['select([mask, not], [ids, scores])', () => np.select([mask, np.logical_not(mask)], [ids, scores]), '1 1.5', '1 1'],
  ['multiply(pixels, 1 / 255)', () => np.multiply(pixels, 1 / 255), '0 0.502 1', '0 0 1'],
  ['divide(pixels, 255)', () => np.divide(pixels, 255), '0 0.502 1'],
  ['subtract(pixels, 127.5)', () => np.subtract(pixels, 127.5), '-127.5 0.5 127.5', '129 0 127'],
  ['subtract(pixels, [127.5])', () => np.subtract(pixels, np.array([127.5])), '-127.5 0.5 127.5'],
  ['ids.add(0.5)', () => ids.add(0.5), '1.5 2.5', '1 2'],
  ['maximum(zeros, 0.5)', () => np.maximum(np.zeros([2], 'int32'), 0.5), '0.5 0.5', '0 0'],
  ['clip(ids, 1.5, 3)', () => np.clip(ids, 1.5, 3), '1.5 2', '1 2'],
  ['multiply(int64, 0.5)', () => np.multiply(np.array([1n, 2n, 3n], 'int64'), 0.5), '0.5 1 1.5', '1 2 3'],
  ['multiply(ids, scores)', () => np.multiply(ids, scores), '0.5 3'],
  ['maximum(ids, scores)', () => np.maximum(ids, scores), '1 2'],
  ['greater(ids, 1.5)', () => np.greater(ids, 1.5), '0 1'],
]
let same = true
for (const [name, f, expected, seen = expected] of cases) {
  const found = f()
  const values = found.tolist().flat().map((x) => Number(Number(x).toFixed(3)))
  const text = values.join(' ')
  console.log(`${name.padEnd(35)} ${text.padEnd(16)} ${found.dtype}${text === expected ? '' : `, expected ${expected}`}`)
  same &&= text === seen
}
const type = np.result_type('int32', 'float64')
console.log(`result_type of int32 and float64: ${type}`)
same &&= type === 'float64'
console.log(same ? "As described: the first array's dtype, or the only one's" : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
