// jax-js on its WASM backend, which has one thread in Node. A call takes ownership of its operands; `ref` keeps them.
import type { Matrix, Peer, Prepared } from './peer.ts'

interface Tensor {
  readonly ref: Tensor
  reshape(shape: number[]): Tensor
  blockUntilReady(): Promise<Tensor>
  data(): Promise<Float32Array>
  dispose(): void
}

interface Jax {
  init(device: string): Promise<string[]>
  defaultDevice(device: string): void
  jit(compute: (...operands: Tensor[]) => Tensor): (...operands: Tensor[]) => Tensor
  nn: { softmax(x: Tensor): Tensor; standardize(x: Tensor, axis: number, options: { epsilon: number }): Tensor }
  numpy: {
    array(values: Float32Array): Tensor
    matmul(a: Tensor, b: Tensor): Tensor
  }
}

export async function jax(): Promise<Peer> {
  const name: string = '@jax-js/jax'
  const { init, defaultDevice, jit, nn, numpy } = (await import(name)) as Jax
  if (!(await init('wasm')).includes('wasm')) throw new Error('jax-js does not open its WASM backend')
  defaultDevice('wasm')

  const prepare = async (
    matrices: readonly Matrix[],
    compute: (...operands: Tensor[]) => Tensor,
  ): Promise<Prepared> => {
    const operands = matrices.map(({ rows, columns, values }) => numpy.array(values).reshape([rows, columns]))
    for (const operand of operands) await operand.blockUntilReady()
    const compiled = jit(compute)
    const call = (): Tensor => compiled(...operands.map((operand) => operand.ref))
    return { run: async () => (await call().blockUntilReady()).dispose(), result: () => call().data() }
  }
  return {
    name: 'jax-js',
    matmul: (a, b) => prepare([a, b], numpy.matmul),
    softmax: (x) => prepare([x], nn.softmax),
    layerNorm: (x, epsilon) => prepare([x], (z) => nn.standardize(z, -1, { epsilon })),
  }
}
