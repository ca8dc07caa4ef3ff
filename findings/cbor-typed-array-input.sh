#!/usr/bin/env bash
# cbor 10.0.12: reading a big-endian typed array changes the bytes that were read, so that a second reading has other numbers.
#
# Expected: decoding leaves its input alone, so that the same bytes mean the same each time; RFC 8746 gives tags 65 to 67, 73
# to 75, 81 and 82 to arrays of big-endian numbers. And by RFC 8949, 4.1, the shortest float is one that keeps the value.
# Seen: [1.5, -2] as big-endian float32 is read rightly once; the second time it is [6.9e-41, 2.7e-43], the third time right
# again, and so on, for all eight tags, and for each of decode, decodeFirst, decodeAll and decodeFirstSync. The package turns
# the bytes round in the caller's buffer, which after an odd number of readings is no longer the file. Little-endian arrays
# are left alone. cbor-x 1.6.9 and cbor2 2.3.0 read all of these rightly each time.
# Seen, when writing: encodeCanonical makes 1 of 1.00000001 and of 0.99999999, and 0.5 of 0.5 + 2^-30. It rounds to float32
# before it asks whether half precision will do. Its own encode, cborg 6.1.5 and the canonical form of cbor2 keep them.
# Why it matters: big-endian is the order of networks, of Java and of IDX files. A data set that is kept as bytes and decoded
# once an epoch is noise in every second epoch; so is a file that is checked first and loaded then.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts cbor@10.0.12 cbor-x@1.6.9 cbor2@2.3.0 cborg@6.1.5
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import cbor from 'cbor'
import * as cborX from 'cbor-x'
import * as cbor2 from 'cbor2'
import * as cborg from 'cborg'

const { version } = JSON.parse(readFileSync('node_modules/cbor/package.json', 'utf8'))
console.log(`cbor ${version}, Node ${process.version}`)
let same = true

/** Two numbers as RFC 8746 writes them: a tag, the length of a byte string, and the numbers. */
function tagged(tag, setter, values, littleEndian) {
  const size = { Int16: 2, Uint16: 2, Int32: 4, Uint32: 4, Float32: 4, BigInt64: 8, BigUint64: 8, Float64: 8 }[setter]
  const file = new Uint8Array(3 + 2 * size)
  file.set([0xd8, tag, 0x40 + 2 * size])
  values.forEach((value, i) => {
    new DataView(file.buffer)[`set${setter}`](
      3 + i * size,
      setter.startsWith('Big') ? BigInt(value) : value,
      littleEndian,
    )
  })
  return file
}
const text = (values) => [...values].map((x) => Number(Number(x).toPrecision(2))).join(' ')
const readings = async (read, file) => {
  const found = []
  for (let i = 0; i < 3; i++) found.push(text(await read(file)))
  return found
}
const arrays = [
  [65, 'Uint16', [1, 300], false],
  [66, 'Uint32', [1, 300], false],
  [67, 'BigUint64', [1, 300], false],
  [73, 'Int16', [1, -2], false],
  [74, 'Int32', [1, -2], false],
  [75, 'BigInt64', [1, -2], false],
  [81, 'Float32', [1.5, -2], false],
  [82, 'Float64', [1.5, -2], false],
  [69, 'Uint16', [1, 300], true],
  [85, 'Float32', [1.5, -2], true],
  [86, 'Float64', [1.5, -2], true],
]
for (const [tag, type, values, littleEndian] of arrays) {
  const right = text(values)
  const file = tagged(tag, type, values, littleEndian)
  const before = file.slice()
  const found = await readings(cbor.decode, file)
  const changed = file.some((byte, i) => byte !== before[i])
  console.log(
    `tag ${tag}, ${littleEndian ? 'little' : 'big'}-endian ${type}: ${found.join(' | ')}${changed ? ', bytes changed' : ''}`,
  )
  same &&= found[0] === right && found[2] === right && (found[1] === right) === littleEndian && changed !== littleEndian
  for (const other of [cborX, cbor2]) {
    const input = before.slice()
    same &&=
      (await readings(other.decode, input)).every((x) => x === right) && input.every((byte, i) => byte === before[i])
  }
}
for (const name of ['decode', 'decodeFirst', 'decodeFirstSync', 'decodeAllSync', 'decodeAll']) {
  const file = tagged(81, 'Float32', [1.5, -2], false)
  const read = async (bytes) => {
    const value = await cbor[name](bytes)
    return name.startsWith('decodeAll') ? value[0] : value
  }
  const found = await readings(read, file)
  console.log(`${name}: ${found.join(' | ')}`)
  same &&= found.join() === '1.5 -2,6.9e-41 2.7e-43,1.5 -2'
}

for (const x of [1.00000001, 0.99999999, 0.5 + 2 ** -30, 0.1, 1.5]) {
  const canonical = cbor.decode(cbor.encodeCanonical(x))
  const others = [
    cbor.decode(cbor.encode(x)),
    cborg.decode(cborg.encode(x)),
    cbor2.decode(cbor2.encode(x, cbor2.cdeEncodeOptions)),
  ]
  console.log(`${x}: encodeCanonical keeps ${canonical}; encode, cborg and cbor2 ${others.join(', ')}`)
  same &&= others.every((y) => y === x) && (canonical === x) === (x === 0.1 || x === 1.5)
}
console.log(
  same ? 'As described: every second reading is wrong, and canonical numbers are rounded' : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
