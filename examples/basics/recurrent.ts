// Whether a sequence of bits ends as it begins: a recurrent cell in a loop, whose derivative is computed in two ways.
import * as rmaat from 'rmaat'

const [ROWS, LENGTH, HIDDEN] = [64, 6, 16]

const device = await rmaat.openDevice('wasm', { threads: 1 })
const tree = { cell: rmaat.gruParameters(1, HIDDEN), head: rmaat.linearParameters(HIDDEN, 2) }
const parameters = new rmaat.Parameters(device, tree, 1)
const { cell, head } = parameters.tensors
const optimizer = new rmaat.AdamW(parameters, { rate: 0.02 })

/** [ROWS, LENGTH] bits to [ROWS, 2] logits. The carry of the loop is the state of the cell, [ROWS, HIDDEN]. */
function logitsOf(bits: rmaat.Tensor, unroll: boolean) {
  const inputs = [bits.transpose([1, 0]).reshape([LENGTH, ROWS, 1])]
  const options = { count: LENGTH, carry: [rmaat.zeros([ROWS, HIDDEN])], inputs, unroll }
  const { carry } = rmaat.loop(options, ([h], [x]) => ({ carry: [rmaat.gruCell(x, h, cell)] }))
  return rmaat.linear(carry[0], head)
}

/** A loop keeps its carries and computes each body again on the way back; unrolled it keeps all that it has computed. */
const trainingStep = (unroll: boolean) =>
  rmaat.compile(device, { bits: rmaat.f32(ROWS, LENGTH), same: rmaat.i32(ROWS) }, ({ bits, same }) => {
    const loss = logitsOf(bits, unroll).crossEntropy(same).mean()
    const gradient = parameters.flat(rmaat.grad(loss, parameters.list))
    return { loss, gradient, updates: unroll ? [] : optimizer.update(gradient) }
  })
const [replayed, unrolled] = [trainingStep(false), trainingStep(true)]

// all sequences, in the order of the numbers that they are
const bits = Float32Array.from({ length: ROWS * LENGTH }, (_, i) => (Math.floor(i / LENGTH) >> (i % LENGTH)) & 1)
const same = Int32Array.from({ length: ROWS }, (_, row) => Number((row & 1) === row >> (LENGTH - 1)))
for (let i = 0; i <= 100; i++) {
  const { gradient: all } = i % 50 === 0 ? await unrolled.arrays({ bits, same }) : {}
  const { loss, gradient } = await replayed.arrays({ bits, same })
  if (!all) continue
  const equal = gradient.every((value, at) => value === all[at])
  console.log(
    `step ${i}: loss ${loss[0].toFixed(4)}, the two gradients are ${equal ? 'equal, bit for bit' : 'not equal'}`,
  )
}
const bytes = (program: { readonly memory: { readonly arena: number } }) => `${program.memory.arena} bytes`
console.log(`for results: ${bytes(replayed)} by replay, ${bytes(unrolled)} unrolled`)
device.close()
