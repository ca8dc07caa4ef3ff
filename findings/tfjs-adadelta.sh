#!/usr/bin/env bash
# @tensorflow/tfjs-core 4.22.0: train.adadelta is plain gradient descent: every step is learningRate * gradient, to the last bit.
#
# Expected: Adadelta (Zeiler 2012, arXiv:1212.5701, algorithm 1, which the package's documentation names): the gradient is divided
# by the root of its own mean square, this step's included, and multiplied by that of the steps so far, so that the size of a step
# does not follow the size of the gradient. The script computes it by these formulas.
# Seen: the mean square of the gradients that is used is the one from before this step. It and the mean square of the steps both
# start at 0, their ratio is 1, the step is the gradient, and so both stay the same number for ever. rho and epsilon change
# nothing, and every weight is, bit for bit, what train.sgd makes of it. For gradients of 0.5 down to 0.1 and a rate of 0.1 the
# first step is 0.05 where 0.00014 is right. sgd, momentum, adagrad, rmsprop and adam agree with their formulas.
# Why it matters: the name 'adadelta' in compile() of tfjs-layers has a rate of 1, which is usual for Adadelta, and is gradient
# descent with a rate of 1 here, so that most networks diverge; with the default of train.adadelta, 0.001, they hardly move. A
# comparison of optimizers has gradient descent twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0
cat >check.mjs <<'JS'
import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'

console.warn = () => {} // it advertises a native package
console.log(`@tensorflow/tfjs-core ${tf.version_core}, Node ${process.version}`)
const gradients = [0.5, -0.2, 0.1, 0.4, 0.3, 1e-3, -20, 0.05]
const rate = 0.1

/** The weight, 1 at first, after each step. */
function train(optimizer) {
  const weight = tf.variable(tf.scalar(1))
  return gradients.map((gradient) => {
    optimizer.applyGradients([{ name: weight.name, tensor: tf.scalar(gradient) }])
    return weight.dataSync()[0]
  })
}
/** The same by a rule that makes a step of a gradient. */
function byFormula(makeRule) {
  const step = makeRule()
  let weight = 1
  return gradients.map((gradient) => {
    weight -= step(gradient)
    return weight
  })
}
const adadelta = (rho, epsilon) => () => {
  let [ofGradients, ofSteps] = [0, 0] // mean squares
  return (g) => {
    ofGradients = rho * ofGradients + (1 - rho) * g * g
    const step = (Math.sqrt(ofSteps + epsilon) / Math.sqrt(ofGradients + epsilon)) * g
    ofSteps = rho * ofSteps + (1 - rho) * step * step
    return rate * step
  }
}
const sgd = () => (g) => rate * g
const momentum = () => {
  let sum = 0
  return (g) => rate * (sum = 0.9 * sum + g)
}
const adagrad = () => {
  let sum = 0.1
  return (g) => (rate * g) / (Math.sqrt((sum += g * g)) + 1e-7)
}
const rmsprop = () => {
  let mean = 0
  return (g) => (rate * g) / Math.sqrt((mean = 0.9 * mean + 0.1 * g * g) + 1e-7)
}
const adam = () => {
  let [first, second, t] = [0, 0, 0]
  return (g) => {
    first = 0.9 * first + 0.1 * g
    second = 0.99 * second + 0.01 * g * g
    t++
    return (rate * first) / (1 - 0.9 ** t) / (Math.sqrt(second / (1 - 0.99 ** t)) + 1e-7)
  }
}
// name, optimizer, rule, whether they agree
const cases = [
  ['adadelta, rho 0.95', tf.train.adadelta(rate, 0.95, 1e-7), adadelta(0.95, 1e-7), false],
  ['adadelta, rho 0.5', tf.train.adadelta(rate, 0.5, 1e-7), adadelta(0.5, 1e-7), false],
  ['adadelta, epsilon 0.01', tf.train.adadelta(rate, 0.95, 0.01), adadelta(0.95, 0.01), false],
  ['sgd', tf.train.sgd(rate), sgd, true],
  ['momentum', tf.train.momentum(rate, 0.9), momentum, true],
  ['adagrad', tf.train.adagrad(rate, 0.1), adagrad, true],
  ['rmsprop', tf.train.rmsprop(rate, 0.9, 0, 1e-7), rmsprop, true],
  ['adam', tf.train.adam(rate, 0.9, 0.99, 1e-7), adam, true],
]
const descent = train(tf.train.sgd(rate))
const short = (values) => values.map((x) => x.toFixed(5)).join(' ')
let same = true
for (const [name, optimizer, rule, right] of cases) {
  const found = train(optimizer)
  const expected = byFormula(rule)
  const agree = found.every((x, i) => Math.abs(x - expected[i]) < 1e-4)
  console.log(`${name.padEnd(23)} ${short(found)}${agree ? '' : `\n${' '.repeat(14)}expected ${short(expected)}`}`)
  same &&= agree === right
  if (!right) same &&= found.every((x, i) => x === descent[i])
}
console.log(same ? 'As described: adadelta is sgd' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
