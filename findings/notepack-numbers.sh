#!/usr/bin/env bash
# notepack.io 3.0.1: 1e300 is written as 0, 1e20 as 7.8e18, and a Float32Array of weights as bytes, cut to whole numbers.
#
# Expected: the number that was given. MessagePack has integers up to 2^64 - 1 and down to -2^63, and float 64, which holds every
# number of JavaScript. "ArrayBuffer are encoded as bin", says the README, which shows it by a Uint8Array: bin are the bytes as they
# are.
# Seen: every number without a fraction is written as an integer, whatever its size, and what is beyond 64 bits is cut off: 2^64
# and 1e300 are 0, -1e300 too, 1e20 is 7766279631452242000; -1e19 comes back positive. Of a typed array each element becomes a byte:
# Float32Array [0.5, -2, 300] is the bytes 0, 254, 44, without its length in bytes. Its `.buffer` is written as it is. Infinity,
# fractions and integers of 64 bits are right. msgpackr 2.1.4 and @msgpack/msgpack 3.1.2 keep every one of the numbers, and both
# read the same zeros from what notepack.io wrote.
# Why it matters: workers, sockets and logs of a training run send losses, counts and weights like this. A loss that ran away to
# 1e300 arrives as 0, the best there is; the FLOPs of a run are soon beyond 2^64. Weights between -1 and 1 arrive as zeros.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts notepack.io@3.0.1 msgpackr@2.1.4 @msgpack/msgpack@3.1.2
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import * as msgpack from '@msgpack/msgpack'
import { pack, unpack } from 'msgpackr'
import notepack from 'notepack.io'

const versions = ['notepack.io', 'msgpackr', '@msgpack/msgpack'].map(
  (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version}`,
)
console.log(`${versions.join(', ')}, Node ${process.version}`)
let same = true
/** What is left of a whole number in 64 bits, with or without a sign, as a double. */
const cut = (x) => Number(x < 0 ? BigInt.asIntN(64, BigInt(x)) : BigInt.asUintN(64, BigInt(x)))
for (const x of [1.5, 2 ** 53, 2 ** 63, -(2 ** 63), Infinity, 2 ** 64, 1e20, -1e19, 1e25, 1e300, -1e300]) {
  const file = notepack.encode(x)
  const found = notepack.decode(file)
  const others = [unpack(pack(x)), msgpack.decode(msgpack.encode(x))]
  const readers = [unpack(file), msgpack.decode(file)].map(Number)
  console.log(`${x}: ${found} ${found === x ? '(right)' : ''}`.trim())
  const fits = !Number.isInteger(x) || cut(x) === x
  same &&= found === (fits ? x : cut(x)) && others.every((y) => y === x) && readers.every((y) => y === found)
}
for (const values of [[0.5, -2, 300], Array.from({ length: 6 }, (_, i) => Math.sin(i))]) {
  const array = Float32Array.from(values)
  const [found, whole] = [array, array.buffer].map((x) => notepack.decode(notepack.encode(x)))
  console.log(`Float32Array ${[...array].map((x) => x.toFixed(2)).join(' ')}: ${found.length} bytes, ${[...found].join(' ')}`)
  same &&= [...found].join() === [...array].map((x) => Math.trunc(x) & 255).join()
  same &&= new Float32Array(new Uint8Array(whole).buffer).every((x, i) => x === array[i])
}
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
