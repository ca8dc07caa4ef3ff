#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0: second derivatives through exp, tanh, sigmoid, softmax and the like are wrong numbers, without an error.
#
# Expected: tf.grad(tf.grad(f)) is the second derivative, as the documentation of tf.grad shows for a power; and a penalty on the
# size of a gradient (Gulrajani et al. 2017, arXiv:1704.00028) has the derivative that differences of the penalty have. The
# script compares with formulas, and with central differences of the library's own first derivatives.
# Seen: these operations keep their result for the way back, and a derivative takes it for a constant. Where nothing else depends
# on x that is an error ("Make sure that the f you passed encloses all operations", the issue tensorflow/tfjs#3252). Where
# anything does, there is none, and the term is missing: of exp(x)^2 at 0.5 the half is left, of tanh(x)^2 twice too much. A
# penalty on the gradient of a small network with tanh has derivatives that are off by a fifth of the largest, half of them 0 instead
# of -0.35, -0.42 and 0.17. Operations that keep what they are given instead (sin, sqrt, log, softplus, matMul) are right.
# Why it matters: gradient penalties, meta-learning and physics-informed networks train by such derivatives, and most of the
# latter with tanh. Nothing fails; the training follows a direction that is not that of its loss.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs@4.22.0
cat >check.mjs <<'JS'
import * as tf from '@tensorflow/tfjs'

console.warn = () => {} // it advertises a native package
await tf.setBackend('cpu')
console.log(`@tensorflow/tfjs ${tf.version.tfjs}, Node ${process.version}`)
let same = true

const at = 0.5
const [e, t, s] = [Math.exp(at), Math.tanh(at), 1 / (1 + Math.exp(-at))]
const [t1, s1] = [1 - t * t, s * (1 - s)] // slopes
const softmax = (x) => tf.softmax(tf.stack([x, tf.scalar(0)])).slice([0], [1]).reshape([]) // sigmoid(x)
// name, f, its second derivative, whether it is right
const cases = [
  ['exp(x)^2', (x) => tf.exp(x).square(), 4 * e * e, false],
  ['exp(x) x', (x) => tf.exp(x).mul(x), (at + 2) * e, false],
  ['2^x + x^2', (x) => tf.pow(2, x).add(x.square()), Math.LN2 ** 2 * 2 ** at + 2, false],
  ['tanh(x)^2', (x) => tf.tanh(x).square(), 2 * t1 * t1 - 4 * t * t * t1, false],
  ['tanh(x) + x^2', (x) => tf.tanh(x).add(x.square()), 2 - 2 * t * t1, false],
  ['sigmoid(x)^2', (x) => tf.sigmoid(x).square(), 2 * s1 * s1 + 2 * s * s1 * (1 - 2 * s), false],
  ['softmax(x, 0)^2', (x) => softmax(x).square(), 2 * s1 * s1 + 2 * s * s1 * (1 - 2 * s), false],
  ['sin(x)^2', (x) => tf.sin(x).square(), 2 * Math.cos(2 * at), true],
  ['softplus(x)^2', (x) => tf.softplus(x).square(), 2 * s * s + 2 * Math.log1p(e) * s1, true],
  ['log(x)^2', (x) => tf.log(x).square(), (2 - 2 * Math.log(at)) / at ** 2, true],
  ['x^3', (x) => x.mul(x).mul(x), 6 * at, true],
]
for (const [name, f, expected, right] of cases) {
  const [found] = await tf.grad(tf.grad(f))(tf.scalar(at)).data()
  const error = Math.abs(found - expected)
  same &&= right ? error < 1e-4 : error > 0.02
  console.log(`${name.padEnd(16)} ${found.toFixed(4).padStart(8)} (${right ? 'right' : `expected ${expected.toFixed(4)}`})`)
}
// what depends on x through exp alone is an error
let said = ''
try {
  tf.grad(tf.grad((x) => tf.exp(x)))(tf.scalar(at))
} catch (error) {
  said = error.message
}
same &&= said.includes('encloses all operations')
console.log(`exp(x)           ${said.slice(0, 40) || 'no error'}...`)

/** The square of the gradient of sum(v act(x w)) by x, of weights w [2, 3]. */
const x = tf.tensor2d([0.4, -0.8], [1, 2])
const v = tf.tensor2d([0.9, -0.7, 0.5], [3, 1])
const penalty = (act) => (w) => tf.grad((x) => tf.matMul(act(tf.matMul(x, w)), v).sum())(x).square().sum()
const start = [0.8, -0.5, 0.3, 0.6, 0.7, -0.9]
const weights = (moved = -1, by = 0) => tf.tensor2d(start.map((w, i) => (i === moved ? w + by : w)), [2, 3])
for (const [name, act, right] of [
  ['tanh', tf.tanh, false],
  ['softplus', tf.softplus, true],
]) {
  const loss = penalty(act)
  const found = [...(await tf.grad(loss)(weights()).data())]
  const expected = []
  for (let i = 0; i < start.length; i++) {
    const [above, below] = [0.01, -0.01].map((by) => loss(weights(i, by)).dataSync()[0])
    expected.push((above - below) / 0.02)
  }
  const largest = Math.max(...expected.map(Math.abs))
  const error = Math.max(...found.map((g, i) => Math.abs(g - expected[i]))) / largest
  same &&= right ? error < 0.01 : error > 0.2
  const listed = (values) => values.map((value) => value.toFixed(3)).join(' ')
  console.log(`penalty, ${name}: ${listed(found)} (${right ? 'right' : `expected ${listed(expected)}`})`)
}
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
