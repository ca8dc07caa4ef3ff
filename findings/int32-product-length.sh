#!/usr/bin/env bash
# numpy-ts 1.7.0: the product of two int32 arrays depends on how long they are; tfjs-backend-cpu 4.22.0 has the short form.
#
# Expected: products of 32-bit integers wrap round modulo 2^32, so that 123456789 * 987654321 is -67153019 everywhere.
# Seen: numpy-ts gives -67153024 in arrays of 31 elements and fewer, -67153019 from 32 on, where its WebAssembly kernel
# begins; below, numbers are multiplied in double precision, which holds 53 bits of a product of 62, and cut afterwards.
# TensorFlow.js's cpu backend gives -67153024 at every length, its wasm backend -67153019.
# Why it matters: hashes and random number generators multiply like this, and their low bits are what is lost. A test on a
# short array says nothing of a long one, and the last, shorter batch of an epoch is hashed otherwise than the others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts numpy-ts@1.7.0 \
  @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as np from 'numpy-ts'
console.warn = () => {} // tfjs advertises a native package
const tf = await import('@tensorflow/tfjs-core')
await import('@tensorflow/tfjs-backend-cpu')
const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url)))

const [a, b] = [123456789, 987654321]
const exact = Number(BigInt.asIntN(32, BigInt(a) * BigInt(b)))
const lengths = [1, 16, 31, 32, 100]
const tfjs = async (backend, n) => {
  await tf.setBackend(backend)
  return (await tf.mul(tf.fill([n], a, 'int32'), tf.fill([n], b, 'int32')).data())[0]
}
const libraries = {
  'numpy-ts': (n) => np.multiply(np.full([n], a, 'int32'), np.full([n], b, 'int32')).get([0]),
  'tfjs cpu': (n) => tfjs('cpu', n),
  'tfjs wasm': (n) => tfjs('wasm', n),
}
const { version } = JSON.parse(readFileSync('node_modules/numpy-ts/package.json', 'utf8'))
console.log(`numpy-ts ${version}, tfjs ${tf.version_core}, Node ${process.version}: ${a} * ${b}, exactly ${exact}`)
const seen = []
for (const [name, product] of Object.entries(libraries))
  for (const n of lengths) {
    seen.push(Number(await product(n)))
    console.log(
      `${name.padEnd(10)} length ${String(n).padStart(3)}: ${seen.at(-1)}${seen.at(-1) === exact ? '' : '  (wrong)'}`,
    )
  }
const rounded = (a * b) | 0
const described = [rounded, rounded, rounded, exact, exact, ...Array(5).fill(rounded), ...Array(5).fill(exact)]
const same = exact === -67153019 && described.every((value, i) => value === seen[i])
console.log(
  same
    ? 'As described: the same product differs between short and long arrays, and between backends'
    : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
