#!/usr/bin/env bash
# @tensorflow/tfjs-core 4.22.0: five operations that train without an error have gradients that are wrong numbers.
#
# Expected: these five are linear, so the gradient of sum(w * f(x)) with respect to x[i] is sum(w * f(e_i)), where e_i is 1
# at i and 0 elsewhere. The script takes it from the library's own forward pass, and has the simplest two by hand as well.
# Seen: cumsum along an axis that is not the last hands back its gradient transposed: of a 3 x 3 input all is wrong but the
# diagonal, of another shape it is an error. mirrorPad forgets the copies that it made at the edges. avgPool with padding
# divides by the filter's size everywhere, where forward divides by the cells that lie in the image: the last corner of 3 x 3
# under a 2 x 2 filter gets 5.25 instead of 15. resizeBilinear and resizeNearestNeighbor with halfPixelCenters (for the
# former, the sampling of PyTorch) differentiate as if it were off. The wasm backend has the same numbers as cpu.
# Right are cumsum along the last axis, pad, avgPool without padding and both resizes without halfPixelCenters.
# Why it matters: the forward passes agree with other libraries and the loss can still fall, so that nothing points here; a
# comparison of training differs from the second step on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0 esbuild@0.25.12
cat >check.mjs <<'JS'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js' // only a bundler finds these
import '@tensorflow/tfjs-backend-cpu'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'

console.warn = () => {} // it advertises a native package
setWasmPaths(`${process.cwd()}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`)
const { resizeBilinear, resizeNearestNeighbor } = tf.image
// name, shape of x, f, whether its gradient is right
const cases = [
  ['cumsum, axis 0 of 3 x 3', [3, 3], (x) => tf.cumsum(x, 0), false],
  ['cumsum, axis 1 of 3 x 3', [3, 3], (x) => tf.cumsum(x, 1), true],
  ['cumsum, axis 1 of 2 x 2 x 2', [2, 2, 2], (x) => tf.cumsum(x, 1), false],
  ['mirrorPad, reflect', [4], (x) => tf.mirrorPad(x, [[2, 2]], 'reflect'), false],
  ['mirrorPad, symmetric', [4], (x) => tf.mirrorPad(x, [[2, 2]], 'symmetric'), false],
  ['pad', [4], (x) => tf.pad(x, [[2, 2]]), true],
  ["avgPool, 'same'", [1, 3, 3, 1], (x) => tf.avgPool(x, 2, 1, 'same'), false],
  ["avgPool, 'valid'", [1, 3, 3, 1], (x) => tf.avgPool(x, 2, 1, 'valid'), true],
  ['resizeBilinear, half pixels', [1, 2, 2, 1], (x) => resizeBilinear(x, [4, 4], false, true), false],
  ['resizeBilinear', [1, 2, 2, 1], (x) => resizeBilinear(x, [4, 4]), true],
  ['nearest, half pixels', [1, 3, 3, 1], (x) => resizeNearestNeighbor(x, [5, 5], false, true), false],
  ['nearest', [1, 3, 3, 1], (x) => resizeNearestNeighbor(x, [5, 5]), true],
]
const short = (values) => values.map((x) => Number(x.toFixed(2))).join(' ')

async function gradients(shape, f) {
  const size = shape.reduce((a, b) => a * b)
  const count = f(tf.zeros(shape)).size
  const weights = Array.from({ length: count }, (_, i) => ((i * i * 7 + i * 3) % 11) + 1)
  const loss = (x) => {
    const y = f(x)
    return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)))
  }
  const found = [...(await tf.grad(loss)(tf.zeros(shape)).data())]
  const expected = []
  for (let i = 0; i < size; i++) {
    const unit = Array.from({ length: size }, (_, j) => Number(i === j))
    expected.push((await loss(tf.tensor(unit, shape)).data())[0])
  }
  return { found, expected, weights }
}
/** By hand: x[r][c] is in the sums of row r and below; x[i] is in the places of the padded list where it was copied to. */
const byHand = {
  'cumsum, axis 0 of 3 x 3': (w) =>
    w.map((_, i) => [0, 3, 6].reduce((sum, r) => sum + (r + 3 > i ? w[r + (i % 3)] : 0), 0)),
  'mirrorPad, reflect': (w) =>
    [[2], [1, 3, 7], [0, 4, 6], [5]].map((places) => places.reduce((sum, p) => sum + w[p], 0)),
}
async function main() {
  console.log(`@tensorflow/tfjs-core ${tf.version_core}, Node ${process.version}`)
  let same = true
  const onCpu = {}
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend)
    for (const [name, shape, f, right] of cases) {
      const { found, expected, weights } = await gradients(shape, f)
      const error = Math.max(...found.map((x, i) => Math.abs(x - expected[i])))
      same &&= right ? error < 1e-4 : error > 1
      const hand = byHand[name]?.(weights)
      same &&= !hand || short(hand) === short(expected)
      onCpu[name] ??= short(found)
      same &&= short(found) === onCpu[name]
      if (backend === 'cpu') {
        console.log(
          `${name.padEnd(28)} ${error < 1e-4 ? 'right' : `${short(found)}\n${' '.repeat(19)}expected ${short(expected)}`}`,
        )
      }
    }
  }
  try {
    tf.grad((x) => tf.sum(tf.cumsum(x, 0)))(tf.zeros([2, 3]))
    same = false
  } catch ({ message }) {
    console.log(`cumsum, axis 0 of 2 x 3: ${message}`)
    same &&= message.includes("has shape '3,2'")
  }
  console.log(same ? 'As described: wrong where said, on both backends' : 'The behaviour has changed')
  process.exit(same ? 0 : 1)
}
main()
JS
npx esbuild check.mjs --bundle --main-fields=module,main --format=cjs --platform=node --log-level=error --outfile=check.cjs
node check.cjs
