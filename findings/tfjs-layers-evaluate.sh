#!/usr/bin/env bash
# @tensorflow/tfjs-layers 4.22.0: the validation loss of a model with two outputs is that of the first; penalties are left out of
# it, and the metric 'precision' counts only probabilities of exactly 1.
#
# Expected: the names and sums that fit() has for the training data: `loss` is what is minimised, the losses of all outputs and
# the regularizers' penalties; `a_loss` and `a_mae` belong to the output a. That is what Keras does, whose API this is. Precision
# is the share of the examples called positive, above 0.5 as for the package's own 'accuracy', that are.
# Seen: where nothing is learned (a rate of 0) and the validation data are the training data, the outputs a and b, off by 1 and
# 10, have the losses 1 and 100: fit() says loss 101, a_loss 1, b_loss 100, and val_loss 1, val_a_loss 101, val_b_loss 1,
# val_a_mae 100, val_b_mae 1. evaluate() returns six numbers for five names: running sums of the losses first, then the metrics,
# each in a place too low. A weight of 1 under an L2 penalty of 1, off by 1, has loss 2 and val_loss 1. 'precision' of the
# probabilities 0.9, 0.8, 0.7 and 0.2 for the labels 1, 1, 0, 0 is 0 and should be 2/3: it wants predictions that are 0 or 1,
# which no layer of a network that can be trained gives. For one output without penalties, and for the accuracy, all is right.
# Why it matters: early stopping and the choice of the best epoch follow val_loss, so that only the first output is looked at; the
# b that is 100 times as far off is not seen at all. A gap between loss and val_loss that is the penalty looks like a good
# generalisation, and a classifier whose precision is said to be 0 may be perfect.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-layers@4.22.0 esbuild@0.25.12
cat >check.mjs <<'JS'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js' // only a bundler finds these
import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { input, layers, model, regularizers, sequential, version_layers } from '@tensorflow/tfjs-layers'

console.warn = () => {} // it advertises a native package
const one = (name, inputs, kernelRegularizer) =>
  layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones', name, kernelRegularizer }).apply(inputs)
const numbers = (tensors) => tensors.map((t) => Number(t.dataSync()[0].toFixed(4)))
const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b)
let same = true
function report(name, found, seen, expected) {
  console.log(`${name}: ${found.join(' ')}${equal(found, expected) ? ' (right)' : ` (expected ${expected.join(' ')})`}`)
  same &&= equal(found, seen)
}
/** Fits for one epoch that changes nothing, on data that are both for training and for validation. */
async function losses(trained, x, y) {
  trained.compile({ loss: 'meanSquaredError', optimizer: tf.train.sgd(0), metrics: ['mae'] })
  const { history } = await trained.fit(x, y, { epochs: 1, verbose: 0, validationData: [x, y] })
  const of = (prefix) => trained.metricsNames.map((name) => Number(Number(history[prefix + name][0]).toFixed(4)))
  return {
    names: trained.metricsNames,
    training: of(''),
    validation: of('val_'),
    evaluate: numbers(trained.evaluate(x, y)),
  }
}
async function main() {
  console.log(`@tensorflow/tfjs-layers ${version_layers}, Node ${process.version}`)
  const x = tf.tensor([[1], [1]])
  const inputs = input({ shape: [1] })
  const two = model({ inputs, outputs: [one('a', inputs), one('b', inputs)] })
  const found = await losses(two, x, [tf.tensor([[2], [0]]), tf.tensor([[11], [-9]])])
  const right = [101, 1, 100, 1, 10]
  console.log(`two outputs: ${found.names.join(' ')}`)
  report('  training', found.training, right, right)
  report('  validation', found.validation, [1, 101, 1, 100, 1], right)
  report('  evaluate', found.evaluate, [1, 101, 1, 100, 1, 10], right)

  for (const [name, regularizer, seen, expected] of [
    ['one output', undefined, [1, 1], [1, 1]],
    ['one output, L2 of 1', regularizers.l2({ l2: 1 }), [1, 1], [2, 1]],
  ]) {
    const found = await losses(model({ inputs, outputs: one('a', inputs, regularizer) }), x, tf.tensor([[2], [0]]))
    console.log(`${name}: ${found.names.join(' ')}`)
    report('  training', found.training, expected, expected)
    report('  validation', found.validation, seen, expected)
    report('  evaluate', found.evaluate, seen, expected)
  }
  const identity = sequential({ layers: [layers.activation({ activation: 'linear', inputShape: [1] })] })
  identity.compile({ loss: 'binaryCrossentropy', optimizer: 'sgd', metrics: ['precision', 'accuracy'] })
  const labels = tf.tensor([[1], [1], [0], [0]])
  for (const [name, probabilities, seen] of [
    ['0.9 0.8 0.7 0.2', [0.9, 0.8, 0.7, 0.2], [0, 0.75]],
    ['1 1 1 0', [1, 1, 1, 0], [0.6667, 0.75]],
  ]) {
    const [, ...metrics] = numbers(identity.evaluate(tf.tensor(probabilities, [4, 1]), labels))
    report(`precision and accuracy of ${name} for 1 1 0 0`, metrics, seen, [0.6667, 0.75])
  }
  console.log(same ? 'As described: what is validated is not what is trained' : 'The behaviour has changed')
  process.exit(same ? 0 : 1)
}
main()
JS
npx esbuild check.mjs --bundle --main-fields=module,main --format=cjs --platform=node --log-level=error --outfile=check.cjs
node check.cjs
