#!/usr/bin/env bash
# typegpu 0.12.5: pack4x8unorm, called on the CPU, neither rounds nor clamps: 0.5 is 127 and not 128, 2 is 254, -0.1 is 231.
#
# Expected: what the GPU computes for the same call, since one function is offered for both. WGSL defines each of the four
# bytes as floor(0.5 + 255 * min(1, max(0, x))). Dawn, asked by `const_assert`, agrees with the numbers that the script has
# from that formula: pack4x8unorm(vec4f(.5, .2, .998, -.1)) is 0x00fe3380.
# Seen: each byte is 255 * x, cut to a whole number and then to its low 8 bits. So -0.1, which should be 0, comes back as .906,
# and 1.01 as .004. What lies between two bytes goes to the lower one: over 1001 numbers from 0 to 1 the mean error is half a
# step downwards.
# Right are the 256 numbers n / 255 themselves, unpack4x8unorm, and pack2x16float, which rounds to the nearest.
# Why it matters: this is how colours, and weights and gradients in 8 bits, are packed. A reference on the CPU that a shader
# is tested against is biased, and turns the most extreme values into others, so that the shader, which is right, fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts typegpu@0.12.5
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { vec2f, vec4f } from 'typegpu/data'
import { pack2x16float, pack4x8unorm, unpack2x16float, unpack4x8unorm } from 'typegpu/std'

const { version } = JSON.parse(readFileSync('node_modules/typegpu/package.json', 'utf8'))
console.log(`typegpu ${version}, Node ${process.version}`)
let same = true

/** The lowest byte of what it packs, and what WGSL's formula says of the same single-precision number. */
const packed = (x) => pack4x8unorm(vec4f(x, 0, 0, 0)) & 255
const wgsl = (x) => Math.floor(0.5 + 255 * Math.min(1, Math.max(0, Math.fround(x))))
for (const [x, seen] of [
  [0.5, 127],
  [0.2, 51],
  [0.998, 254],
  [0.999, 254],
  [1, 255],
  [1.01, 1],
  [2, 254],
  [-0.1, 231],
  [-1, 1],
]) {
  const byte = packed(x)
  const back = unpack4x8unorm(byte).x
  const verdict = byte === wgsl(x) ? ' (right)' : `, expected ${wgsl(x)}`
  console.log(`${String(x).padEnd(6)} is ${String(byte).padEnd(4)} back as ${back.toFixed(3)}${verdict}`)
  same &&= byte === seen && Math.abs(back - byte / 255) < 1e-7
}
const whole = (word) => `0x${word.toString(16).padStart(8, '0')}`
const four = [0.5, 0.2, 0.998, -0.1]
const word = pack4x8unorm(vec4f(...four))
const expected = four.reduce((sum, x, i) => sum + wgsl(x) * 2 ** (8 * i), 0)
console.log(`[${four}] is ${whole(word)}, expected ${whole(expected)}`)
same &&= whole(word) === '0xe7fe337f' && whole(expected) === '0x00fe3380'

const kept = Array.from({ length: 256 }, (_, n) => n).filter((n) => packed(n / 255) === n && wgsl(n / 255) === n).length
console.log(`of 256 numbers n / 255, ${kept} are packed as n`)
same &&= kept === 256

const thousandths = Array.from({ length: 1001 }, (_, i) => i / 1000)
const mean = (f) => thousandths.reduce((sum, x) => sum + f(x) - 255 * x, 0) / 1001
console.log(
  `mean error from 0 to 1, in steps of 1/255: ${mean(packed).toFixed(3)}, by the formula ${mean(wgsl).toFixed(3)}`,
)
same &&= Math.abs(mean(packed) + 0.5) < 0.02 && Math.abs(mean(wgsl)) < 0.02

const halves = [1 / 3, 2051, 6e-8].map((x) => unpack2x16float(pack2x16float(vec2f(x, 0))).x)
console.log(`pack2x16float: ${halves.join(' ')}`)
same &&= halves.join(' ') === `${0.333251953125} 2052 ${2 ** -24}`
console.log(same ? 'As described: cut and not clamped, on the CPU' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
