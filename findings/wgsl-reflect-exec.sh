#!/usr/bin/env bash
# wgsl_reflect 1.6.0: WgslExec's product of two matrices comes out transposed, and a u32 is shifted right with its sign.
#
# Expected: what WGSL's specification says and a GPU gives ("produces the same buffer results a GPU would", says the README): columns
# of a product are the left matrix times columns of the right one; v * m is a row times a matrix; `>>` of a u32 moves zeros in.
# Seen: the square of mat2x2f(1, 2, 3, 4) is (7, 15, 10, 22) and should be (7, 10, 15, 22). vec2f(1, 2) * m is what m * vec2f(1, 2)
# should be. 0x80000000u >> 1u is 3221225472 and should be 1073741824, so a PCG hash is another number. transpose of a mat3x2, but
# not of a mat2x2, is wrong; round(0.5) is 1 (ties go to even: 0), and 0x1.8p-1 is 0. There is no error and no message. Dawn (webgpu
# 0.6.2, on SwiftShader) gives what is expected. matrix * vector, `>>` of an i32 and round(1.5) are right.
# Why it matters: it is a way to test compute shaders where there is no GPU. A right kernel fails its test, and one with the operands
# in the wrong order passes; whoever draws random numbers from a hash in a shader checks them against others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts wgsl_reflect@1.6.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { WgslExec, WgslParser } from 'wgsl_reflect/wgsl_reflect.module.js'

/** What `expressions` give, each written to an element of the storage buffer, after `before`. */
function run(type, before, expressions) {
  const buffer = new { u32: Uint32Array, i32: Int32Array, f32: Float32Array }[type](expressions.length)
  const writes = expressions.map((expression, i) => `result[${i}] = ${expression};`)
  const shader = `@group(0) @binding(0) var<storage, read_write> result: array<${type}>;
    @compute @workgroup_size(1) fn main() { ${before} ${writes.join(' ')} }`
  new WgslExec(WgslParser.Parse(shader)).dispatchWorkgroups('main', 1, { 0: { 0: buffer } })
  return [...buffer]
}
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0)
const flipped = (columns) => columns[0].map((_, row) => columns.map((column) => column[row]))
/** left * right, both as lists of columns. */
const product = (left, right) => right.map((column) => flipped(left).map((row) => dot(row, column)))
function pcg(seed) {
  const state = (Math.imul(seed, 747796405) + 2891336453) >>> 0
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0
  return ((word >>> 22) ^ word) >>> 0
}
const [three, two, square] = [
  [
    [1, 2],
    [3, 4],
    [5, 6],
  ],
  [
    [1, 2, 3],
    [4, 5, 6],
  ],
  [
    [1, 2],
    [3, 4],
  ],
]
const matrices = `let three = mat3x2f(${three}); let two = mat2x3f(${two}); let square = mat2x2f(${square});`
const xy = (name) => [`${name}.x`, `${name}.y`]
const xyz = (name) => [...xy(name), `${name}.z`]
const hash = `let s = 7u * 747796405u + 2891336453u; let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;`
// name, type, before, expressions, expected, seen
const cases = [
  ['0x80000000u >> 1u', 'u32', 'let a = 0x80000000u;', ['a >> 1u'], [0x80000000 >>> 1], [3221225472]],
  ['PCG hash of 7', 'u32', hash, ['(w >> 22u) ^ w'], [pcg(7)], [980670662]],
  ['-7 >> 1u', 'i32', 'let a = -7;', ['a >> 1u'], [-7 >> 1], [-4]],
  [
    'vec2(1, 2) * mat3x2',
    'f32',
    `${matrices} let v = vec2f(1, 2) * three;`,
    xyz('v'),
    three.map((c) => dot(c, [1, 2])),
    [9, 12, 15],
  ],
  [
    'vec2(1, 2) * mat2x2',
    'f32',
    `${matrices} let v = vec2f(1, 2) * square;`,
    xy('v'),
    square.map((c) => dot(c, [1, 2])),
    [7, 10],
  ],
  [
    'mat3x2 * vec3(1, 2, 3)',
    'f32',
    `${matrices} let v = three * vec3f(1, 2, 3);`,
    xy('v'),
    product(three, [[1, 2, 3]]).flat(),
    [22, 28],
  ],
  [
    'mat3x2 * mat2x3',
    'f32',
    `${matrices} let m = three * two;`,
    [...xy('m[0]'), ...xy('m[1]')],
    product(three, two).flat(),
    [22, 49, 28, 64],
  ],
  [
    'mat2x2 * mat2x2',
    'f32',
    `${matrices} let m = square * square;`,
    [...xy('m[0]'), ...xy('m[1]')],
    product(square, square).flat(),
    [7, 15, 10, 22],
  ],
  [
    'transpose(mat3x2)',
    'f32',
    `${matrices} let m = transpose(three);`,
    [...xyz('m[0]'), ...xyz('m[1]')],
    flipped(three).flat(),
    [1, 4, 2, 5, 3, 6],
  ],
  [
    'transpose(mat2x2)',
    'f32',
    `${matrices} let m = transpose(square);`,
    [...xy('m[0]'), ...xy('m[1]')],
    flipped(square).flat(),
    [1, 3, 2, 4],
  ],
  ['round(0.5)', 'f32', 'let a = 0.5;', ['round(a)'], [0], [1]],
  ['round(1.5)', 'f32', 'let a = 1.5;', ['round(a)'], [2], [2]],
  ['0x1.8p-1', 'f32', '', ['0x1.8p-1'], [0.75], [0]],
]
const { version } = JSON.parse(readFileSync('node_modules/wgsl_reflect/package.json', 'utf8'))
console.log(`wgsl_reflect ${version}, Node ${process.version}: a shader run by WgslExec`)
let same = true
for (const [name, type, before, expressions, expected, seen] of cases) {
  const found = run(type, before, expressions)
  const equal = found.join() === expected.join()
  console.log(`${name.padEnd(23)} ${found.join(' ').padEnd(14)} ${equal ? '(right)' : `(WGSL: ${expected.join(' ')})`}`)
  same &&= found.join() === seen.join()
}
console.log(
  same
    ? 'As described: products with a matrix on the right and `>>` of a u32 have other results'
    : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
