#!/usr/bin/env bash
# @dsnp/parquetjs 1.8.8: a column of booleans that another program wrote is false in every row, and unsigned integers are negative.
#
# Expected: the values that were written. Parquet stores booleans a bit each (PLAIN) or in runs (RLE, which its encodings.md allows
# for them, always of one bit); UINT_32 and UINT_64 say that the stored 32 or 64 bits are to be read without a sign. The package's
# README lists all of these types, RLE among the encodings of booleans.
# Seen: of a column in runs nothing is read but the nulls, and the rest is false: the number of bits is taken from the column's
# `typeLength`, which booleans do not have in a file, so it is 0. hyparquet-writer 0.17.0 writes runs by default from 17
# values on, so that 16 booleans are right and 17 are all false; pyarrow does with data_page_version='2.0', and so does Java's
# library when it writes version 2. 3000000000 is -1294967296, 2^32 - 1 is -1, 2^64 - 1 is -1n. There is no error. hyparquet 1.33.0
# reads all of them from the same files; booleans a bit each, unsigned integers below 2^31 and 2^63 and floats are right. 1.8.8 is
# what npm installs in Node 20; 1.8.9, for Node 24, does the same.
# Why it matters: masks, "is in the test set", "is a duplicate", "was labelled" are booleans. A filter on one of them keeps all rows
# or none, and a column of yes and no has a single class; hashes and seeds, which are unsigned, match no others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @dsnp/parquetjs@1.8.8 hyparquet@1.33.0 hyparquet-writer@0.17.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import parquetjs from '@dsnp/parquetjs'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'

const versions = ['@dsnp/parquetjs', 'hyparquet', 'hyparquet-writer'].map(
  (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version.replace('v', '')}`,
)
console.log(`${versions.join(', ')}, Node ${process.version}`)

const length = (count) => Array.from({ length: count }, (_, i) => (i * i + i) % 3 === 0)
const columns = {
  '16 booleans': { type: 'BOOLEAN', data: length(16) },
  '17 booleans': { type: 'BOOLEAN', data: length(17) },
  'a bit each': { type: 'BOOLEAN', data: length(17), encoding: 'PLAIN' },
  'all true': { type: 'BOOLEAN', data: Array(100).fill(true) },
  'with nulls': { type: 'BOOLEAN', data: length(20).map((x, i) => (i % 4 === 3 ? null : x)), nullable: true },
  uint32: { type: 'INT32', data: [7, 2 ** 31 - 1, 3e9, 2 ** 32 - 1], unsigned: 'UINT_32' },
  uint64: { type: 'INT64', data: [7n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n], unsigned: 'UINT_64' },
  float: { type: 'FLOAT', data: [0.5, -1.5, 3, 1e30].map(Math.fround) },
}
function write(name, { type, data, unsigned, encoding, nullable = false }) {
  const schema = [
    { name: 'root', num_children: 1 },
    { name, type, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED', ...(unsigned && { converted_type: unsigned }) },
  ]
  return parquetWriteBuffer({ columnData: [{ name, data, encoding }], schema, codec: 'UNCOMPRESSED' })
}
async function read(name, file) {
  const reader = await parquetjs.ParquetReader.openBuffer(Buffer.from(file))
  const cursor = reader.getCursor()
  const values = []
  for (let row = await cursor.next(); row; row = await cursor.next()) values.push(row[name])
  await reader.close()
  return values
}
const letter = (x) => (x === true ? 'T' : x === false ? 'F' : x === null ? '-' : `${x} `)
const short = (values) => values.slice(0, 24).map(letter).join('').trim()
let same = true
for (const [name, column] of Object.entries(columns)) {
  const file = write(name, column)
  const { encodings } = parquetMetadata(file).row_groups[0].columns[0].meta_data
  const { type, data } = column
  const [found, other] = [await read(name, file), (await parquetReadObjects({ file })).map((row) => row[name])]
  const right = short(found) === short(data)
  console.log(`${name.padEnd(11)} ${encodings.join()}: ${short(found)} ${right ? '(right)' : `(expected ${short(data)})`}`)
  const seen = data.map((x) => {
    if (encodings.includes('RLE')) return x && false
    return type === 'INT32' ? x | 0 : type === 'INT64' ? BigInt.asIntN(64, x) : x
  })
  same &&= short(found) === short(seen) && short(other) === short(data)
}
console.log(same ? 'As described: hyparquet reads what was written' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
