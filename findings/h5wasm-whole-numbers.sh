#!/usr/bin/env bash
# h5wasm 0.10.3: a whole number beyond 32 bits is written as another one: 2^40 as 0, 1e300 as 0, 3e9 as -1294967296.
#
# Expected: the number that was given, or an error. A JavaScript number is a double, HDF5 has float64 and int64, and of a list
# such as [0.5, 3e9] the package makes float64. Its README says that types are guessed where none is given ("shape and dtype
# will match input if omitted"); h5py makes int64 or float64 of such numbers.
# Seen: where all numbers of a list, or the one of an attribute, are whole, the type is int32, whatever their size, and what
# does not fit is cut to its low 32 bits. So [1e10, 1] becomes [1410065408, 1] and the time in milliseconds a day in
# January 1970, without a word. One fraction in the list, and all are right; so they are in a typed array or with dtype '<d'.
# jsfive 0.4.2, which reads the file on its own, finds the same.
# Why it matters: the counts of a long training (tokens, bytes, FLOPs, nanoseconds) and its date are whole and large, and this
# is how they get into a file of weights. A loss that ran away to 1e300 is stored as 0, the best value there is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts h5wasm@0.10.3 jsfive@0.4.2
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import h5wasm from 'h5wasm/node'
import * as jsfive from 'jsfive'

await h5wasm.ready
const { version } = JSON.parse(readFileSync('node_modules/h5wasm/package.json', 'utf8'))
console.log(`h5wasm ${version}, Node ${process.version}`)

const int32 = (x) => Number(BigInt.asIntN(32, BigInt(x)))
const time = Date.UTC(2026, 0, 1)
// name, what is written, its dtype if any, what comes back
const cases = [
  ['small', [1, -2, 2147483647], undefined, [1, -2, 2147483647]],
  ['tokens', [3e9, 1e10, 1], undefined, [3e9, 1e10, 1].map(int32)],
  ['with a fraction', [3e9, 1e10, 0.5], undefined, [3e9, 1e10, 0.5]],
  ['losses', [1e300, 2], undefined, [0, 2]],
  ["tokens as '<d'", [3e9, 1e10, 1], '<d', [3e9, 1e10, 1]],
  ['Float64Array', new Float64Array([3e9, 1e10, 1]), undefined, [3e9, 1e10, 1]],
]
const attributes = [
  ['steps', 100000, 100000],
  ['parameters', 7e9, int32(7e9)],
  ['time', time, int32(time)],
  ['flops', 2 ** 70, 0],
  ['memory', 2 ** 40, 0],
  ['rate', 0.1, 0.1],
]
const file = new h5wasm.File('numbers.h5', 'w')
for (const [name, data, dtype] of cases) file.create_dataset({ name, data, dtype })
for (const [name, value] of attributes) file.create_attribute(name, value)
file.close()

const bytes = readFileSync('numbers.h5')
const again = new h5wasm.File('numbers.h5', 'r')
const other = new jsfive.File(Uint8Array.from(bytes).buffer, 'numbers.h5')
let same = true
function compare(name, given, found, byOther, seen) {
  const right = String(found) === String(given)
  console.log(`${name.padEnd(16)} ${String(given).padEnd(25)} ${right ? 'right' : `becomes ${found}`}`)
  same &&= String(found) === String(seen) && String(byOther) === String(seen)
}
for (const [name, data, , seen] of cases) {
  compare(name, Array.from(data), Array.from(again.get(name).value), other.get(name).value, seen)
}
for (const [name, value, seen] of attributes) compare(name, value, again.attrs[name].value, other.attrs[name], seen)
console.log(same ? 'As described: whole numbers keep their low 32 bits alone' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
