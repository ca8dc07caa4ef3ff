// Whether a sequence of bits ends as it begins: a recurrent cell, trained by replay or through all of its steps.
import {
  AdamW,
  compile,
  type Device,
  f32,
  grad,
  gruCell,
  gruParameters,
  i32,
  linear,
  linearParameters,
  loop,
  Parameters,
  type Tensor,
  zeros,
} from '../../src/index.ts'

const [ROWS, LENGTH, HIDDEN] = [64, 6, 16]

export function returning(device: Device, unroll: boolean) {
  const tree = { cell: gruParameters(1, HIDDEN), head: linearParameters(HIDDEN, 2) }
  const parameters = new Parameters(device, tree, 1)
  const { cell, head } = parameters.tensors
  const optimizer = new AdamW(parameters, { rate: 0.02 })
  const logitsOf = (bits: Tensor) => {
    const inputs = [bits.transpose([1, 0]).reshape([LENGTH, ROWS, 1])]
    const { carry } = loop({ count: LENGTH, carry: [zeros([ROWS, HIDDEN])], inputs, unroll }, ([h], [x]) => ({
      carry: [gruCell(x, h, cell)],
    }))
    return linear(carry[0], head)
  }
  const step = compile(device, { bits: f32(ROWS, LENGTH), same: i32(ROWS) }, ({ bits, same }) => {
    const loss = logitsOf(bits).crossEntropy(same).mean()
    const gradient = parameters.flat(grad(loss, parameters.list))
    return { loss, gradient, updates: optimizer.update(gradient) }
  })
  // all sequences, in the order of the numbers that they are
  const bits = Float32Array.from({ length: ROWS * LENGTH }, (_, i) => (Math.floor(i / LENGTH) >> (i % LENGTH)) & 1)
  const same = Int32Array.from({ length: ROWS }, (_, row) => Number((row & 1) === row >> (LENGTH - 1)))
  return () => step.run({ bits, same })
}
