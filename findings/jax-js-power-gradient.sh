#!/usr/bin/env bash
# @jax-js/jax 0.1.25: the gradient of power(x, 2) is NaN where x is 0, and so is that of prod beside a 0 and of elu at 100.
#
# Expected: the derivatives: 2x, which is 0 at 0; the product of the others; 1 for elu at 100, where it is x itself. square(x), in
# the same package, has the first, and differences of the forward pass, which the script takes, give all of them.
# Seen on cpu and on wasm: power is exp(n * log|x|) with a sign put on. Its value at 0 is right and its gradient is 0 * Infinity;
# 0 to the power of 0, 1 in IEEE 754 and NumPy, is NaN too. prod and cumprod have NaN for an element that is 0: at [0, 2, 3] it is
# [NaN, 0, 0] and should be [6, 0, 0]. elu, selu and celu take the exponential of x on the side that they do not use, so
# their gradients are NaN from about 89 on; sigmoid's is NaN at -100, where the value is 0. Elsewhere they are right.
# Why it matters: mean(power(prediction - target, 2)) is how a loss is written down. One prediction that is exact, a weight that
# starts at 0 under an L2 penalty, padding of zeros: each makes a gradient NaN, and after the next step every weight, while the
# loss that was printed was a number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @jax-js/jax@0.1.25
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { defaultDevice, grad, init, nn, numpy as np } from '@jax-js/jax'

await init('wasm')
const { version } = JSON.parse(readFileSync('node_modules/@jax-js/jax/package.json', 'utf8'))
console.log(`@jax-js/jax ${version}, Node ${process.version}`)

const times = (x, factors) => x.mul(np.array(factors))
// name, f, x, the derivatives, the places where NaN is seen
const cases = [
  ['square(x)', (x) => np.square(x), [0, -2, 3], [0, -4, 6], []],
  ['power(x, 2)', (x) => np.power(x, 2), [0, -2, 3], [0, -4, 6], [0]],
  ['power(x, 3)', (x) => np.power(x, 3), [0, -2, 3], [0, 12, 27], [0]],
  ['power(x, 1)', (x) => np.power(x, 1), [0, -2, 3], [1, 1, 1], [0]],
  ['power(w * [1, 2] - [1, 4], 2)', (w) => np.power(times(w, [1, 2]).sub(np.array([1, 4])), 2), [1, 3], [0, 8], [0]],
  ['prod(x)', (x) => np.prod(x), [1, 2, 3], [6, 3, 2], []],
  ['prod(x)', (x) => np.prod(x), [0, 2, 3], [6, 0, 0], [0]],
  ['cumprod(x)', (x) => np.cumprod(x), [0, 2, 3], [9, 0, 0], [0]],
  ['elu(x)', (x) => nn.elu(x), [50, 100, 0.5], [1, 1, 1], [1]],
  ['celu(x)', (x) => nn.celu(x), [50, 100, 0.5], [1, 1, 1], [1]],
  ['sigmoid(x)', (x) => nn.sigmoid(x), [-50, -100, 0], [0, 0, 0.25], [1]],
]
let same = true
for (const device of ['cpu', 'wasm']) {
  defaultDevice(device)
  for (const [name, f, x, expected, seen] of cases) {
    const loss = (x) => f(np.array(x)).sum().js()
    const found = grad((x) => f(x).sum())(np.array(x)).js()
    const differences = x.map((_, i) => {
      const [more, less] = [0.125, -0.125].map((step) => loss(x.map((value, j) => value + (i === j ? step : 0))))
      return (more - less) / 0.25
    })
    if (device === 'wasm') {
      const short = (values) => values.map((value) => Number(value.toFixed(2)) + 0).join(' ')
      const text = short(found)
      console.log(`${name.padEnd(30)} at ${x.join(' ').padEnd(11)} ${text.padEnd(9)}${seen.length ? ` expected ${short(expected)}` : ''}`)
    }
    same &&= found.every((value, i) => Number.isNaN(value) === seen.includes(i))
    same &&= found.every((value, i) => seen.includes(i) || Math.abs(value - expected[i]) < 1e-4)
    same &&= differences.every((value, i) => Math.abs(value - expected[i]) < 0.02) // 1 / 64 for the cube, by the step
  }
  const [value] = np.power(np.array([0]), 2).js()
  const [one] = np.power(np.array([0, 2]), 0).js()
  console.log(`${device}: 0 to the power of 2 is ${value}, of 0 is ${one}`)
  same &&= value === 0 && Number.isNaN(one)
}
console.log(same ? 'As described: NaN at 0, and where an exponential overflows' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
