#!/usr/bin/env bash
# @huggingface/transformers 4.3.2: norm(1) of [-3, 4] is 1, and layer_norm adds epsilon to the deviation, not the variance.
#
# Expected: the p-norm sums |x|^p, so that norm(1) of [-3, 4] is 7 and norm(3) 4.4979; layer_norm divides by
# sqrt(variance + epsilon). Both functions name PyTorch's parameters and say nothing of another formula.
# Seen: no absolute value is taken: norm(1) is 1, norm(3) of [-4, 3] NaN, and normalize(1) of [-3, 4] gives [-3, 4]. With
# the default epsilon of 1e-5, layer_norm of [1e-4, 2e-4, 3e-4, 4e-4] starts with -1.23 where the formula gives -.0474;
# near variance 1 the two agree. normalize() of a row of zeros, whose norm is 0, is NaN (PyTorch: 0).
# Why it matters: this is what embeddings are post-processed with in JavaScript, and they are compared with those that
# PyTorch made with the same names and arguments. A padded, empty row turns into NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.2 # 500 MB, with its runtimes
cat >check.mjs <<'JS'
import { env, layer_norm, Tensor } from '@huggingface/transformers'

const f32 = (values, shape = [values.length]) => new Tensor('float32', Float32Array.from(values), shape)
const pNorm = (values, p) => values.reduce((sum, x) => sum + Math.abs(x) ** p, 0) ** (1 / p)
const row = [1e-4, 2e-4, 3e-4, 4e-4]
function normalised(values, epsilon = 1e-5) {
  const mean = values.reduce((a, b) => a + b) / values.length
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
  return values.map((x) => (x - mean) / Math.sqrt(variance + epsilon))
}
const cases = [
  ['norm(1) of [-3, 4]', f32([-3, 4]).norm(1), [pNorm([-3, 4], 1)], [1]],
  ['norm(2) of [-3, 4]', f32([-3, 4]).norm(2), [pNorm([-3, 4], 2)], [5]],
  ['norm(3) of [-4, 3]', f32([-4, 3]).norm(3), [pNorm([-4, 3], 3)], [NaN]],
  ['normalize(1) of [-3, 4]', f32([-3, 4], [1, 2]).normalize(1, 1), [-3 / 7, 4 / 7], [-3, 4]],
  ['normalize() of [0, 0]', f32([0, 0], [1, 2]).normalize(2, 1), [0, 0], [NaN, NaN]],
  [
    'layer_norm of 1e-4 * [1, 2, 3, 4]',
    layer_norm(f32(row, [1, 4]), [4]),
    normalised(row),
    [-1.231, -0.4105, 0.4105, 1.231],
  ],
  [
    'layer_norm of [1, 2, 3, 4]',
    layer_norm(f32([1, 2, 3, 4], [1, 4]), [4]),
    normalised([1, 2, 3, 4]),
    normalised([1, 2, 3, 4]),
  ],
]
console.log(`@huggingface/transformers ${env.version}, Node ${process.version}`)
let same = true
const text = (values) => [...values].map((x) => Number(x.toPrecision(5))).join(' ')
for (const [name, { data }, expected, seen] of cases) {
  console.log(`${name.padEnd(34)} ${text(data)}   (expected ${text(expected)})`)
  same &&= seen.every((x, i) => (Number.isNaN(x) ? Number.isNaN(data[i]) : Math.abs(data[i] - x) < 1e-3))
}
console.log(
  same ? 'As described: norms take no absolute value; epsilon is added after the root' : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
