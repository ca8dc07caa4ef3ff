// TensorFlow.js on its WASM backend, which has no threads in Node. Typed by what is used of it: the types must check
// where it is not installed.
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { Matrix, Peer, Prepared } from './peer.ts'

interface Tensor {
  data(): Promise<Float32Array>
  dispose(): void
}

interface Core {
  setBackend(name: string): Promise<boolean>
  tensor2d(values: Float32Array, shape: [number, number]): Tensor
  matMul(a: Tensor, b: Tensor): Tensor
  softmax(x: Tensor): Tensor
  sub(a: Tensor, b: Tensor): Tensor
  mul(a: Tensor, b: Tensor): Tensor
  add(a: Tensor, b: number): Tensor
  rsqrt(x: Tensor): Tensor
  moments(x: Tensor, axis: number, keepDims: boolean): { mean: Tensor; variance: Tensor }
  tidy(compute: () => Tensor): Tensor
}

export async function tfjs(): Promise<Peer> {
  const load = createRequire(import.meta.url)
  const tf = load('@tensorflow/tfjs-core') as Core
  const wasm = load('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void }
  wasm.setWasmPaths(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')) + '/')
  if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js does not open its WASM backend')

  const tensor = ({ rows, columns, values }: Matrix): Tensor => tf.tensor2d(values, [rows, columns])
  const prepared = (compute: () => Tensor): Prepared => ({
    run: () => tf.tidy(compute).dispose(),
    result: () => tf.tidy(compute).data(),
  })
  return {
    name: 'tfjs-wasm',
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
      return prepared(() => {
        const { mean, variance } = tf.moments(x, -1, true)
        return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)))
      })
    },
  }
}
