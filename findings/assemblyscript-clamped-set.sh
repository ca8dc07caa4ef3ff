#!/usr/bin/env bash
# assemblyscript 0.28.20: Uint8ClampedArray.set of fractions cuts them where JavaScript rounds: 1.9 becomes 1 and not 2.
#
# Expected: what JavaScript does, whose typed arrays the standard library follows: the nearest whole number from 0 to 255, and of two that
# are as near the even one. Int8Array.set takes a number modulo 256.
# Seen: 0.9 is 0, 1.9 is 1, 254.9 is 254; only the limits are kept, -1 as 0 and 300 as 255. set of a Float64Array and of a Float32Array
# do so. Of whole numbers all are right. 1e10 in an Int8Array is -1, where JavaScript has 0: it is limited to 32 bits first.
# Why it matters: this is how colours and 8-bit weights are made of computed fractions in one call. On average half a step is
# lost, in every pixel and weight, and the same lines give other bytes in a browser's JavaScript than in the module compiled from them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts assemblyscript@0.28.20
cat >clamped.ts <<'TS'
export function clamped(x: f64): i32 {
  const source = new Float64Array(1)
  source[0] = x
  const target = new Uint8ClampedArray(1)
  target.set(source)
  return target[0]
}
export function clampedOfSingle(x: f32): i32 {
  const source = new Float32Array(1)
  source[0] = x
  const target = new Uint8ClampedArray(1)
  target.set(source)
  return target[0]
}
export function signed(x: f64): i32 {
  const source = new Float64Array(1)
  source[0] = x
  const target = new Int8Array(1)
  target.set(source)
  return target[0]
}
TS
node node_modules/assemblyscript/bin/asc.js clamped.ts --outFile clamped.wasm --bindings raw
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'

const { version } = JSON.parse(readFileSync('node_modules/assemblyscript/package.json', 'utf8'))
console.log(`assemblyscript ${version}, Node ${process.version}`)
const module = new WebAssembly.Module(readFileSync('clamped.wasm'))
const abort = () => {
  throw new Error('abort')
}
const { clamped, clampedOfSingle, signed } = new WebAssembly.Instance(module, { env: { abort } }).exports
let same = true
function report(name, found, expected, seen) {
  console.log(`${name}: ${found} ${found === expected ? '(right)' : `(expected ${expected})`}`)
  same &&= found === seen
}
for (const x of [0, 0.5, 0.9, 1.5, 1.9, 2.5, 127.75, 254.9, 255, 255.5, 300, -1, -0.9, 7]) {
  const [expected] = Uint8ClampedArray.of(x)
  const seen = Math.min(255, Math.max(0, Math.trunc(x)))
  report(`${x} in a Uint8ClampedArray`, clamped(x), expected, seen)
  report(`  from a Float32Array`, clampedOfSingle(x), expected, seen)
}
for (const [x, seen] of [
  [1.9, 1],
  [-1.9, -1],
  [200, -56],
  [1e10, -1],
]) {
  const [expected] = Int8Array.of(x)
  report(`${x} in an Int8Array`, signed(x), expected, seen)
}
let [lost, count] = [0, 0]
for (let x = 0; x <= 255; x += 0.01) {
  lost += clamped(x) - x
  count++
}
console.log(`mean error over fractions from 0 to 255: ${(lost / count).toFixed(2)} (expected 0.00)`)
same &&= Math.abs(lost / count + 0.5) < 0.02
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
