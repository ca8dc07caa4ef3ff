#!/usr/bin/env bash
# jsfive 0.4.2: numbers of an HDF5 file that were never written are undefined, texts keep their padding, and 64-bit integers are
# rounded.
#
# Expected: where a chunk was never written every element is the fill value, which is 0 if none was set (HDF5 file format
# specification 3.0, IV.A.2.f; H5Pset_fill_value); "null pad" is no part of a text (IV.A.2.d); and the integers that the file has,
# as h5wasm 0.10.3, the HDF5 library itself in WebAssembly, reads them from the same file.
# Seen: a list of 4 that was enlarged to 10 is [1, 2, 3, 4, undefined, ...]; in a table 4 x 6 the chunk that is there is right and
# all around it undefined. 'cat' in 5 bytes is 'cat\0\0'. 2^53 + 1 loses its last digit, 2^63 - 1 and 2^64 - 1 become one more
# than they are. There is no error. float32, integers of up to 32 bits, texts of any length, compression and chunks that were
# written are right.
# Why it matters: this is how arrays that grow are stored, and masks that are mostly empty. A Float32Array of it has NaN in these
# places, the mean is NaN, and indexes are; a label 'cat\0\0' equals no 'cat', so that no example is of that class; and ids of
# examples, hashes and seeds of 64 bits meet others or are not found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts jsfive@0.4.2 h5wasm@0.10.3
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import h5wasm, { ready } from 'h5wasm/node'
import { File } from 'jsfive'

await ready
const versions = ['jsfive', 'h5wasm'].map(
  (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version}`,
)
console.log(`${versions.join(', ')}, Node ${process.version}`)

const file = new h5wasm.File('a.h5', 'w')
const count = (length) => Array.from({ length }, (_, i) => i + 1)
const numbers = { data: new Float32Array(count(4)), shape: [4], chunks: [4], maxshape: [100], dtype: '<f' }
file.create_dataset({ ...numbers, name: 'all written' })
file.create_dataset({ ...numbers, name: 'enlarged' })
file.get('enlarged').resize([10])
file.create_dataset({
  name: 'table',
  data: new Int32Array(count(6)),
  shape: [2, 3],
  chunks: [2, 3],
  maxshape: [4, 6],
  dtype: '<i',
})
file.get('table').resize([4, 6])
file.create_dataset({
  name: 'compressed',
  data: new Float32Array(count(4)),
  shape: [4],
  chunks: [4],
  dtype: '<f',
  compression: 4,
})
file.create_dataset({ name: '5 bytes', data: ['cat', 'mouse', ''], shape: [3], dtype: 'S5' })
file.create_dataset({ name: 'any length', data: ['cat', 'mouse', ''], shape: [3], dtype: 'S' })
file.create_dataset({
  name: 'int64',
  data: new BigInt64Array([7n, -(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n]),
  shape: [4],
  dtype: '<q',
})
file.create_dataset({ name: 'uint64', data: new BigUint64Array([7n, 2n ** 64n - 1n]), shape: [2], dtype: '<Q' })
file.create_dataset({ name: 'uint32', data: new Uint32Array([7, 2 ** 32 - 1]), shape: [2], dtype: '<I' })
file.close()

const text = (values) =>
  Array.from(values, (x) => (typeof x === 'string' ? JSON.stringify(x) : typeof x === 'number' ? BigInt(x) : x)).join(
    ' ',
  )
const bytes = readFileSync('a.h5')
const read = new File(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), 'a.h5')
const library = new h5wasm.File('a.h5', 'r')
const nothing = Array(6).fill('undefined').join(' ')
let same = true
for (const [name, seen, expected] of [
  ['all written', '1 2 3 4', '1 2 3 4'],
  ['enlarged', `1 2 3 4 ${nothing}`, '1 2 3 4 0 0 0 0 0 0'],
  [
    'table',
    `1 2 3 ${'undefined '.repeat(3)}4 5 6 ${'undefined '.repeat(3)}${nothing} ${nothing}`,
    `1 2 3 0 0 0 4 5 6 0 0 0${' 0'.repeat(12)}`,
  ],
  ['compressed', '1 2 3 4', '1 2 3 4'],
  ['5 bytes', '"cat\\u0000\\u0000" "mouse" "\\u0000\\u0000\\u0000\\u0000\\u0000"', '"cat" "mouse" ""'],
  ['any length', '"cat" "mouse" ""', '"cat" "mouse" ""'],
  [
    'int64',
    '7 -9223372036854775808 9007199254740992 9223372036854775808',
    '7 -9223372036854775808 9007199254740993 9223372036854775807',
  ],
  ['uint64', '7 18446744073709551616', '7 18446744073709551615'],
  ['uint32', '7 4294967295', '7 4294967295'],
]) {
  const found = Array.from(read.get(name).value, (x) => (x === undefined ? 'undefined' : x))
  const shown = found.map((x) => (x === 'undefined' ? x : text([x]))).join(' ')
  console.log(`${name.padEnd(11)} ${shown}${shown === expected ? ' (right)' : `\n   expected ${expected}`}`)
  same &&= shown === seen && text(library.get(name).value) === expected
}
const { value } = read.get('enlarged')
console.log(
  `mean of the enlarged list: ${Float32Array.from(value).reduce((a, b) => a + b) / value.length} (expected 1)`,
)
console.log(same ? 'As described: h5wasm reads what is expected, jsfive does not' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
