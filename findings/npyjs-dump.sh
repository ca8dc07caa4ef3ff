#!/usr/bin/env bash
# npyjs 1.2.0: dump() with a dtype renames the numbers of a typed array, and does not convert them: 1, 2, 3 become 1.4e-45 and so on.
#
# Expected: a .npy file with the values given, in the dtype asked for ("Specify the dtype for the output"); without one, in a dtype
# that holds them.
# Seen: an Int32Array [1, 2, 3] dumped as f4 is read as [1.4e-45, 2.8e-45, 4.2e-45], a Float64Array [1, 2, 3, 4] as [0, 1.875, 0, 2]:
# the header says f4, the bytes are the old ones. A list of plain numbers with a dtype is converted rightly. Without one it becomes
# f4: of [0.1, 1e-50, 16777217.5] the second is 0 and the third 16777218; with 1e300 in the list, all are f8. A list of two strings
# gets the shape (16), which counts bytes. NumPy 2.4.6 reads the numbers as said, without a word, and refuses the strings.
# Why it matters: this is how JavaScript hands arrays to NumPy. Weights that are narrowed to f4 on their way are noise, with the
# right shape and dtype; and JavaScript's numbers, all of them f8, lose half of their digits or more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts npyjs@1.2.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { dump } from 'npyjs'

/** As NumPy's format says: magic, version, the header's length and text, then as many values as the shape has. */
function read(file) {
  const view = new DataView(file)
  const start = 10 + view.getUint16(8, true)
  const header = new TextDecoder().decode(file.slice(10, start))
  const [, dtype, sizes] = /'descr':'[<|](\w+)'.*'shape':\(([\d,]*)\)/.exec(header)
  const shape = sizes.split(',').filter(Boolean).map(Number)
  const count = shape.reduce((product, size) => product * size, 1)
  const bytes = Number(dtype.slice(1)) * (dtype[0] === 'U' ? 4 : 1) // each character has 4
  const get = { f4: 'getFloat32', f8: 'getFloat64' }[dtype]
  const values = get ? Array.from({ length: count }, (_, i) => view[get](start + i * bytes, true)) : []
  return { dtype, shape, values, whole: file.byteLength === start + count * bytes }
}
const plain = [0.1, 1e-50, 16777217.5]
const text = ({ dtype, shape, values, whole }) =>
  `${dtype} (${shape}) ${values.map((x) => Number(x.toPrecision(9))).join(' ')}${whole ? '' : ', not as long as its shape'}`
// name, arguments, expected, seen
const cases = [
  [
    'Int32Array [1, 2, 3] as f4',
    [new Int32Array([1, 2, 3]), [3], { dtype: 'f4' }],
    'f4 (3) 1 2 3',
    `f4 (3) ${[1, 2, 3].map((x) => Number((x * 2 ** -149).toPrecision(9))).join(' ')}`,
  ],
  [
    'Float64Array [1, 2, 3, 4] as f4',
    [new Float64Array([1, 2, 3, 4]), [2, 2], { dtype: 'f4' }],
    'f4 (2,2) 1 2 3 4',
    'f4 (2,2) 0 1.875 0 2, not as long as its shape',
  ],
  ['[1, 2, 3, 4] as f4', [[1, 2, 3, 4], [2, 2], { dtype: 'f4' }], 'f4 (2,2) 1 2 3 4', 'f4 (2,2) 1 2 3 4'],
  ['[0.1, 1e-50, 16777217.5]', [plain], 'f8 (3) 0.1 1e-50 16777217.5', 'f4 (3) 0.100000001 0 16777218'],
  [
    'the same and 1e300',
    [[...plain, 1e300]],
    'f8 (4) 0.1 1e-50 16777217.5 1e+300',
    'f8 (4) 0.1 1e-50 16777217.5 1e+300',
  ],
  ['the same, a Float64Array', [new Float64Array(plain)], 'f8 (3) 0.1 1e-50 16777217.5', 'f8 (3) 0.1 1e-50 16777217.5'],
  ["['ab', 'c']", [['ab', 'c']], 'U2 (2) ', 'U2 (16) , not as long as its shape'],
]
const { version } = JSON.parse(readFileSync('node_modules/npyjs/package.json', 'utf8'))
console.log(`npyjs ${version}, Node ${process.version}: the file that dump() made`)
let same = true
for (const [name, given, expected, seen] of cases) {
  const found = text(read(dump(...given)))
  console.log(`${name.padEnd(31)} ${found} ${found === expected ? '(right)' : `(expected ${expected.trim()})`}`)
  same &&= found === seen
}
console.log(
  same ? 'As described: a dtype renames what a typed array holds; plain numbers are f4' : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
