// What character comes next: a causal transformer reads a text, and then goes on with one.
import * as rmaat from 'rmaat'

const TEXT = `the sun is up, the sea is calm, the wind is low. the sun goes down, the sea goes grey, the wind goes on. `
const [ROWS, TOKENS, WIDTH, HEADS, BLOCKS] = [8, 32, 32, 4, 2]
const letters = [...new Set(TEXT)].sort()
const ids = [...TEXT].map((letter) => letters.indexOf(letter))

const device = await rmaat.openDevice('wasm', { threads: 1 })
const block = () => ({
  norm1: rmaat.rmsNormParameters(WIDTH),
  ...rmaat.attentionParameters(WIDTH),
  norm2: rmaat.rmsNormParameters(WIDTH),
  ...rmaat.feedForwardParameters(WIDTH, 4 * WIDTH),
})
const tree = {
  embed: rmaat.embeddingParameters(letters.length, WIDTH),
  position: rmaat.embeddingParameters(TOKENS, WIDTH),
  blocks: Array.from({ length: BLOCKS }, block),
  norm: rmaat.rmsNormParameters(WIDTH),
  head: rmaat.linearParameters(WIDTH, letters.length),
}
const parameters = new rmaat.Parameters(device, tree, 1)
const { embed, position, blocks, norm, head } = parameters.tensors
const optimizer = new rmaat.AdamW(parameters, { rate: 3e-3, decays: ['w', 'wq', 'wk', 'wv', 'wo'] })

/** [rows, TOKENS] ids to [rows, TOKENS, letters] logits; `step` counts the masks of dropout, which training alone has. */
function logitsOf(tokens: rmaat.Tensor, step?: rmaat.Tensor) {
  let x = rmaat.embedding(tokens, embed).add(position)
  for (const of of blocks) {
    const drop = (y: rmaat.Tensor, name: string) => rmaat.dropout(y, 0.05, { of, name, step })
    x = x.add(drop(rmaat.attention(rmaat.rmsNorm(x, of.norm1), of, { heads: HEADS, causal: true }), 'attention'))
    x = x.add(drop(rmaat.feedForward(rmaat.rmsNorm(x, of.norm2), of), 'feedForward'))
  }
  return rmaat.linear(rmaat.rmsNorm(x, norm), head)
}

const train = rmaat.compile(device, { tokens: rmaat.i32(ROWS, TOKENS + 1) }, ({ tokens }) => {
  const loss = logitsOf(tokens.narrow(1, 0, TOKENS), optimizer.steps)
    .crossEntropy(tokens.narrow(1, 1))
    .mean()
  const { gradient } = rmaat.clipByNorm(parameters.flat(rmaat.grad(loss, parameters.list)), 1)
  return { loss, updates: optimizer.update(gradient) }
})
for (let i = 0; i <= 200; i++) {
  const from = Array.from({ length: ROWS }, (_, row) => (37 * (i * ROWS + row)) % (ids.length - TOKENS))
  const { loss } = await train.run({ tokens: from.flatMap((at) => ids.slice(at, at + TOKENS + 1)) })
  if (i % 50 === 0) console.log(`step ${i}: loss ${loss.toFixed(3)}`)
}

const next = rmaat.compile(device, { tokens: rmaat.i32(1, TOKENS) }, ({ tokens }) => ({
  id: logitsOf(tokens).argmax().select(1, -1),
}))
const text = ids.slice(0, TOKENS)
for (let i = 0; i < 30; i++) text.push(...(await next.arrays({ tokens: text.slice(-TOKENS) })).id)
console.log(text.map((id) => letters[id]).join(''))
device.close()
