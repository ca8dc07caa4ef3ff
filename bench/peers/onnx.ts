// ONNX Runtime Web on its WASM backend, on one thread. What it runs are models, so each operation is written as one.
import type { Matrix, Peer, Prepared } from './peer.ts'
import { onnxFile } from './protobuf.ts'
import { segmentFile } from './segment.ts'

interface Tensor {
  readonly data: Float32Array
}
interface Session {
  run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>>
}
interface Runtime {
  env: { wasm: { numThreads: number }; logLevel: string }
  Tensor: new (type: 'float32' | 'int32', data: Float32Array | Int32Array, shape: readonly number[]) => Tensor
  InferenceSession: { create(model: Uint8Array, options: { executionProviders: string[] }): Promise<Session> }
}

export async function onnx(): Promise<Peer> {
  const name: string = 'onnxruntime-web'
  const ort = await withoutTrace(async () => (await import(name)) as Runtime)
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'

  const open = (model: Uint8Array): Promise<Session> =>
    withoutTrace(() => ort.InferenceSession.create(model, { executionProviders: ['wasm'] }))
  const prepare = async (operation: string, matrices: readonly Matrix[], attributes = {}): Promise<Prepared> => {
    const session = await open(modelOf(operation, matrices.length, attributes))
    const inputs = Object.fromEntries(
      matrices.map(({ rows, columns, values }, i) => {
        const shape = rows === 1 ? [columns] : [rows, columns]
        return [`x${i}`, new ort.Tensor('float32', values, shape)]
      }),
    )
    return { run: () => session.run(inputs), result: async () => (await session.run(inputs)).y.data }
  }
  return {
    name,
    matmul: (a, b) => prepare('MatMul', [a, b]),
    softmax: (x) => prepare('Softmax', [x]),
    layerNorm: (x, epsilon) => {
      const gain = { rows: 1, columns: x.columns, values: new Float32Array(x.columns).fill(1) }
      return prepare('LayerNormalization', [x, gain], { epsilon })
    },
    async stream(work) {
      const session = await open(segmentFile(work))
      const { segmentLength } = work.config
      const { shape, data } = work.weights.get('memory')!
      const segments = Array.from({ length: work.tokens.length / segmentLength }, (_, t) => {
        const tokens = work.tokens.slice(t * segmentLength, (t + 1) * segmentLength)
        return new ort.Tensor('int32', tokens, [segmentLength])
      })
      const result = async (): Promise<Float32Array> => {
        let memory: Tensor = new ort.Tensor('float32', data as Float32Array, shape)
        for (const tokens of segments) [memory] = Object.values(await session.run({ memory, tokens }))
        return memory.data
      }
      return { run: result, result }
    },
  }
}

/** It makes Node's workers a global `Worker`, which they are not like: jax-js would take them for a browser's. */
async function withoutTrace<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'Worker')
  const result = await work()
  if (before) Object.defineProperty(globalThis, 'Worker', before)
  else Reflect.deleteProperty(globalThis, 'Worker')
  return result
}

/** A model of one operation: inputs x0, x1, ... and the output y, floats of any shape. */
function modelOf(op: string, count: number, floats: Readonly<Record<string, number>>): Uint8Array {
  const inputs = Array.from({ length: count }, (_, i) => `x${i}`)
  return onnxFile({
    nodes: [{ op, inputs, output: 'y', floats }],
    inputs: Object.fromEntries(inputs.map((name) => [name, 'f32'])),
    outputs: ['y'],
  })
}
