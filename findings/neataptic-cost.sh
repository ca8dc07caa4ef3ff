#!/usr/bin/env bash
# neataptic 1.4.7 and synaptic 1.1.4: the cost function that train() is given does not change the training; a SOFTSIGN unit of
# neataptic learns by a derivative of the wrong sign.
#
# Expected: that the weights follow the gradient of the cost that is asked for. The script takes it by differences of the
# packages' own cost functions, and derivatives of the activations likewise.
# Seen: from the same weights all seven costs of neataptic and all three of synaptic lead to the same network, digit for digit;
# only the error that is reported differs. The step is that of the cross-entropy of a logistic unit, at least twice as long as
# that of the mean squared error, the default. The derivative of SOFTSIGN is given as x / (1 + |x|)^2 and is 1 / (1 + |x|)^2: for
# a negative x it has the wrong sign, at 0 it is 0 where 1 is right, and such a unit moves away from its target. MSLE lacks the
# square: it is the difference of two logarithms, negative where predictions are too high. The derivatives of the other
# activations are right.
# Why it matters: costs are compared by training with each, and here there is one result for all. With MSLE a network that
# predicts too much has a better error than a perfect one, and training, which stops where the error is small enough, ends in its
# first round.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts neataptic@1.4.7 synaptic@1.1.4
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import neataptic from 'neataptic'
import synaptic from 'synaptic'

const version = (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version}`
console.log(`${version('neataptic')}, ${version('synaptic')}, Node ${process.version}`)
const { cost, activation } = neataptic.methods
const short = (x) => Number(x.toPrecision(5))
const copy = (x) => JSON.parse(JSON.stringify(x))
let same = true

// the same first weights, the same examples in the same order, another cost
const examples = [
  { input: [0, 1], output: [0.2] },
  { input: [1, 0.5], output: [0.9] },
  { input: [0.3, 0.3], output: [0.6] },
]
const trainers = {
  neataptic: (json, name) => {
    const network = neataptic.Network.fromJSON(copy(json))
    return [network.train(examples, { iterations: 50, rate: 0.3, cost: cost[name] }), network]
  },
  synaptic: (json, name) => {
    const network = synaptic.Network.fromJSON(copy(json))
    return [
      new synaptic.Trainer(network).train(examples, {
        iterations: 50,
        rate: 0.3,
        error: -1,
        cost: synaptic.Trainer.cost[name],
      }),
      network,
    ]
  },
}
for (const [library, first, costs] of [
  ['neataptic', new neataptic.architect.Perceptron(2, 3, 1).toJSON(), Object.keys(cost)],
  ['synaptic', new synaptic.Architect.Perceptron(2, 3, 1).toJSON(), Object.keys(synaptic.Trainer.cost)],
]) {
  const found = costs.map((name) => {
    const [{ error }, network] = trainers[library](first, name)
    const outputs = examples.map(({ input }) => network.activate(input)[0])
    console.log(
      `${library}, ${name.padEnd(13)} reported error ${String(short(error)).padEnd(9)} outputs ${outputs.map(short).join(' ')}`,
    )
    return { error, outputs: outputs.join(' ') }
  })
  same &&= new Set(found.map(({ outputs }) => outputs)).size === 1
  same &&= new Set(found.map(({ error }) => error)).size > 2
}

// one step of a network of one unit in each layer
const unit = new neataptic.architect.Perceptron(1, 1, 1)
const [, hidden, output] = unit.nodes
const at = (name, bias) => {
  output.bias = bias
  return cost[name]([0.2], unit.activate([0.7]))
}
output.bias = 0
const gradients = ['CROSS_ENTROPY', 'MSE', 'MAE'].map((name) => (at(name, 1e-5) - at(name, -1e-5)) / 2e-5)
output.bias = 0
unit.activate([0.7])
unit.propagate(0.01, 0, true, [0.2])
const step = output.bias / -0.01
console.log(
  `step of the output's bias ${short(step)}; gradients: cross-entropy, MSE, MAE ${gradients.map(short).join(' ')}`,
)
same &&= Math.abs(step / gradients[0] - 1) < 1e-3 && Math.abs(step / gradients[1] - 1) > 0.1

for (const [name, f] of Object.entries(activation)) {
  const places = [-0.7, 0.3, 2.1]
  const given = places.map((x) => f(x, true))
  const found = places.map((x) => (f(x + 1e-6) - f(x - 1e-6)) / 2e-6)
  const right = given.every((x, i) => Math.abs(x - found[i]) < 1e-5)
  if (!right)
    console.log(
      `${name}: derivatives at ${places.join(' ')}: ${given.map(short).join(' ')} (expected ${found.map(short).join(' ')})`,
    )
  same &&= right === (name !== 'SOFTSIGN')
}
// a hidden unit whose sum is negative, before a linear output with weight 1 that is below its target: the bias should rise
const steps = ['SOFTSIGN', 'TANH'].map((name) => {
  hidden.squash = activation[name]
  output.squash = activation.IDENTITY
  for (const node of [hidden, output]) node.bias = 0
  for (const connection of unit.connections) connection.weight = 1
  const [before] = unit.activate([-0.7])
  unit.propagate(0.01, 0, true, [before + 1])
  return hidden.bias / 0.01
})
console.log(
  `a target above the output: the bias of a hidden SOFTSIGN moves by ${short(steps[0])}, of a TANH by ${short(steps[1])}`,
)
same &&= steps[0] < 0 && steps[1] > 0

for (const outputs of [[0.5], [1], [2]]) {
  const expected = Math.log(1 / outputs[0]) ** 2
  console.log(
    `MSLE of target 1 and output ${outputs[0]}: ${short(cost.MSLE([1], outputs))} (squared: ${short(expected)})`,
  )
}
same &&= cost.MSLE([1], [2]) < 0 && cost.MSLE([1], [1]) === 0
console.log(same ? 'As described: a cost is reported, not minimised' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
