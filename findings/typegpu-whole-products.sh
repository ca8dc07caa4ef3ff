#!/usr/bin/env bash
# typegpu 0.12.5: products of whole numbers, called on the CPU, lose their last digits: vec2u(4294967295) times itself is 0, not 1.
#
# Expected: what the GPU computes for the same call, since one function is offered for both. WGSL defines the product of two u32 or i32
# modulo 2^32. Math.imul does that in JavaScript, and BigInt is asked here.
# Seen: the product is made in double precision, which has 53 bits, and cut to 32 bits after that. Of 100,000 random pairs of u32 96 % of
# the products are wrong, by up to 1024, and of i32 91 %. What stays below 2^53 is right, sums and differences wrap as they should.
# dot of two vec2u is not cut to 32 bits at all: (65536, 1) with itself is 4294967297, not 1.
# Why it matters: random numbers and hashes in shaders are products of u32 (PCG, linear congruences, Wang's hash). The first step of such
# a sequence on the CPU is another one than the shader's, so that a mask of dropout or a table of noise that is made again on the CPU to
# check a kernel does not match.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts typegpu@0.12.5
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { vec2i, vec2u, vec4u } from 'typegpu/data'
import { add, dot, mul, sub } from 'typegpu/std'

const { version } = JSON.parse(readFileSync('node_modules/typegpu/package.json', 'utf8'))
console.log(`typegpu ${version}, Node ${process.version}`)
let same = true
const wrap = { u32: (x) => Number(BigInt.asUintN(32, x)), i32: (x) => Number(BigInt.asIntN(32, x)) }
function report(name, found, expected, seen = expected) {
  console.log(`${name}: ${found} ${found === expected ? '(right)' : `(expected ${expected})`}`)
  same &&= found === seen
}
const exact = (type, a, b) => wrap[type](BigInt(a) * BigInt(b))
for (const [type, vector, a, b, seen] of [
  ['u32', vec2u, 65537, 65537],
  ['u32', vec2u, 4294967295, 4294967295, 0],
  ['u32', vec2u, 747796405, 2891336453, 2596036096], // PCG's multiplier and increment
  ['i32', vec2i, -123, 456],
  ['i32', vec2i, 123456789, 987654321, -67153024],
]) {
  const product = mul(vector(a, 0), vector(b, 0)).x
  report(`${type} ${a} * ${b}`, product, exact(type, a, b), seen)
}
let state = 1
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return (state ^ (state >>> 15)) >>> 0
}
const count = 100_000
for (const [type, vector] of [
  ['u32', vec2u],
  ['i32', vec2i],
]) {
  let wrong = 0
  let largest = 0
  for (let i = 0; i < count; i++) {
    const [a, b] = type === 'u32' ? [random(), random()] : [random() | 0, random() | 0]
    const found = mul(vector(a, 0), vector(b, 0)).x
    const expected = exact(type, a, b)
    wrong += Number(found !== expected)
    largest = Math.max(largest, Math.abs((found - expected) | 0))
  }
  console.log(`${type}: ${((100 * wrong) / count).toFixed(1)} % of ${count} products are wrong, by up to ${largest}`)
  same &&= wrong > 0.85 * count && wrong < count && largest > 200 && largest <= 1024
}
report('sum of u32 4294967295 and 2', add(vec2u(4294967295, 0), vec2u(2, 0)).x, 1)
report('difference of u32 0 and 1', sub(vec2u(0, 0), vec2u(1, 0)).x, 4294967295)
report('dot of u32 (65536, 1)', dot(vec2u(65536, 1), vec2u(65536, 1)), 1, 4294967297)
report('dot of u32 (1, 2, 3, 4)', dot(vec4u(1, 2, 3, 4), vec4u(1, 2, 3, 4)), 30)
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
