#!/usr/bin/env bash
# numpy-parser 1.2.3: a .npy file of a vector of 3 has the shape [3, 1], and one of booleans ends in "dtype is not defined".
#
# Expected: the shape that NumPy wrote, which is (3,) for a vector: one number, with Python's comma behind it. For a dtype that is not
# supported, the message that the package has for that ("Unknown or not yet implemented numpy dtype description").
# Seen: every vector, of whatever length, gets a second size of 1: a (3,) and a (3, 1) are told apart no more. Matrices, a number alone
# (shape ()) and the values themselves are right. |b1 is answered by a ReferenceError in place of the message.
# Why it matters: biases, losses and labels are vectors. Added to a matrix (4, 3), a row of (3) is added to each row, while (3, 1) fits
# none, or, where the matrix is (3, 3), is added to columns: the result has the right shape and is another one. Where a name of a
# weight is checked by its shape, a bias is refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts numpy-parser@1.2.3
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import parser from 'numpy-parser'

const { version } = JSON.parse(readFileSync('node_modules/numpy-parser/package.json', 'utf8'))
console.log(`numpy-parser ${version}, Node ${process.version}`)
/** As NumPy's save() writes it: magic, version 1.0, the header's length, a header padded to 64 bytes, the values. */
function file(descr, shape, values) {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`
  const bytes = new Uint8Array(10 + header.length + values.byteLength)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8])
  bytes.set(new TextEncoder().encode(header), 10)
  bytes.set(new Uint8Array(values.buffer), 10 + header.length)
  return bytes.buffer
}
let same = true
for (const [descr, shape, values, expected, seen = expected] of [
  ['<f4', '(3,)', new Float32Array([1, -2, 0.5]), [3], [3, 1]],
  ['<f8', '(1,)', new Float64Array([5]), [1], [1, 1]],
  ['<i4', '(4,)', new Int32Array([1, 2, 3, -4]), [4], [4, 1]],
  ['<f4', '(3, 1)', new Float32Array([1, -2, 0.5]), [3, 1]],
  ['<f4', '(1, 3)', new Float32Array([1, -2, 0.5]), [1, 3]],
  ['<f4', '(2, 2, 1)', new Float32Array([1, 2, 3, 4]), [2, 2, 1]],
  ['<f8', '()', new Float64Array([5]), []],
]) {
  const found = parser.fromArrayBuffer(file(descr, shape, values))
  const right = `${found.shape}` === `${expected}`
  console.log(
    `${descr} ${shape}: [${found.shape.join(', ')}] ${right ? '(right)' : `(expected [${expected}])`}, values ${found.data.join(' ')}`,
  )
  same &&= `${found.shape}` === `${seen}` && `${found.data}` === `${values}`
}
let message = 'none'
try {
  parser.fromArrayBuffer(file('|b1', '(2, 2)', new Uint8Array([1, 0, 0, 1])))
} catch (error) {
  message = `${error.name}: ${error.message}`
}
console.log(`|b1 (2, 2): ${message}`)
same &&= message === 'ReferenceError: dtype is not defined'
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
