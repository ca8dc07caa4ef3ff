#!/usr/bin/env bash
# onnxruntime-web 1.30.0: what ReduceMax, TopK and Unique make of a NaN depends on where it stands.
#
# Expected: a NaN in the input is in the result, as in NumPy and PyTorch; or it never is. Either way, whatever the order.
# Seen: ReduceMax([1, NaN, 3]) is 3, of [NaN, 1, 3] NaN; ArgMax of the first is 1, the NaN's place, so the two disagree.
# TopK(2) of [1, NaN, 3, 2] is [1, NaN]: the 3 and the 2 are lost. Unique([NaN, NaN, 0, 1]) is [NaN]: 0 and 1 are lost.
# Max of two tensors hands a NaN on from either side.
# Why it matters: a maximum that drops a NaN hides that a model has diverged, and a sampler that takes the k best logits
# gets the worst one instead, because one other logit was NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-web@1.30.0
cat >onnx.mjs <<'JS'
import { readFileSync } from 'node:fs'
import * as ort from 'onnxruntime-web'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'fatal'
export const { version } = JSON.parse(readFileSync('node_modules/onnxruntime-web/package.json', 'utf8'))
export const f32 = (values, shape = [values.length]) => new ort.Tensor('float32', Float32Array.from(values), shape)
export const i64 = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [values.length])

// Just enough of the ONNX file format for a model of one node: protocol buffers, a field's number and kind before its value.
const types = { float32: 1, int64: 7 }
const number = (n) => {
  const bytes = []
  for (let rest = BigInt.asUintN(64, BigInt(n)); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 127n) | 128)
  }
}
const int = (field, value) => [...number(8 * field), ...number(value)]
const block = (field, value) => {
  const bytes = typeof value === 'string' ? [...new TextEncoder().encode(value)] : value
  return [...number(8 * field + 2), ...number(bytes.length), ...bytes]
}
const value = (name, type, shape) => {
  const sizes = shape ? block(2, shape.flatMap((size) => block(1, int(1, size)))) : []
  return [...block(1, name), ...block(2, block(1, [...int(1, types[type]), ...sizes]))]
}

/** The first output of one operation on these tensors. */
export async function run(operation, tensors, attributes = {}, { result = 'float32', outputs = 1 } = {}) {
  const node = [
    ...tensors.flatMap((_, i) => block(1, `x${i}`)),
    ...Array.from({ length: outputs }, (_, i) => block(2, `y${i}`)).flat(),
    ...block(4, operation),
    ...Object.entries(attributes).flatMap(([name, n]) => block(5, [...block(1, name), ...int(3, n), ...int(20, 2)])),
  ]
  const graph = [
    ...block(1, node),
    ...block(2, 'graph'),
    ...tensors.flatMap(({ type, dims }, i) => block(11, value(`x${i}`, type, dims))),
    ...block(12, value('y0', result)),
  ]
  const model = [...int(1, 10), ...block(7, graph), ...block(8, [...block(1, ''), ...int(2, 21)])]
  const session = await ort.InferenceSession.create(Uint8Array.from(model), { executionProviders: ['wasm'] })
  return (await session.run(Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor])))).y0
}
JS
cat >check.mjs <<'JS'
import { f32, i64, run, version } from './onnx.mjs'

console.log(`onnxruntime-web ${version}, Node ${process.version}`)
const scalar = { keepdims: 0 }
const cases = [
  ['ReduceMax [1, NaN, 3]', ['ReduceMax', [f32([1, NaN, 3])], scalar], '3'],
  ['ReduceMax [NaN, 1, 3]', ['ReduceMax', [f32([NaN, 1, 3])], scalar], 'NaN'],
  ['ReduceMin [3, 1, NaN]', ['ReduceMin', [f32([3, 1, NaN])], scalar], '1'],
  ['ReduceMin [NaN, 3, 1]', ['ReduceMin', [f32([NaN, 3, 1])], scalar], 'NaN'],
  ['ArgMax [1, NaN, 3]', ['ArgMax', [f32([1, NaN, 3])], scalar, { result: 'int64' }], '1'],
  ['TopK(2) [1, NaN, 3, 2]', ['TopK', [f32([1, NaN, 3, 2]), i64([2])], {}, { outputs: 2 }], '1, NaN'],
  ['TopK(2) [NaN, 1, 3, 2]', ['TopK', [f32([NaN, 1, 3, 2]), i64([2])], {}, { outputs: 2 }], 'NaN, 3'],
  ['Unique [NaN, NaN, 0, 1]', ['Unique', [f32([NaN, NaN, 0, 1])]], 'NaN'],
  ['Unique [1, 0, 1]', ['Unique', [f32([1, 0, 1])]], '0, 1'],
  ['Max [1, NaN] [NaN, 1]', ['Max', [f32([1, NaN]), f32([NaN, 1])]], 'NaN, NaN'],
]
let same = true
for (const [text, call, seen] of cases) {
  const found = [...(await run(...call)).data].join(', ')
  same &&= found === seen
  console.log(`${text.padEnd(24)} ${found}`)
}
console.log(same ? 'as described' : 'THE BEHAVIOUR HAS CHANGED')
process.exit(same ? 0 : 1)
JS
node check.mjs
