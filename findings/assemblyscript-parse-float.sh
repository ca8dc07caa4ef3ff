#!/usr/bin/env bash
# assemblyscript 0.28.20: parseFloat gives 1.77e38 for the text of 1.77e48.
#
# Expected: the number that JavaScript's parseFloat gives, within a last bit or two (the module is compiled from TypeScript).
# Seen: with 17 digits, as JavaScript prints about half of all numbers, a text from about 1e39 to 1e54 loses its exponent:
# 1.77e39, 1.77e48 and 1.77e53 are all 1.775924293305218e+38. With few digits ("1.5e48") and above 1e55 it is right.
# Why it matters: tables of weights, norms or squared distances that JavaScript wrote as text (CSV, JSON) are read as other
# numbers, smaller by up to 15 orders of magnitude, without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts assemblyscript@0.28.20
echo 'export function parse(text: string): f64 { return parseFloat(text) }' >parse.ts
npx --no-install asc parse.ts --outFile parse.wasm --bindings esm --optimize
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { parse } from './parse.js'

const { version } = JSON.parse(readFileSync('node_modules/assemblyscript/package.json', 'utf8'))
console.log(`assemblyscript ${version}, Node ${process.version}: parseFloat`)
const off = (text) => Math.abs(parse(text) / Number(text) - 1) > 1e-9
for (const text of [
  '1.5e48',
  '1.7759242933052182e+38',
  '1.7759242933052182e+39',
  '1.7759242933052182e+48',
  '1.7759242933052182e+53',
  '1.7759242933052182e+55',
])
  console.log(`${text.padEnd(24)} ${parse(text)}${off(text) ? '  (wrong)' : ''}`)
/** How many of 1000 doubles between 10^exponent and 10^(exponent + 1), printed by JavaScript, are not read back. */
function lost(exponent) {
  let count = 0
  for (let i = 0; i < 1000; i++) count += off(String(10 ** (exponent + (i + 0.5) / 1000)))
  return count
}
const exponents = [30, 37, 40, 45, 50, 56, 100]
const counts = exponents.map(lost)
exponents.forEach((exponent, i) => console.log(`1e${exponent} to 1e${exponent + 1}: ${counts[i]} of 1000 are misread`))
const same =
  parse('1.7759242933052182e+48') === parse('1.7759242933052182e+39') &&
  exponents.every((exponent, i) => counts[i] > 200 === (exponent >= 40 && exponent <= 50))
console.log(
  same ? 'As described: parseFloat loses the exponent of 17 digits from 1e39 to 1e54' : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
