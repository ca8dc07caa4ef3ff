#!/usr/bin/env bash
# @tensorflow/tfjs-backend-wasm 4.22.0: a cast to bool keeps the low byte, so that 256 and 0.5 are false, and 2 is not 1.
#
# Expected: what the cpu backend of the same library gives: everything but 0 becomes 1.
# Seen: token ids [101, 256, 512, 0, 3] become [101, 0, 0, 0, 3]: where() takes ids 256 and 512 for padding, and the mask's
# sum, which should count 4 tokens, is 104. 0.5 is false, any([0.5, 0.25]) is false, and logicalAnd(2, 1) of such bools too.
# Why it matters: `cast(ids, 'bool')` is a common way to make a padding mask, and the sum of it to count tokens for a mean.
# Moving a program from one backend to the other changes its results without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts \
  @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat >check.mjs <<'JS'
import { fileURLToPath } from 'node:url'
console.warn = () => {} // it advertises a native package
const tf = await import('@tensorflow/tfjs-core')
await import('@tensorflow/tfjs-backend-cpu')
const { setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm')
setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url)))

async function values() {
  const mask = tf.cast(tf.tensor1d([101, 256, 512, 0, 3], 'int32'), 'bool')
  const bool = (...x) => tf.cast(tf.tensor1d(x), 'bool')
  const results = {
    'ids as bool': mask,
    'where(mask, 1, 0)': tf.where(mask, tf.ones([5]), tf.zeros([5])),
    'sum of the mask': tf.sum(tf.cast(mask, 'int32')),
    '[0.5, 2, -1] as bool': bool(0.5, 2, -1),
    'any([0.5, 0.25])': tf.any(bool(0.5, 0.25)),
    'logicalAnd(2, 1)': tf.logicalAnd(bool(2), bool(1)),
  }
  const found = {}
  for (const [name, tensor] of Object.entries(results)) found[name] = [...(await tensor.data())].map(Number).join(' ')
  return found
}
await tf.setBackend('cpu')
const cpu = await values()
await tf.setBackend('wasm')
const wasm = await values()
console.log(`tfjs-core ${tf.version_core}, tfjs-backend-wasm ${version_wasm}, Node ${process.version}`)
for (const name of Object.keys(cpu)) console.log(`${name.padEnd(21)} cpu ${cpu[name].padEnd(10)} wasm ${wasm[name]}`)
const same =
  Object.values(cpu).join('; ') === '1 1 1 0 1; 1 1 1 0 1; 4; 1 1 1; 1; 1' &&
  Object.values(wasm).join('; ') === '101 0 0 0 3; 1 0 0 0 1; 104; 0 2 255; 0; 0'
console.log(
  same ? 'As described: on wasm a bool is the low byte of the number, on cpu 0 or 1' : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
