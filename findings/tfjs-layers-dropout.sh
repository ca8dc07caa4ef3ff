#!/usr/bin/env bash
# @tensorflow/tfjs-layers 4.22.0: alphaDropout moves the mean of its input by 0.32 to 1.56 instead of keeping it, and a dropout
# layer with a seed drops the same units in every step.
#
# Expected: alphaDropout "keeps mean and variance of inputs to their original values", says the package: a unit that is dropped is
# set to the lower end of selu, -1.7581, and then all are scaled and shifted (Klambauer et al. 2017, section 3). A seed makes a
# run repeatable; the mask of each step is another one still, as in Keras.
# Seen: a dropped unit is set to +1.7581. Of inputs with mean 0 and variance 1 the variance stays and the mean becomes 0.32 at a
# rate of 0.1 and 1.56 at 0.5. With layers.dropout({ rate: 0.5, seed: 3 }) every call has one and the same mask, while without a
# seed five calls have five. gaussianDropout and dropout keep the mean, as they should.
# Why it matters: selu with alphaDropout exists so that activations stay centred; here every layer shifts them in training and not
# in prediction, so that a trained network predicts from inputs that it has never seen. And whoever sets a seed so that a result
# can be repeated trains a smaller network without dropout: the units that are dropped never learn, and take part in predictions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-layers@4.22.0
cat >check.mjs <<'JS'
import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { layers, version_layers } from '@tensorflow/tfjs-layers'

console.warn = () => {} // it advertises a native package
console.log(`@tensorflow/tfjs-layers ${version_layers}, Node ${process.version}`)
const training = { training: true }
const near = (a, b, error) => Math.abs(a - b) < error
let same = true

// 100000 numbers of mean 0 and variance 1: each with its negative, then scaled
const half = Array.from(
  { length: 50000 },
  (_, i) => Math.sqrt(-2 * Math.log((i + 0.5) / 50000)) * Math.cos(2 * Math.PI * ((i * 0.618034) % 1)),
)
const scale = Math.sqrt(half.reduce((sum, x) => sum + x * x, 0) / half.length)
const inputs = Float32Array.from([...half, ...half.map((x) => -x)], (x) => x / scale)
function moments(values) {
  const mean = values.reduce((a, b) => a + b) / values.length
  return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length]
}
const lowest = -1.6732632423543772 * 1.0507009873554805 // selu of minus infinity
for (const rate of [0.1, 0.5]) {
  const a = ((1 - rate) * (1 + rate * lowest ** 2)) ** -0.5
  const b = -a * rate * lowest
  for (const [name, layer, seen] of [
    ['alphaDropout', layers.alphaDropout({ rate }), [-2 * rate * lowest * a, 1]],
    ['gaussianDropout', layers.gaussianDropout({ rate }), [0, 1 + rate / (1 - rate)]],
    ['dropout', layers.dropout({ rate }), [0, 1 / (1 - rate)]],
  ]) {
    const [mean, variance] = moments(layer.apply(tf.tensor(inputs), training).dataSync())
    const expected = name === 'alphaDropout' ? ' (expected 0 and 1)' : ''
    console.log(`${name.padEnd(15)} ${rate}: mean ${mean.toFixed(3)}, variance ${variance.toFixed(3)}${expected}`)
    same &&= near(mean, seen[0], 0.03) && near(variance, seen[1], 0.05)
  }
  const found = [
    ...new Set(
      layers
        .alphaDropout({ rate })
        .apply(tf.zeros([1000]), training)
        .dataSync(),
    ),
  ].sort((x, y) => x - y)
  console.log(
    `  zeros become ${found.map((x) => x.toFixed(4)).join(' or ')} (expected ${(a * lowest + b).toFixed(4)} or ${b.toFixed(4)})`,
  )
  same &&= found.length === 2 && near(found[0], b, 1e-4) && near(found[1], b - a * lowest, 1e-4)
}
for (const seed of [3, 42, undefined]) {
  const layer = layers.dropout({ rate: 0.5, seed })
  const masks = Array.from({ length: 5 }, () =>
    [...layer.apply(tf.ones([40]), training).dataSync()].map((x) => (x ? 1 : 0)).join(''),
  )
  const different = new Set(masks).size
  console.log(
    `dropout, seed ${seed}: ${different} of 5 masks differ: ${masks
      .slice(0, 2)
      .map((mask) => mask.slice(0, 16))
      .join(' ')} ..`,
  )
  same &&= different === (seed === undefined ? 5 : 1)
}
console.log(same ? 'As described: a mean that moves, a mask that does not' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
