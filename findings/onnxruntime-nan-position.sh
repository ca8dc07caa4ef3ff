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
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-web@1.30.0 onnx-proto@8.0.1
cat >onnx.mjs <<'JS'
import { readFileSync } from 'node:fs'
import proto from 'onnx-proto'
import * as ort from 'onnxruntime-web'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'fatal'
export const { version } = JSON.parse(readFileSync('node_modules/onnxruntime-web/package.json', 'utf8'))
export const f32 = (values, shape = [values.length]) => new ort.Tensor('float32', Float32Array.from(values), shape)
export const i64 = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [values.length])

const described = (name, type, dims) => {
  const elemType = { float32: 1, int64: 7 }[type]
  return { name, type: { tensorType: { elemType, shape: dims && { dim: dims.map((dimValue) => ({ dimValue })) } } } }
}
/** The first output of a model of this one operation. */
export async function run(opType, tensors, attributes = {}, { result = 'float32', outputs = 1 } = {}) {
  const input = tensors.map((_, i) => `x${i}`)
  const output = Array.from({ length: outputs }, (_, i) => `y${i}`)
  const attribute = Object.entries(attributes).map(([name, i]) => ({ name, i, type: 2 }))
  const graph = {
    name: 'graph',
    node: [{ opType, input, output, attribute }],
    input: tensors.map(({ type, dims }, i) => described(input[i], type, dims)),
    output: [described('y0', result)],
  }
  const model = proto.onnx.ModelProto.encode({
    irVersion: 10,
    opsetImport: [{ domain: '', version: 21 }],
    graph,
  }).finish()
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] })
  return (await session.run(Object.fromEntries(tensors.map((tensor, i) => [input[i], tensor])))).y0
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
console.log(
  same ? 'As described: where a NaN stands decides what is lost: it, or everything else' : 'The behaviour has changed',
)
process.exit(same ? 0 : 1)
JS
node check.mjs
