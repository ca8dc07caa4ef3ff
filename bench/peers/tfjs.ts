// TensorFlow.js on its WASM backend, which has no threads in Node. Typed by what is used of it: the types must check
// where it is not installed.
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { BATCH, type Blocks, EPSILON, each, type ParameterName, RATE, TOKENS, type Values, WIDTH } from '../blocks.ts'
import type { Matrix, Peer, Prepared } from './peer.ts'

interface Tensor {
  data(): Promise<Float32Array>
  dispose(): void
}

interface Core {
  setBackend(name: string): Promise<boolean>
  tensor(values: Float32Array, shape: number[]): Tensor
  variable(value: Tensor): Tensor
  matMul(a: Tensor, b: Tensor, transposeA?: boolean): Tensor
  softmax(x: Tensor): Tensor
  sub(a: Tensor, b: Tensor): Tensor
  mul(a: Tensor, b: Tensor | number): Tensor
  div(a: Tensor, b: Tensor): Tensor
  add(a: Tensor, b: Tensor | number): Tensor
  elu(x: Tensor): Tensor
  relu(x: Tensor): Tensor
  sum(x: Tensor, axis: number, keepDims: boolean): Tensor
  mean(x: Tensor): Tensor
  square(x: Tensor): Tensor
  reshape(x: Tensor, shape: number[]): Tensor
  train: { sgd(rate: number): { minimize(loss: () => Tensor, returnCost: true, weights: Tensor[]): Tensor } }
  rsqrt(x: Tensor): Tensor
  moments(x: Tensor, axis: number, keepDims: boolean): { mean: Tensor; variance: Tensor }
  tidy(compute: () => Tensor): Tensor
}

export async function tfjs(): Promise<Peer> {
  const load = createRequire(import.meta.url)
  const tf = load('@tensorflow/tfjs-core') as Core
  // its build for Node has no gradients; these register themselves for the whole process
  load('@tensorflow/tfjs-core/dist/register_all_gradients.js')
  const wasm = load('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void }
  wasm.setWasmPaths(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')) + '/')
  if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js does not open its WASM backend')

  const tensor = ({ rows, columns, values }: Matrix): Tensor => tf.tensor(values, [rows, columns])
  const prepared = (compute: () => Tensor): Prepared => ({
    run: () => tf.tidy(compute).dispose(),
    result: () => tf.tidy(compute).data(),
  })
  const normalize = (x: Tensor, epsilon: number): Tensor => {
    const { mean, variance } = tf.moments(x, -1, true)
    return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)))
  }
  const block = (x: Tensor, p: Readonly<Record<ParameterName, Tensor>>): Tensor => {
    // weights meet the tokens of all sequences as one matrix: the gradient of a product does not sum over broadcast axes
    const inSequences = (z: Tensor): Tensor => tf.reshape(z, [BATCH, TOKENS, WIDTH])
    const inRows = (z: Tensor): Tensor => tf.reshape(z, [BATCH * TOKENS, WIDTH])
    const h = tf.add(tf.mul(normalize(x, EPSILON), p.gain1), p.bias1)
    const [q, k] = [p.query, p.key].map((weight) => inSequences(tf.add(tf.elu(tf.matMul(h, weight)), 1)))
    const context = tf.matMul(k, inSequences(tf.matMul(h, p.value)), true)
    const sums = tf.sum(tf.mul(q, tf.sum(k, 1, true)), -1, true)
    const attended = tf.add(x, tf.matMul(inRows(tf.div(tf.matMul(q, context), sums)), p.out))
    const normal = tf.add(tf.mul(normalize(attended, EPSILON), p.gain2), p.bias2)
    const inner = tf.relu(tf.add(tf.matMul(normal, p.up), p.upBias))
    return tf.add(tf.add(attended, tf.matMul(inner, p.down)), p.downBias)
  }
  const train = async ({ x, y, parameters }: Blocks): Promise<Prepared> => {
    const array = ({ shape, values }: Values): Tensor => tf.tensor(values, shape)
    const [input, target] = [x, y].map((one) => tf.reshape(array(one), [BATCH * TOKENS, WIDTH]))
    const weights = parameters.map((one) => each(one, (values) => tf.variable(array(values))))
    const all = weights.flatMap((one) => Object.values(one))
    const optimizer = tf.train.sgd(RATE)
    return prepared(() =>
      optimizer.minimize(() => tf.mean(tf.square(tf.sub(weights.reduce(block, input), target))), true, all),
    )
  }
  return {
    name: 'tfjs-wasm',
    train,
    matmul: async (left, right) => {
      const [a, b] = [left, right].map(tensor)
      return prepared(() => tf.matMul(a, b))
    },
    softmax: async (matrix) => {
      const x = tensor(matrix)
      return prepared(() => tf.softmax(x))
    },
    layerNorm: async (matrix, epsilon) => {
      const x = tensor(matrix)
      return prepared(() => normalize(x, epsilon))
    },
  }
}
