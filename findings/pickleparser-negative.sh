#!/usr/bin/env bash
# pickleparser 0.2.1: a negative whole number beyond 32 bits that Python pickled is read as a positive one: -2^32 as 1095216660480.
#
# Expected: the number that was pickled. Python writes whole numbers beyond 32 bits in as few bytes as hold them, in two's complement
# (LONG1 of the pickle protocol 2 and newer).
# Seen: the number is read as one without a sign, so that 256^n is added to a negative one of n bytes: -2147483649 becomes 1097364144127,
# -10^12 becomes 2^48 - 10^12, and -2^60 becomes 2^64 - 2^60. All positive numbers up to 2^53, and negative ones down to -2^31, are
# right. Protocol 0 writes in text, and there these numbers are right, and Infinity is NaN.
# Why it matters: pickles are how data sets such as CIFAR are published, and how columns of Python come to JavaScript. Times in
# milliseconds before 1969-12-07 and in seconds before 1901, differences of hashes, and offsets are such numbers. Nothing says that one
# is wrong; NaN and negative labels would be noticed, a large positive number is a plausible time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts pickleparser@0.2.1
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Parser } from 'pickleparser'

const { version } = JSON.parse(readFileSync('node_modules/pickleparser/package.json', 'utf8'))
console.log(`pickleparser ${version}, Node ${process.version}`)
const parse = (bytes) => new Parser().parse(Buffer.from(bytes))
/** As Python writes it with protocol 2: LONG1, how many bytes, and so many of the two's complement, as few as keep the sign. */
function pickled(x) {
  const value = BigInt(x)
  let count = 1
  while (BigInt.asIntN(8 * count, value) !== value) count++
  return [
    0x80,
    2,
    0x8a,
    count,
    ...Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)),
    0x2e,
  ]
}
let same = true
function report(name, found, expected, seen = expected) {
  console.log(`${name}: ${found} ${Object.is(found, expected) ? '(right)' : `(expected ${expected})`}`)
  same &&= Object.is(found, seen)
}
// what python3 -c 'import pickle; print(list(pickle.dumps(-2**32, 2)))' prints
const known = [128, 2, 138, 5, 0, 0, 0, 0, 255, 46]
same &&= `${pickled(-(2 ** 32))}` === `${known}`
report('-2^32 by Python 3.11', parse(known), -(2 ** 32), 2 ** 40 - 2 ** 32)
for (const x of [
  2 ** 31,
  2 ** 32,
  2 ** 40,
  1e12,
  2 ** 53 - 1,
  -(2 ** 31) - 1,
  -62135596800, // the year 1, in seconds
  -(2 ** 39),
  -1e12,
  -(2 ** 47),
  -1e15,
  -(2 ** 53) + 1,
]) {
  const bytes = pickled(x)
  const count = bytes[3]
  report(`${x} in ${count} bytes`, parse(bytes), x, x < 0 ? x + 256 ** count : x)
}
report('-2^60 in 8 bytes', parse(pickled(-(2 ** 60))), -(2 ** 60), 2 ** 64 - 2 ** 60)
report('-5, protocol 2', parse([0x80, 2, 0x4a, 0xfb, 0xff, 0xff, 0xff, 0x2e]), -5)
report('-2^32, protocol 0', parse(Buffer.from('L-4294967296L\n.')), -(2 ** 32))
report('infinity, protocol 0', parse(Buffer.from('Finf\n.')), Infinity, NaN)
report('infinity, protocol 2', parse([0x80, 2, 0x47, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0x2e]), Infinity)
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs 2>errors.txt || { cat errors.txt >&2; exit 1; } # the parser warns of numbers above 2^53
