#!/usr/bin/env bash
# apache-arrow 21.2.0: numbers written to a Float16 column come back as other numbers at both ends of its range.
#
# Expected: what IEEE 754 says of a conversion to half precision: beyond 65520 an infinity, below 2^-25 a zero.
# Seen: 65536 is stored as 2, 100000 as 3.05, -100000 as -3.05; 1e-8 as -Infinity, 5e-9 as NaN, 1e-9 as 4.2e-5. Of the
# float32 numbers between 2^-28 and 2^-25 about 70 in a hundred are not stored as 0. 65520 and 1e10 are right.
# Why it matters: activations, gradients and embeddings are what Float16 columns hold, and they overflow and underflow. No
# error is raised, and the wrong values look like data: an outlier of 100000 becomes a harmless 3, a gradient that should
# vanish becomes infinite.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts apache-arrow@21.2.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Float16, Table, tableFromIPC, tableToIPC, vectorFromArray } from 'apache-arrow'

/** x in half precision, ties to even: scaled so that its last bit is 1, rounded in double precision. */
function half(x) {
  const size = Math.abs(x)
  let unit = 2 ** -24
  while (size / unit >= 2048) unit *= 2
  const low = Math.floor(size / unit)
  const rest = size / unit - low
  const rounded = (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low) * unit
  return Math.sign(x) * (rounded > 65504 ? Infinity : rounded)
}
/** Through a file in memory, as another program would read it. */
const through = (values) => [
  ...tableFromIPC(tableToIPC(new Table({ x: vectorFromArray(values, new Float16()) }))).getChild('x'),
]
const wrong = [65536, 70000, 100000, -100000, 131072, 1e6, 1e-8, -2.4e-8, 5e-9, 1e-9]
const right = [1, 0.1, -3.14159, 2047, 65504, 65520, 1e10, 1e-7]
const { version } = JSON.parse(readFileSync('node_modules/apache-arrow/package.json', 'utf8'))
console.log(`apache-arrow ${version}, Node ${process.version}: Float16 written and read again`)
let same = true
for (const [values, asExpected] of [
  [wrong, false],
  [right, true],
])
  through(values).forEach((found, i) => {
    const expected = half(values[i])
    console.log(`${String(values[i]).padStart(9)} -> ${found} (IEEE 754: ${expected})`)
    same &&= (found === expected) === asExpected
  })
console.log(
  same
    ? 'As described: beyond 65535 and below 2^-25 a Float16 column holds other numbers'
    : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
