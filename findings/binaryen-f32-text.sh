#!/usr/bin/env bash
# binaryen 132.0.0: an f32 constant in WebAssembly's text is rounded twice, first to f64: 1.0000000596046448 is read as 1.
#
# Expected: the nearest f32, of two as near the even one, as WebAssembly's specification says of constants. wabt 1.0.39 is asked beside it.
# Seen: a decimal or hexadecimal text just above the middle between two f32 becomes the middle when it is rounded to f64, and the tie
# goes to the even one, downwards. So do those just below the middle, upwards. 0x1.0000010000000001p0 is 1 and should be 1.00000012.
# Of texts that an f64 holds exactly all are right, and so are f64 constants.
# Why it matters: binaryen.js is how tools and tests in JavaScript make modules of text, and AssemblyScript is built on it. Tables of
# coefficients for exp or tanh are written with more digits than an f32 has, so that the compiler may round once. The same text gives other
# bits by wabt and by binaryen, and kernels that are compared bit by bit differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts binaryen@132.0.0 wabt@1.0.39
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import binaryen from 'binaryen'
import wabtModule from 'wabt'

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
console.log(`binaryen ${version('binaryen')}, wabt ${version('wabt')}, Node ${process.version}`)
const wabt = await wabtModule()
const source = (type, text) => `(module (func (export "f") (result ${type}) (${type}.const ${text})))`
const value = (bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f()
const byBinaryen = (type, text) => value(binaryen.parseText(source(type, text)).emitBinary())
function byWabt(type, text) {
  const module = wabt.parseWat('constant.wat', source(type, text))
  module.resolveNames()
  module.validate()
  return value(module.toBinary({}).buffer)
}
let same = true
function report(type, text, expected, seen = expected) {
  const [binaryen, wabt] = [byBinaryen(type, text), byWabt(type, text)]
  console.log(
    `${type} ${text}: ${binaryen} ${binaryen === expected ? '(right)' : `(expected ${expected})`}, by wabt ${wabt}`,
  )
  same &&= binaryen === seen && wabt === expected
}
const step = 2 ** -23 // between two f32 behind 1
report('f32', '1.00000005960464477539062500001', 1 + step, 1) // above the middle between 1 and 1 + step
report('f32', '1.00000017881393432617187499999', 1 + step, 1 + 2 * step) // below the middle between the next two
report('f32', '0x1.0000010000000001p0', 1 + step, 1)
report('f32', '0x1.0000030000000001p0', 1 + 2 * step)
report('f32', '0x1.0000050000000001p0', 1 + 3 * step, 1 + 2 * step)
report('f32', '1.000000059604644775390625', 1) // the middle: to the even one
report('f32', '0x1.00000100001p0', 1 + step) // an f64 holds it
report('f32', '0.1', Math.fround(0.1))
report('f32', '16777217', 16777216)
report('f32', '3.4028235e38', Math.fround(3.4028235e38))
report('f64', '0.1', 0.1)
report('f64', '1.00000000000000011102230246251565404236316680908203126', 1 + 2 ** -52)
report('f64', '1.00000005960464477539062500001', 1 + 2 ** -24)

/** Middles between two f32, at random, and a little above: the upper one is right. */
let state = 1
const count = 200
let low = 0
let right = 0
for (let i = 0; i < count; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  const fraction = state >>> 9 // 23 bits
  const text = `0x1.${((fraction * 2 + 1) * 2 ** 4).toString(16).padStart(7, '0')}000000001p0` // 24 bits in 7 digits, then a little
  const upper = 1 + (fraction + 1) * step
  const found = byBinaryen('f32', text)
  right += Number(found === upper)
  low += Number(found === upper - step && fraction % 2 === 0)
}
console.log(`a little above a middle, ${count} at random: ${right} right, ${low} rounded to the even f32 below`)
same &&= right + low === count && low > 60 && right > 60
console.log(same ? 'As described: rounded twice' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
