#!/usr/bin/env bash
# @jax-js/jax 0.1.25 on wasm: softplus of 100 is 100 in [100, 100] and Infinity in [100, 1].
#
# Expected: an elementwise function gives one number for one number, whatever stands beside it.
# Seen: where all elements of an array are equal they are a constant, which JavaScript computes in double precision; where
# they are not, kernels do, whose exp overflows at 88.5 already (float32 goes to 88.72) and whose sine is off by a tenth at
# 1e5. So softplus and logSigmoid are infinite above 88.5, sin([1e5, 1e5]) is right and sin([1e5, 1]) is not, and the
# gradients of softplus at 100 and of silu at -100 are NaN.
# Why it matters: a test with np.full, or with one value, passes; a batch does not. softplus and logSigmoid exist so that a
# large logit does no harm: here one of 89 makes the loss infinite and, through the gradient, every weight NaN.
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
defaultDevice('wasm')
const first = (f, x) => f(np.array(x)).dataSync()[0]
const gradient = (f) => grad((x) => f(x).sum())
const cases = [
  // the name, the function, x, what is right, what is seen in [x, x] and in [x, 1]
  ['softplus', nn.softplus, 50, 50, 50, 50],
  ['softplus', nn.softplus, 100, 100, 100, Infinity],
  ['logSigmoid', nn.logSigmoid, -100, -100, -100, -Infinity],
  ['exp', np.exp, 88.7, Math.exp(Math.fround(88.7)), Math.exp(Math.fround(88.7)), Infinity],
  ['sin', np.sin, 1e5, Math.sin(1e5), Math.sin(1e5), 0.0400195],
  ["softplus'", gradient(nn.softplus), 100, 1, 1, NaN],
  ["silu'", gradient(nn.silu), -100, -3.7e-42, NaN, NaN],
]
const { version } = JSON.parse(readFileSync('node_modules/@jax-js/jax/package.json', 'utf8'))
console.log(`@jax-js/jax ${version}, Node ${process.version}`)
const is = (a, b) => Object.is(a, b) || (Number.isFinite(b) && Math.abs(a - b) <= 1e-5 * Math.abs(b))
let same = true
for (const [name, f, x, right, beside, apart] of cases) {
  const found = [first(f, [x, x]), first(f, [x, 1])]
  same &&= is(found[0], beside) && is(found[1], apart)
  console.log(
    `${name}(${x})`.padEnd(16),
    `in [x, x] ${String(found[0]).padEnd(22)} in [x, 1] ${String(found[1]).padEnd(22)} right ${right}`,
  )
}
console.log(
  same
    ? 'As described: what a function gives for a number depends on the numbers beside it'
    : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
