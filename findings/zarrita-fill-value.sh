#!/usr/bin/env bash
# zarrita 0.7.5: what an array says of its missing chunks is read as another number: 2^63 - 1 as -2^63, 2^64 - 1 as 0.
#
# Expected: chunks that were never written hold the fill_value. Zarr 3 has it as a JSON number within the data type's range
# for integers; for floats also as "0x..." with the bits of the number, so that "0x7fc00000" is NaN and "0x3f800000" is 1.
# Seen: fill values of int64 and uint64 beyond 2^53 are rounded to a double, then wrapped to 64 bits: the largest int64 becomes
# the smallest, the largest uint64 becomes 0, 9007199254740993 loses its last digit; in format 2 as in format 3. A float's
# "0x3f800000" is read as the integer, 1065353216, and NaN as 2143289344, or as 9221120237041090560 in float64. All of it
# without a word. Chunks that are there are right, with the same numbers in them, and so are -2^63, small integers, "NaN" and
# "Infinity". Python's json module reads each of these integers as it stands.
# Why it matters: the largest integer is the usual mark for "no label" or "no value". Missing labels of a uint64 array turn
# into class 0, and a test for the mark finds none; a NaN that should mark a gap is 2143289344 in the mean.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts zarrita@0.7.5
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import * as zarr from 'zarrita'

const { version } = JSON.parse(readFileSync('node_modules/zarrita/package.json', 'utf8'))
console.log(`zarrita ${version}, Node ${process.version}: [a missing chunk, a chunk that is there]`)

const descriptions = {
  3: (type, fill) => [
    '/zarr.json',
    `{ "zarr_format": 3, "node_type": "array", "shape": [2], "data_type": "${type}",
    "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": [1] } },
    "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
    "codecs": [{ "name": "bytes", "configuration": { "endian": "little" } }], "fill_value": ${fill}, "attributes": {} }`,
  ],
  2: (type, fill) => [
    '/.zarray',
    `{ "zarr_format": 2, "shape": [2], "chunks": [1], "compressor": null, "filters": null,
    "dtype": "${{ int64: '<i8', uint64: '<u8', float32: '<f4', float64: '<f8' }[type]}",
    "order": "C", "fill_value": ${fill} }`,
  ],
}
/** An array of two chunks of one number each, of which only the second is there. */
async function read(format, type, fill, bytes) {
  const [path, text] = descriptions[format](type, fill)
  const files = new Map([
    [path, new TextEncoder().encode(text)],
    [format === 3 ? '/c/1' : '/1', bytes],
  ])
  const store = { get: async (key) => files.get(key) }
  const array = await zarr.open[`v${format}`](zarr.root(store), { kind: 'array' })
  return [...(await zarr.get(array)).data]
}
const eight = (setter, value) => {
  const view = new DataView(new ArrayBuffer(8))
  view[setter](0, value, true)
  return new Uint8Array(view.buffer)
}
const int64 = (value) => eight('setBigInt64', value)
const uint64 = (value) => eight('setBigUint64', value)
const float64 = (value) => eight('setFloat64', value)
const float32 = (value) => {
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, value, true)
  return new Uint8Array(view.buffer)
}
const largest = 2n ** 63n - 1n
const both = [3, 2]
// type, fill value as written, what it means, what zarrita makes of it, its bytes, formats
const cases = [
  ['int64', '9223372036854775807', largest, -(2n ** 63n), int64, both],
  ['int64', '-9223372036854775807', -largest, -(2n ** 63n), int64, both],
  ['int64', '9007199254740993', 2n ** 53n + 1n, 2n ** 53n, int64, both],
  ['uint64', '18446744073709551615', 2n ** 64n - 1n, 0n, uint64, both],
  ['float32', '"0x7fc00000"', NaN, 0x7fc00000, float32, [3]],
  ['float32', '"0x3f800000"', 1, 0x3f800000, float32, [3]],
  ['float64', '"0x7ff8000000000000"', NaN, 0x7ff8000000000000, float64, [3]],
  // right
  ['int64', '-9223372036854775808', -(2n ** 63n), -(2n ** 63n), int64, both],
  ['int64', '-1', -1n, -1n, int64, both],
  ['float32', '"NaN"', NaN, NaN, float32, both],
  ['float64', '"-Infinity"', -Infinity, -Infinity, float64, both],
  ['float32', '1.5', 1.5, 1.5, float32, both],
]
let same = true
for (const [type, fill, meant, seen, bytes, formats] of cases) {
  for (const format of formats) {
    const found = await read(format, type, fill, bytes(meant))
    const right = Object.is(found[0], meant)
    console.log(`format ${format}, ${type.padEnd(7)} ${fill.padEnd(20)} [${found.join(', ')}]${right ? ' right' : ''}`)
    same &&= Object.is(found[0], seen) && Object.is(found[1], meant)
  }
}
console.log(same ? 'As described: missing chunks hold another number than the fill value' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
