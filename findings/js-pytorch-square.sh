#!/usr/bin/env bash
# js-pytorch 0.7.2: gradients of sum, mean, softmax and LayerNorm are wrong where the last two sizes are alike; so are attention's.
#
# Expected: gradients that agree with differences of the library's own forward pass, which the script takes; for pow also by hand,
# 3x^2 of x^3. Attention divides its scores by the square root of a head's size (Vaswani et al. 2017, 3.2.1; the package follows
# PyTorch, which does so).
# Seen: the gradient of sum(-1) of a [3, 3] goes along the other axis, and that of mean, of variance and of all that contains one
# of them; with [3, 4] all are right. Scores of attention are always [.., time, time]: the gradients that reach its input, Wq and
# Wk are wrong, with one head as with two, and within nn.Block. Wv's and Linear's are right. The gradient of pow(x, 3) at 2 is 4
# and not 12, of pow(x, 0.5) at 4 it is 8 and not 0.25: it is 2x for every exponent. Scores of a head of size 4 are divided by 16
# where 2 is right, and of size 64 by 4096: there 64 against 0, which should be all of the weight, is half of it.
# Why it matters: the loss falls all the same, since the values and the output layer still learn, so that a transformer that
# hardly attends looks like one that is too small. Nothing raises an error, and the README's example is such a transformer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts js-pytorch@0.7.2
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { torch } from 'js-pytorch'

const { nn } = torch
const { version } = JSON.parse(readFileSync('node_modules/js-pytorch/package.json', 'utf8'))
console.log(`js-pytorch ${version}, Node ${process.version}`)

const flat = (values) => (Array.isArray(values) ? values.flatMap(flat) : [values])
function nest(values, shape) {
  if (shape.length === 0) return values[0]
  const size = values.length / shape[0]
  return Array.from({ length: shape[0] }, (_, i) => nest(values.slice(i * size, (i + 1) * size), shape.slice(1)))
}
const tensor = (values, shape, gradient = false) => torch.tensor(nest(values, shape), gradient)
const numbers = (count, from) => Array.from({ length: count }, (_, i) => 1.5 + Math.sin(1.7 * i + from))
const size = (shape) => shape.reduce((a, b) => a * b, 1)

/** The largest difference from finite differences, and the largest of these, for the input or a weight of a module. */
function differences(f, shape, weight) {
  const values = numbers(size(shape), 1)
  const x = tensor(values, shape, true)
  const y = f(x)
  const readers = flat(y.data).map((_, i) => Math.cos(2.3 * i))
  torch.mul(y, tensor(readers, y.shape)).backward()
  const found = flat((weight ?? x).grad)
  const loss = (x) => flat(f(x).data).reduce((sum, value, i) => sum + value * readers[i], 0)
  const expected = found.map((_, i) => {
    const moved = [1e-5, -1e-5].map((step) => {
      if (!weight) return loss(tensor(values.with(i, values[i] + step), shape))
      const before = weight._data
      const all = flat(before)
      weight._data = nest(all.with(i, all[i] + step), weight.shape)
      const result = loss(tensor(values, shape))
      weight._data = before
      return result
    })
    return (moved[0] - moved[1]) / 2e-5
  })
  const most = (values) => Math.max(...values.map(Math.abs))
  return [most(found.map((value, i) => value - expected[i])), most(expected)]
}
/** The same numbers for weights each time. */
function filled(module) {
  module.parameters().forEach((parameter, k) => {
    parameter._data = nest(
      numbers(size(parameter.shape), 5 + k).map((value) => (value - 1.5) / 2),
      parameter.shape,
    )
  })
  return module
}
const softmax = new nn.Softmax()
const linear = filled(new nn.Linear(4, 4))
/** A new one each time, since gradients add up. */
const attention = (heads) => filled(new nn.MultiHeadSelfAttention(4, 4, heads, 3, 0))
const block = filled(new nn.Block(4, 4, 2, 3, 0))
const weightOf = (name, module = attention(2)) => [(x) => module.forward(x), [2, 3, 4], module[name].W]
// name, whether the gradient is right, f, shape of x, the weight if not x
const cases = [
  ['pow(x, 2)', true, (x) => torch.pow(x, 2), [3]],
  ['pow(x, 3)', false, (x) => torch.pow(x, 3), [3]],
  ['pow(x, 0.5)', false, (x) => torch.pow(x, 0.5), [3]],
  ...[
    [3, 4],
    [3, 3],
    [2, 3, 4],
    [2, 3, 3],
    [2, 2, 3, 4],
    [2, 2, 3, 3],
  ].flatMap((shape) => {
    const right = shape.at(-1) === 4
    const layerNorm = new nn.LayerNorm(shape.at(-1))
    return [
      [`sum(-1) of [${shape}]`, right, (x) => x.sum(-1), shape],
      [`mean(-1, true) of [${shape}]`, right, (x) => x.mean(-1, true), shape],
      [`Softmax of [${shape}]`, right, (x) => softmax.forward(x, -1), shape],
      [`LayerNorm of [${shape}]`, right, (x) => layerNorm.forward(x), shape],
    ]
  }),
  ['Linear', true, (x) => linear.forward(x), [2, 3, 4]],
  ...[1, 2].map((heads, _, __, module = attention(heads)) => [
    `attention, heads: ${heads}`,
    false,
    (x) => module.forward(x),
    [2, 3, 4],
  ]),
  ['its Wq', false, ...weightOf('Wq')],
  ['its Wk', false, ...weightOf('Wk')],
  ['its Wv', true, ...weightOf('Wv')],
  ['Wq in a Block', false, (x) => block.forward(x), [2, 3, 4], block.att.Wq.W],
]
let same = true
for (const [name, right, f, shape, weight] of cases) {
  const [error, largest] = differences(f, shape, weight)
  console.log(`${name.padEnd(29)} error ${error.toExponential(0)}, largest gradient ${largest.toPrecision(2)}`)
  same &&= right ? error < 1e-4 * largest : error > 0.1 * largest
}
for (const [x, n, expected, seen] of [
  [2, 3, 12, 4],
  [4, 0.5, 0.25, 8],
]) {
  const at = torch.tensor([x], true)
  torch.pow(at, n).backward()
  console.log(`gradient of pow(x, ${n}) at ${x}: ${at.grad[0]}, expected ${expected}`)
  same &&= at.grad[0] === seen
}

/** Weights of two past tokens whose scores are 0 and `score`, from what attention with one head makes of values 0 and 1. */
function attended(headSize, score) {
  const attention = new nn.MultiHeadSelfAttention(headSize, headSize, 1, 2, 0)
  const only = (value) => nest(Array.from({ length: headSize ** 2 }, (_, i) => (i === 0 ? value : 0)), [headSize, headSize])
  attention.Wq.W._data = only(score)
  for (const { W } of [attention.Wk, attention.Wv, attention.residual_proj]) W._data = only(1)
  const x = tensor(Array.from({ length: 2 * headSize }, (_, i) => Number(i === headSize)), [1, 2, headSize])
  return attention.forward(x).data[0][1][0]
}
for (const headSize of [4, 64]) {
  const score = 8 * Math.sqrt(headSize)
  const share = attended(headSize, score)
  const sigmoid = (x) => 1 / (1 + Math.exp(-x))
  console.log(`head of size ${headSize}, scores 0 and ${score}: ${share.toFixed(4)}, expected ${sigmoid(8).toFixed(4)}`)
  same &&= Math.abs(share - sigmoid(score / headSize ** 2)) < 1e-12
}
console.log(same ? 'As described: gradients wrong where said, scores divided by the square' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
