#!/usr/bin/env bash
# onnxruntime-web 1.30.0: ReduceSum of int64 adds in double precision: 2^53 + 1 and 1 make 2^53. Seven more operators do so.
#
# Expected: ONNX has these operators for int64, and the sum, product, power, remainder or largest of int64 numbers that fits into an
# int64 is that one. The script computes it with BigInt. No result here overflows.
# Seen: ReduceSum, ReduceMean, ReduceL1, ReduceSumSquare, ReduceProd and Einsum lose what is behind 53 bits: ReduceProd of 3^20 and
# 3^19 ends in ...256 and not ...267. Pow of 7 and 20 ends in ...000 and not ...001. Mod of int64 with fmod = 1 has the
# remainder of the nearest double: 2^53 + 1 modulo 10 is 2, and 3 with fmod = 0. CumSum, Add, Mul, MatMul and ReduceMax of the same
# numbers are right, so that the last of CumSum is not the ReduceSum. The model is the same in onnxruntime for Python.
# Why it matters: a checksum of a tensor, a hash over token ids and a random generator in a graph are sums, products and remainders
# like these; ids and times in nanoseconds are beyond 2^53 each. The result is off by one or two, in an integer type, where nobody
# allows for a tolerance, and by one way of writing the sum and not by another.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-web@1.30.0 onnx-proto@8.0.1
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import proto from 'onnx-proto'
import * as ort from 'onnxruntime-web'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'fatal'
const { version } = JSON.parse(readFileSync('node_modules/onnxruntime-web/package.json', 'utf8'))
console.log(`onnxruntime-web ${version}, Node ${process.version}`)

const i64 = (values, dims = [values.length]) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims)
const described = (name, dims) => ({
  name,
  type: { tensorType: { elemType: 7, shape: dims && { dim: dims.map((dimValue) => ({ dimValue })) } } }, // 7: int64
})
/** The result of a model of this one operation. */
async function run(opType, tensors, attributes = {}) {
  const input = tensors.map((_, i) => `x${i}`)
  const attribute = Object.entries(attributes).map(([name, value]) =>
    typeof value === 'string' ? { name, s: new TextEncoder().encode(value), type: 3 } : { name, i: value, type: 2 },
  )
  const graph = {
    name: 'graph',
    node: [{ opType, input, output: ['y'], attribute }],
    input: tensors.map(({ dims }, i) => described(input[i], dims)),
    output: [described('y')],
  }
  const opsetImport = [{ domain: '', version: 21 }]
  const model = proto.onnx.ModelProto.encode({ irVersion: 10, opsetImport, graph }).finish()
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] })
  return [...(await session.run(Object.fromEntries(tensors.map((tensor, i) => [input[i], tensor])))).y.data]
}
const sum = (values) => values.reduce((a, b) => a + b)
const odd = 2n ** 53n + 1n
const pair = [odd, 1n]
const powers = [3n ** 20n, 3n ** 19n]
const scalar = { keepdims: 0 }
const asDouble = (values, f) => BigInt(f(values.map(Number)))
const product = ([a, b]) => a * b
const squares = [94906267n, 1n]
let same = true
for (const [name, call, expected, seen] of [
  ['ReduceSum', ['ReduceSum', [i64(pair)], scalar], [sum(pair)], [asDouble(pair, sum)]],
  ['ReduceL1', ['ReduceL1', [i64([odd, 0n])], scalar], [odd], [odd - 1n]],
  ['ReduceMean', ['ReduceMean', [i64([odd, odd])], scalar], [odd], [odd - 1n]],
  [
    'ReduceSumSquare',
    ['ReduceSumSquare', [i64(squares)], scalar],
    [sum(squares.map((x) => x * x))],
    [asDouble(squares, (values) => sum(values.map((x) => x * x)))],
  ],
  ['ReduceProd', ['ReduceProd', [i64(powers)], scalar], [product(powers)], [asDouble(powers, product)]],
  ['Einsum i->', ['Einsum', [i64(pair)], { equation: 'i->' }], [sum(pair)], [asDouble(pair, sum)]],
  ['Pow 7 20', ['Pow', [i64([7]), i64([20])]], [7n ** 20n], [BigInt(7 ** 20)]],
  ['Mod, fmod 1', ['Mod', [i64([odd]), i64([10])], { fmod: 1 }], [odd % 10n], [(odd - 1n) % 10n]],
  ['Mod, fmod 0', ['Mod', [i64([odd]), i64([10])]], [odd % 10n]],
  ['CumSum', ['CumSum', [i64(pair), i64([0], [])]], [odd, sum(pair)]],
  ['Add', ['Add', [i64([odd]), i64([1])]], [sum(pair)]],
  ['Mul', ['Mul', powers.map((x) => i64([x]))], [product(powers)]],
  ['MatMul', ['MatMul', [i64(pair, [1, 2]), i64([1, 1], [2, 1])]], [sum(pair)]],
  ['ReduceMax', ['ReduceMax', [i64([odd, odd - 1n])], scalar], [odd]],
]) {
  const result = await run(...call)
  const right = result.join() === expected.join()
  console.log(`${name.padEnd(16)} ${result.join(' ')} ${right ? '(right)' : `(expected ${expected.join(' ')})`}`)
  same &&= result.join() === (seen ?? expected).join() && right === !seen
}
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
