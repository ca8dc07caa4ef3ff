// jax-js on its WASM backend, which has one thread in Node. A call takes ownership of its operands; `ref` keeps them.
import { type Blocks, EPSILON, each, type ParameterName, RATE, type Values } from '../blocks.ts'
import type { Matrix, Peer, Prepared } from './peer.ts'

interface Tensor {
  readonly ref: Tensor
  add(other: Tensor | number): Tensor
  sub(other: Tensor): Tensor
  mul(other: Tensor | number): Tensor
  div(other: Tensor): Tensor
  reshape(shape: number[]): Tensor
  blockUntilReady(): Promise<Tensor>
  data(): Promise<Float32Array>
  dispose(): void
}

interface Jax {
  init(device: string): Promise<string[]>
  defaultDevice(device: string): void
  jit<Operands extends unknown[], Result>(compute: (...operands: Operands) => Result): (...operands: Operands) => Result
  valueAndGrad(
    compute: (weights: Weights, x: Tensor, y: Tensor) => Tensor,
  ): (weights: Weights, x: Tensor, y: Tensor) => [Tensor, Weights]
  nn: {
    softmax(x: Tensor): Tensor
    standardize(x: Tensor, axis: number, options: { epsilon: number }): Tensor
    elu(x: Tensor): Tensor
    relu(x: Tensor): Tensor
  }
  numpy: {
    array(values: Float32Array): Tensor
    matmul(a: Tensor, b: Tensor): Tensor
    matrixTranspose(x: Tensor): Tensor
    sum(x: Tensor, axis: number, options: { keepdims: boolean }): Tensor
    square(x: Tensor): Tensor
    mean(x: Tensor): Tensor
  }
}

type Block = Readonly<Record<ParameterName, Tensor>>
type Weights = readonly Block[]

export async function jax(): Promise<Peer> {
  const name: string = '@jax-js/jax'
  const { init, defaultDevice, jit, nn, numpy, valueAndGrad } = (await import(name)) as Jax
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
  const norm = (x: Tensor, gain: Tensor, bias: Tensor): Tensor =>
    nn.standardize(x, -1, { epsilon: EPSILON }).mul(gain).add(bias)
  const sum = (x: Tensor, axis: number): Tensor => numpy.sum(x, axis, { keepdims: true })
  const block = (x: Tensor, p: Block): Tensor => {
    const h = norm(x.ref, p.gain1, p.bias1)
    const q = nn.elu(numpy.matmul(h.ref, p.query)).add(1)
    const k = nn.elu(numpy.matmul(h.ref, p.key)).add(1)
    const context = numpy.matmul(numpy.matrixTranspose(k.ref), numpy.matmul(h, p.value))
    const sums = sum(q.ref.mul(sum(k, 1)), -1)
    const attended = x.add(numpy.matmul(numpy.matmul(q, context).div(sums), p.out))
    const inner = nn.relu(numpy.matmul(norm(attended.ref, p.gain2, p.bias2), p.up).add(p.upBias))
    return attended.add(numpy.matmul(inner, p.down)).add(p.downBias)
  }
  const step = (weights: Weights, x: Tensor, y: Tensor): [Tensor, Weights] => {
    const loss = (weights: Weights, x: Tensor, y: Tensor): Tensor =>
      numpy.mean(numpy.square(weights.reduce(block, x).sub(y)))
    const [value, gradients] = valueAndGrad(loss)(
      map(weights, (weight) => weight.ref),
      x,
      y,
    )
    return [value, map(weights, (weight, i, name) => weight.sub(gradients[i][name].mul(RATE)))]
  }
  const train = async ({ x, y, parameters }: Blocks): Promise<Prepared> => {
    const array = ({ shape, values }: Values): Tensor => numpy.array(values).reshape(shape)
    const [input, target] = [array(x), array(y)]
    const compiled = jit(step)
    let weights = parameters.map((one) => each(one, array))
    const next = async (): Promise<Tensor> => {
      const [loss, changed] = compiled(weights, input.ref, target.ref)
      weights = [...changed]
      for (const one of weights) for (const weight of Object.values(one)) await weight.blockUntilReady()
      return loss.blockUntilReady()
    }
    return { run: async () => (await next()).dispose(), result: async () => (await next()).data() }
  }
  return {
    name: 'jax-js',
    train,
    matmul: (a, b) => prepare([a, b], numpy.matmul),
    softmax: (x) => prepare([x], nn.softmax),
    layerNorm: (x, epsilon) => prepare([x], (z) => nn.standardize(z, -1, { epsilon })),
  }
}

const map = (weights: Weights, make: (weight: Tensor, i: number, name: ParameterName) => Tensor): Weights =>
  weights.map((one, i) => each(one, (weight, name) => make(weight, i, name)))
