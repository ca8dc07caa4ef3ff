#!/usr/bin/env bash
# @tensorflow/tfjs-layers 4.22.0: randomUniform({ minval: 0, maxval: 1 }) begins at -0.05, separableConv2d ignores
# pointwiseInitializer and depthwiseConv2d ignores dilationRate; heNormal has 77 % of its variance.
#
# Expected: what the options say; where they are not supported, an error, as activityRegularizer has one in the same package.
# Seen: an option of 0 counts as not given: minval 0 is -0.05, maxval 0 is 0.05, stddev 0 is 0.05. The pointwise kernel of
# separableConv2d gets depthwiseInitializer (reported, tfjs pull request 8564): zeros for it and ones for the depthwise kernel
# give ones, and pointwiseInitializer alone does nothing. depthwiseConv2d with a dilationRate of 2 gives what it gives with 1, in
# another shape than conv2d with 2 has, and than the operation of the same name in tfjs-core. heNormal, glorotNormal and
# leCunNormal draw from a normal distribution that is cut at two standard deviations, which leaves 0.774 of the variance; Keras
# divides by the square root of that (0.8796), and He et al. 2015 want 2 / fanIn. heUniform and the other uniform ones have their
# variance.
# Why it matters: none of it shows. Probabilities, gates or step sizes that were to start between 0 and 1 are negative for a
# twentieth of the weights; a residual branch that was to start at 0 does not; a dilated network sees less context than it was
# built for; and after 20 layers of heNormal activations are 13 times smaller than they should be.
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
import { initializers, layers, sequential, version_layers } from '@tensorflow/tfjs-layers'

console.warn = () => {} // it advertises a native package
console.log(`@tensorflow/tfjs-layers ${version_layers}, Node ${process.version}`)
const near = (a, b, error) => Math.abs(a - b) < error
let same = true

for (const [name, initializer, seen, expected] of [
  ['randomUniform, 0 to 1', initializers.randomUniform({ minval: 0, maxval: 1 }), [-0.05, 1], [0, 1]],
  ['randomUniform, -1 to 0', initializers.randomUniform({ minval: -1, maxval: 0 }), [-1, 0.05], [-1, 0]],
  ['randomUniform, -1 to 1', initializers.randomUniform({ minval: -1, maxval: 1 }), [-1, 1], [-1, 1]],
]) {
  const values = initializer.apply([20000]).dataSync()
  const [least, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
  console.log(`${name}: ${least.toFixed(3)} to ${most.toFixed(3)} (expected ${expected.join(' to ')})`)
  same &&= near(least, seen[0], 0.004) && near(most, seen[1], 0.004)
}
function deviation(values) {
  const mean = values.reduce((a, b) => a + b) / values.length
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)
}
const spread = deviation(initializers.randomNormal({ mean: 1, stddev: 0 }).apply([20000]).dataSync())
console.log(`randomNormal, stddev 0: deviation ${spread.toFixed(3)} (expected 0)`)
same &&= near(spread, 0.05, 0.002)

for (const [name, variance, share] of [
  ['heNormal', 2 / 400, 0.8796],
  ['glorotNormal', 1 / 250, 0.8796],
  ['leCunNormal', 1 / 400, 0.8796],
  ['heUniform', 2 / 400, 1],
  ['glorotUniform', 1 / 250, 1],
]) {
  const found = deviation(initializers[name]({}).apply([400, 100]).dataSync())
  const expected = Math.sqrt(variance)
  console.log(
    `${name}, 400 x 100: deviation ${found.toFixed(4)} (expected ${expected.toFixed(4)}), ${(found / expected).toFixed(3)} of it`,
  )
  same &&= near(found / expected, share, 0.015)
}
const run = (layer, x) => [
  ...sequential({ layers: [layer] })
    .predict(x)
    .dataSync(),
]
const picture = tf.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1])
const separable = { filters: 1, kernelSize: 1, useBias: false, inputShape: [3, 3, 1] }
const convolution = { kernelSize: 2, useBias: false, inputShape: [3, 3, 1] }
const seven = initializers.constant({ value: 7 })
// name, layer, what is seen, what is expected
const cases = [
  [
    'separableConv2d, depthwise ones, pointwise zeros',
    layers.separableConv2d({ ...separable, depthwiseInitializer: 'ones', pointwiseInitializer: 'zeros' }),
    '1 2 3 4 5 6 7 8 9',
    '0 0 0 0 0 0 0 0 0',
  ],
  [
    'separableConv2d, depthwise 7, pointwise ones',
    layers.separableConv2d({ ...separable, depthwiseInitializer: seven, pointwiseInitializer: 'ones' }),
    '49 98 147 196 245 294 343 392 441',
    '7 14 21 28 35 42 49 56 63',
  ],
  [
    'depthwiseConv2d, dilationRate 1',
    layers.depthwiseConv2d({ ...convolution, dilationRate: 1, depthwiseInitializer: 'ones' }),
    '12 16 24 28',
    '12 16 24 28',
  ],
  [
    'depthwiseConv2d, dilationRate 2',
    layers.depthwiseConv2d({ ...convolution, dilationRate: 2, depthwiseInitializer: 'ones' }),
    '12 16 24 28',
    '20', // 1 + 3 + 7 + 9
  ],
  [
    'conv2d, dilationRate 2',
    layers.conv2d({ ...convolution, filters: 1, dilationRate: 2, kernelInitializer: 'ones' }),
    '20',
    '20',
  ],
]
for (const [name, layer, seen, expected] of cases) {
  const found = run(layer, picture).join(' ')
  console.log(`${name}: ${found} ${found === expected ? '(right)' : `(expected ${expected})`}`)
  same &&= found === seen
}
const core = tf
  .depthwiseConv2d(picture, tf.ones([2, 2, 1, 1]), 1, 'valid', 'NHWC', 2)
  .dataSync()
  .join(' ')
console.log(`tf.depthwiseConv2d, dilations 2: ${core}`)
same &&= core === '20'
console.log(same ? 'As described: options that are ignored' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
