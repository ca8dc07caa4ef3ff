#!/usr/bin/env bash
# netcdfjs 4.0.0: bytes of a netCDF file are read without their sign and each in an array of its own, and the padding behind bytes and
# shorts is read as more of them.
#
# Expected: what the format's specification says: a BYTE is an 8-bit signed integer, and a variable has as many values as its dimensions
# multiply to. vsize, which the header names, is rounded up to a multiple of 4, and the bytes up to there belong to no value.
# Seen: three bytes -1, 2, -128 come back as [[255], [2], [128], [0]], three shorts 10, -20, 30 as [10, -20, 30, 0]; so do those of a
# variable with records: four in each, where its dimension has 3. What stands in the padding is shown as a number: with bytes of 0x80
# it is -32640. Four shorts, ints, floats and doubles are right. An attribute of bytes is without
# its sign too.
# Why it matters: satellite and weather data keep their measurements as bytes and shorts with a scale and an offset. Negative ones become
# large, and a last row of padding moves every row behind it, if the values are cut into rows by the length of all. A sequence model's
# inputs are shifted without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts netcdfjs@4.0.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { NetCDFReader } from 'netcdfjs'

const { version } = JSON.parse(readFileSync('node_modules/netcdfjs/package.json', 'utf8'))
console.log(`netcdfjs ${version}, Node ${process.version}`)
// type: number in the file, bytes, how a value is written
const types = {
  byte: [1, 1, 'writeInt8'],
  short: [3, 2, 'writeInt16BE'],
  int: [4, 4, 'writeInt32BE'],
  float: [5, 4, 'writeFloatBE'],
  double: [6, 8, 'writeDoubleBE'],
}
const padded = (bytes) => Math.ceil(bytes / 4) * 4
const word = (x) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(x)
  return bytes
}
const name = (text) => Buffer.concat([word(text.length), Buffer.from(text.padEnd(padded(text.length), '\0'))])
function numbers(type, values, fill = 0) {
  const [, size, write] = types[type]
  const bytes = Buffer.alloc(padded(size * values.length), fill)
  for (const [i, x] of values.entries()) bytes[write](x, i * size)
  return bytes
}
/** A classic file: dimensions, one attribute of bytes, variables [name, type, dimensions, values of each record or all of them]. */
function file(records, dimensions, variables, fill) {
  const header = (offsets) =>
    Buffer.concat([
      Buffer.from('CDF\x01'),
      word(records),
      word(10),
      word(dimensions.length),
      ...dimensions.flatMap(([title, size]) => [name(title), word(size)]),
      word(12),
      word(1),
      name('limits'),
      word(types.byte[0]),
      word(2),
      numbers('byte', [-100, 100]),
      word(11),
      word(variables.length),
      ...variables.flatMap(([title, type, ids, rows], i) => [
        name(title),
        word(ids.length),
        ...ids.map(word),
        word(0),
        word(0),
        word(types[type][0]),
        word(numbers(type, rows[0]).length),
        word(offsets[i]),
      ]),
    ])
  const parts = []
  const offsets = []
  let offset = header(variables.map(() => 0)).length
  for (let row = 0; row < (records || 1); row++)
    for (const [i, [, type, , rows]] of variables.entries()) {
      offsets[i] ??= offset
      parts.push(numbers(type, rows[row], fill))
      offset += parts.at(-1).length
    }
  return Buffer.concat([header(offsets), ...parts])
}
const text = (x) => JSON.stringify(x)
let same = true
function report(title, found, expected, seen) {
  console.log(`${title}: ${text(found)} ${text(found) === text(expected) ? '(right)' : `(expected ${text(expected)})`}`)
  same &&= text(found) === text(seen)
}
const values = { byte: [-1, 2, -128], short: [10, -20, 30], int: [1, -2, 3], float: [0.5, -1, 2], double: [0.1, -1, 2] }
const three = new NetCDFReader(
  file(
    0,
    [['x', 3]],
    Object.entries(values).map(([type, list]) => [type, type, [0], [list]]),
    0,
  ),
)
for (const [type, expected] of Object.entries(values)) {
  const seen = { byte: [[255], [2], [128], [0]], short: [10, -20, 30, 0] }[type] ?? expected
  report(`three of ${type}`, three.getDataVariable(type), expected, seen)
}
const filled = new NetCDFReader(file(0, [['x', 3]], [['short', 'short', [0], [values.short]]], 0x80))
report('three of short, padding 0x80', filled.getDataVariable('short'), values.short, [10, -20, 30, -32640])
const four = new NetCDFReader(file(0, [['x', 4]], [['short', 'short', [0], [[1, -2, 3, -4]]]]))
report('four of short', four.getDataVariable('short'), [1, -2, 3, -4], [1, -2, 3, -4])
const rows = [
  [1, 2, 3],
  [4, 5, 6],
]
const recorded = new NetCDFReader(
  file(
    2,
    [
      ['time', 0],
      ['x', 3],
    ],
    [
      ['short', 'short', [0, 1], rows],
      ['time', 'float', [0], [[0.5], [1.5]]],
    ],
  ),
)
report(
  'two records of three shorts',
  recorded.getDataVariable('short'),
  rows,
  rows.map((row) => [...row, 0]),
)
report('their times', recorded.getDataVariable('time'), [0.5, 1.5], [0.5, 1.5])
report('attribute of two bytes', three.getAttribute('limits'), [-100, 100], [156, 100])
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
