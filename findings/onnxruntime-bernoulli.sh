#!/usr/bin/env bash
# onnxruntime-web 1.30.0: Bernoulli draws a 1 with probability 1 - p: of 0 it makes 1 each time, of 1 it makes 0.
#
# Expected: "an output of 1 is produced with probability p and an output of 0 is produced with probability (1-p)", says ONNX's
# description of Bernoulli, of version 15 as of version 22.
# Seen: of probabilities 0, .1, .5, .9 and 1 the ones are 1, .9, .5, .1 and 0 of the draws, in float32, int64 and bool, with a seed and
# without. It has no kernel; what runs is the decomposition that ONNX gives with the operator (in 1.23.1 still), which is Greater of a
# uniform number and p, where Less belongs. onnxruntime 1.30.0 for Python does the same; the reference evaluator of onnx draws
# rightly. RandomUniform, Multinomial and Dropout, in training, are right. A probability of .5, which one tries first, shows nothing.
# Why it matters: this is what torch.bernoulli is exported to: masks of tokens and of noise, stochastic depth, drop path,
# sampling of latent units. A model that keeps .9 of its units keeps .1 in the browser, and masks 85 percent of a text, not 15.
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

const TYPES = { float32: 1, int32: 6, int64: 7, bool: 9 }
const described = (name, type, dims) => ({
  name,
  type: { tensorType: { elemType: TYPES[type], shape: dims && { dim: dims.map((dimValue) => ({ dimValue })) } } },
})
/** The result of a model of this one operation, as numbers. */
async function run(opType, tensors, attributes = {}, result = 'float32') {
  const input = tensors.map((_, i) => `x${i}`)
  const attribute = Object.entries(attributes).map(([name, value]) =>
    Array.isArray(value) ? { name, ints: value, type: 7 } : name === 'seed' ? { name, f: value, type: 1 } : { name, i: value, type: 2 },
  )
  const graph = {
    name: 'graph',
    node: [{ opType, input, output: ['y'], attribute }],
    input: tensors.map(({ type, dims }, i) => described(input[i], type, dims)),
    output: [described('y', result)],
  }
  const opsetImport = [{ domain: '', version: 21 }]
  const model = proto.onnx.ModelProto.encode({ irVersion: 10, opsetImport, graph }).finish()
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] })
  const { y } = await session.run(Object.fromEntries(tensors.map((tensor, i) => [input[i], tensor])))
  return Array.from(y.data, Number)
}
const DRAWS = 20000
const full = (value) => new ort.Tensor('float32', new Float32Array(DRAWS).fill(value), [DRAWS])
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length
let same = true
function report(name, found, expected, seen = expected) {
  const near = (a, b) => Math.abs(a - b) < (b === 0 || b === 1 ? 1e-9 : 0.02) // five standard deviations
  console.log(`${name.padEnd(26)} ${found.toFixed(3)} ${near(found, expected) ? '(right)' : `(expected ${expected})`}`)
  same &&= near(found, seen)
}
for (const p of [0, 0.1, 0.5, 0.9, 1]) report(`Bernoulli of ${p}`, mean(await run('Bernoulli', [full(p)])), p, 1 - p)
for (const type of ['int64', 'bool']) {
  const values = await run('Bernoulli', [full(0.1)], { dtype: TYPES[type] }, type)
  report(`Bernoulli of .1, ${type}`, mean(values), 0.1, 0.9)
}
report('Bernoulli of .1, seed 7', mean(await run('Bernoulli', [full(0.1)], { seed: 7 })), 0.1, 0.9)
const uniform = await run('RandomUniform', [], { shape: [DRAWS] })
report('RandomUniform below .1', mean(uniform.map((x) => Number(x < 0.1))), 0.1)
const logits = new ort.Tensor('float32', Float32Array.of(Math.log(0.9), Math.log(0.1)), [1, 2])
report('Multinomial of .9 .1', mean(await run('Multinomial', [logits], { sample_size: DRAWS }, 'int32')), 0.1)
const scalar = (type, value) => new ort.Tensor(type, [value], [])
const dropped = await run('Dropout', [full(1), scalar('float32', 0.1), scalar('bool', true)])
report('Dropout of .1, zeros', mean(dropped.map((x) => Number(x === 0))), 0.1)
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
