#!/usr/bin/env bash
# assemblyscript 0.28.20: a whole number above 2^63 in the source, where an f64 is wanted, becomes another number.
#
# Expected: `const x: f64 = 18446744073709551615` is 1.8446744073709552e19, as in TypeScript, or the program is refused.
# Seen: it is -1. 10000000000000000000 is -8446744073709552000, and 123456789012345680000 -5670419503621181000, without a
# warning: the digits are read as a 64-bit integer, wrapped round, and only then become a float. Some values past 2^64 are
# refused (AS236), others are not. With a decimal point or an exponent all are right.
# Why it matters: dividing a random 64-bit word by 18446744073709551615 is how uniform numbers in [0, 1) are often made;
# here they are its negatives, up to -1.8e19. Constants of hash functions and limits of unsigned types go the same way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts assemblyscript@0.28.20
cat >literals.ts <<'TS'
export function a(): f64 { return 9223372036854775808 }
export function b(): f64 { return 10000000000000000000 }
export function c(): f64 { return 18446744073709551615 }
export function d(): f64 { return 123456789012345680000 }
export function e(): f32 { return 10000000000000000000 }
export function withPoint(): f64 { return 18446744073709551615.0 }
export function uniform(word: u64): f64 { return <f64>word / 18446744073709551615 }
TS
npx --no-install asc literals.ts --outFile literals.wasm --bindings esm --optimize 2>warnings.txt
echo 'export function f(): f64 { return 20000000000000000000 }' >refused.ts
npx --no-install asc refused.ts --outFile refused.wasm >refused.txt 2>&1 && echo compiled >refused.txt || true
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { a, b, c, d, e, uniform, withPoint } from './literals.js'

const { version } = JSON.parse(readFileSync('node_modules/assemblyscript/package.json', 'utf8'))
const warnings = readFileSync('warnings.txt', 'utf8')
const refused = /AS236/.test(readFileSync('refused.txt', 'utf8'))
console.log(`assemblyscript ${version}, Node ${process.version}; the compiler said: ${warnings.trim() || 'nothing'}`)
const rows = [
  ['f64 9223372036854775808', a(), -9223372036854775808],
  ['f64 10000000000000000000', b(), -8446744073709551616],
  ['f64 18446744073709551615', c(), -1],
  ['f64 123456789012345680000', d(), -5670419503621181000],
  ['f32 10000000000000000000', e(), Math.fround(-8446744073709551616)],
  ['f64 18446744073709551615.0', withPoint(), 2 ** 64],
  ['2^63 / 18446744073709551615', uniform(2n ** 63n), -(2 ** 63)],
]
for (const [text, found] of rows) console.log(`${text.padEnd(28)} ${found}`)
console.log(`f64 20000000000000000000     ${refused ? 'refused: AS236' : 'compiled'}`)
const same = warnings.trim() === '' && refused && rows.every(([, found, seen]) => found === seen)
console.log(
  same
    ? 'As described: whole numbers above 2^63 wrap round on their way into an f64, without a warning'
    : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
