#!/usr/bin/env bash
# @jax-js/jax 0.1.25 on wasm: random.categorical draws a token that cannot be drawn, once in 167 draws of 50257 tokens.
#
# Expected: "`softmax(logits, axis)` gives the corresponding probabilities", as the package says: where one logit is 100 and all
# others are 0, these have a chance of 2e-39 together. JAX, whose function this is, bounds its uniform numbers away from 0.
# Seen: Gumbel noise is made of numbers from [0, 1) that have 23 bits, so that one in 2^23 is exactly 0 and its noise Infinity,
# which wins against any logit. Over a vocabulary of V that is one draw in 2^23 / V: here 3 of the first 400 keys. Where all other
# logits are -Infinity, as top-k and top-p make them, Infinity - Infinity is NaN and the answer is V itself, which is no index:
# argmax of [1, NaN, 3] is 3 (NumPy: 1). random.gumbel is where it comes from: of 2^24 numbers one is Infinity, and the largest
# other one 15.94. Three tokens with logits of 0, 1 and 2 come in the right proportions.
# Why it matters: this is how a language model's next token is drawn. A text of a thousand tokens has half a dozen that the model
# never chose, or with top-k an index past the end of the vocabulary; in training, Gumbel noise that is infinite makes the loss NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @jax-js/jax@0.1.25
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { defaultDevice, init, numpy as np, random } from '@jax-js/jax'

await init('wasm')
defaultDevice('wasm')
const { version } = JSON.parse(readFileSync('node_modules/@jax-js/jax/package.json', 'utf8'))
console.log(`@jax-js/jax ${version}, Node ${process.version}`)

const [vocabulary, draws] = [50257, 400]
/** What is drawn, once with each of the first keys, that no distribution of these logits gives. */
function wrong(rest, first) {
  const found = []
  for (let key = 0; key < draws; key++) {
    const logits = new Float32Array(vocabulary).fill(rest)
    logits[7] = first
    const token = random.categorical(random.key(key), np.array(logits)).js()
    if (token !== 7) found.push(token)
  }
  return found
}
const chance = (vocabulary - 1) * Math.exp(-100)
const unlikely = wrong(0, 100)
console.log(`token 7 of ${vocabulary}, all others together ${chance.toExponential(1)}: of ${draws} draws also ${unlikely}`)
const masked = wrong(-Infinity, 0)
console.log(`token 7 of ${vocabulary}, all others masked by -Infinity: of ${draws} draws also ${masked}`)
const index = np.argmax(np.array([1, Number.NaN, 3])).js()
console.log(`argmax of [1, NaN, 3]: ${index}`)

const noise = random.gumbel(random.key(0), [2 ** 24]).dataSync()
const infinite = noise.reduce((count, x) => count + Number(x === Infinity), 0)
const largest = noise.reduce((most, x) => (x < Infinity ? Math.max(most, x) : most), 0)
console.log(`2^24 numbers of random.gumbel: ${infinite} infinite, the largest other one ${largest.toFixed(2)}`)

const few = random.categorical(random.key(1), np.array([0, 1, 2]), { shape: [100000] }).dataSync()
const sum = 1 + Math.E + Math.E ** 2
const shares = [0, 1, 2].map((token) => few.reduce((count, x) => count + Number(x === token), 0) / few.length)
console.log(`logits [0, 1, 2]: ${shares.map((x, i) => `${x.toFixed(3)} (${(Math.exp(i) / sum).toFixed(3)})`).join(', ')}`)

const same =
  unlikely.length === 3 &&
  masked.length === 3 &&
  masked.every((token) => token === vocabulary) &&
  index === 3 &&
  infinite === 1 &&
  largest < 16 &&
  shares.every((x, i) => Math.abs(x - Math.exp(i) / sum) < 0.01)
console.log(same ? 'As described: infinite noise chooses the token' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
