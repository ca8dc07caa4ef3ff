#!/usr/bin/env bash
# onnxruntime-web 1.30.0: Sigmoid is exactly 0 from -18 downwards, and Elu of a small negative number is exactly 0.
#
# Expected: sigmoid(-18) = 1.5e-8, sigmoid(-50) = 1.9e-22: float32 holds it down to about -87, and Softplus, its integral, is
# right there to the last bits. elu(x) = exp(x) - 1 is x itself near 0.
# Seen: Sigmoid is off by a sixth at -15 and exactly 0 from -18, so that Log of it is -Infinity. Elu of -1e-6 is off by a
# hundredth, and of -1e-8 it is 0: exp(x) - 1 is taken as it stands.
# Why it matters: log(sigmoid(x)) is the loss of a binary classifier. At a logit of -18 it should be -18. A gate or a
# probability that is tiny in training is 0 when the exported model runs, and a product or a logarithm of it says so.
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

console.log(`onnxruntime-web ${version}, Node ${process.version}`)
const exact = {
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Softplus: (x) => Math.log1p(Math.exp(x)),
  Elu: (x) => Math.expm1(x),
}
const found = {}
const inputs = { Sigmoid: [-5, -10, -15, -16, -17, -18, -50], Softplus: [-5, -18, -50], Elu: [-1, -1e-3, -1e-6, -1e-8] }
for (const [name, x] of Object.entries(inputs)) {
  const { data } = await run(name, [f32(x)])
  found[name] = Object.fromEntries(x.map((value, i) => [value, data[i] / exact[name](Math.fround(value)) - 1]))
  x.forEach((value, i) => {
    const right = exact[name](Math.fround(value)).toPrecision(6)
    console.log(
      `${name}(${value})`.padEnd(16),
      String(data[i]).padEnd(26),
      `right ${right}, relative error ${found[name][value].toExponential(1)}`,
    )
  })
}
const [logarithm] = (await run('Log', [await run('Sigmoid', [f32([-18])])])).data
console.log(`Log(Sigmoid(-18)) ${logarithm}, right -18`)
const same =
  found.Sigmoid[-18] === -1 &&
  found.Sigmoid[-50] === -1 &&
  logarithm === -Infinity &&
  Math.abs(found.Softplus[-50]) < 1e-6 &&
  found.Elu[-1e-8] === -1 &&
  Math.abs(found.Elu[-1]) < 1e-6
console.log(same ? 'As described: Sigmoid is 0 from -18, Elu 0 at -1e-8' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
