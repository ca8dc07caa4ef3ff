#!/usr/bin/env bash
# onnxruntime-web 1.30.0: GroupNormalization loses its input where LayerNormalization keeps it.
#
# Expected: 64 values of spread 1 around a mean come out with mean 0 and variance 1, whatever the mean, to about
# mean * 2^-24: that is what float32 holds of the input, and what LayerNormalization and InstanceNormalization deliver.
# Seen: around 1000 GroupNormalization is off by .27, around 3000 by .85, around 10000 by 315 (results should lie in
# -1.5 to 1.5). Its variance is the mean of squares less the square of the mean, which cancels, up to a variance of 0.
# Why it matters: one group of one channel is the same formula as InstanceNormalization, and a layer that is exported as the
# one or the other answers differently; image and audio models normalise inputs that are not centred.
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
import { f32, run, version } from './onnx.mjs'

const ones = (n) => f32(Array(n).fill(1))
console.log(`onnxruntime-web ${version}, Node ${process.version}: largest error of 64 normalised values`)
const largest = {}
for (const mean of [0, 10, 100, 1000, 3000, 10000]) {
  const x = Array.from({ length: 64 }, (_, i) => Math.fround(mean + Math.sin(1.7 * i)))
  const middle = x.reduce((a, b) => a + b) / 64
  const deviation = Math.sqrt(x.reduce((a, b) => a + (b - middle) ** 2, 0) / 64 + 1e-5)
  const error = ({ data }) => Math.max(...x.map((value, i) => Math.abs(data[i] - (value - middle) / deviation)))
  const errors = {
    group: error(await run('GroupNormalization', [f32(x, [1, 1, 64]), ones(1), f32([0])], { num_groups: 1 })),
    instance: error(await run('InstanceNormalization', [f32(x, [1, 1, 64]), ones(1), f32([0])])),
    layer: error(await run('LayerNormalization', [f32(x, [1, 64]), ones(64)], { axis: -1 })),
  }
  largest[mean] = errors
  console.log(
    `mean ${String(mean).padEnd(6)}`,
    Object.entries(errors)
      .map(([name, e]) => `${name} ${e.toExponential(1)}`)
      .join('  '),
  )
}
const same =
  largest[0].group < 1e-6 &&
  largest[1000].group > 0.1 &&
  largest[10000].group > 100 &&
  [1000, 10000].every((mean) => largest[mean].instance < 0.01 && largest[mean].layer < 0.01)
console.log(same ? 'As described: GroupNormalization cancels where the other two do not' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
