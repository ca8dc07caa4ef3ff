#!/usr/bin/env bash
# @tensorflow/tfjs-core 4.22.0: in Node it has no gradients; where it has, a broadcast product runs forward alone.
#
# Expected: what the package exports as `variableGrads` and `train` differentiates; a product [4, 5, 2] x [2, 3], which is
# computed, has a gradient of [2, 3] for its second operand.
# Seen: the file that Node takes, dist/tf-core.node.js, registers no gradient: "gradient function not found for Sum". The
# module that registers them, dist/register_all_gradients.js, imports without extensions, so that Node's own `import` does
# not find them; a bundler does. With them the gradient of the product does not sum over the axis along which the second
# operand was broadcast: "has shape '4,2,3', which does not match the shape of the input '2,3'".
# Why it matters: the small packages (core and one backend) are what a comparison or a server installs; it runs until the
# first step of training. And a model written with batches of sequences and plain weight matrices predicts, and cannot learn:
# weights must meet the tokens of all sequences as one matrix.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts \
  @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0 esbuild@0.25.12
cat >gradients.cjs <<'JS'
exports.gradients = (tf) => {
  const w = tf.variable(tf.ones([2, 3]))
  const x = tf.ones([4, 5, 2])
  const losses = {
    sum: () => tf.sum(w),
    product: () => tf.sum(tf.matMul(x, w)),
    'product of rows': () => tf.sum(tf.matMul(tf.reshape(x, [20, 2]), w)),
  }
  const found = {}
  for (const [name, loss] of Object.entries(losses)) {
    try {
      const forward = loss().dataSync()[0]
      found[name] = `${forward}`
      found[name] += `, gradient [${Object.values(tf.variableGrads(loss).grads)[0].shape}]`
    } catch ({ message }) {
      found[name] += `, ${message}`
    }
    console.log(`  ${name}: ${found[name]}`)
  }
  return found
}
JS
cat >node.cjs <<'JS'
const tf = require('@tensorflow/tfjs-core')
require('@tensorflow/tfjs-backend-cpu')
console.log(`@tensorflow/tfjs-core ${tf.version_core}, Node ${process.version}, by require`)
const { sum } = require('./gradients.cjs').gradients(tf)
process.exit(/gradient function not found for Sum/.test(sum) ? 0 : 1)
JS
cat >bundled.mjs <<'JS'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'
import '@tensorflow/tfjs-backend-cpu'
import { gradients } from './gradients.cjs'
console.log('the same, bundled with its gradients')
const { sum, product, 'product of rows': rows } = gradients(tf)
const right = sum === '6, gradient [2,3]' && rows === '120, gradient [2,3]'
process.exit(right && /^120, .*has shape '4,2,3', which does not match/.test(product) ? 0 : 1)
JS
cat >imported.mjs <<'JS'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'
JS
same=true
node node.cjs 2>/dev/null || same=false
said=$(node imported.mjs 2>&1 || true)
if [[ $said == *ERR_MODULE_NOT_FOUND* ]]; then echo 'register_all_gradients.js, imported: ERR_MODULE_NOT_FOUND'; else same=false; fi
npx esbuild bundled.mjs --bundle --main-fields=module,main --format=cjs --platform=node --log-level=error --outfile=bundled.cjs
node bundled.cjs 2>/dev/null || same=false
if $same; then echo 'As described: no gradients in Node, and none of a broadcast product'; else echo 'The behaviour has changed'; fi
$same
