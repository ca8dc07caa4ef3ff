// ONNX Runtime Web on its WASM backend, on one thread. What it runs are models, so each operation is written as one.
import type { Matrix, Peer, Prepared } from './peer.ts'

interface Tensor {
  readonly data: Float32Array
}
interface Session {
  run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>>
}
interface Runtime {
  env: { wasm: { numThreads: number }; logLevel: string }
  Tensor: new (type: 'float32', data: Float32Array, shape: number[]) => Tensor
  InferenceSession: { create(model: Uint8Array, options: { executionProviders: string[] }): Promise<Session> }
}

export async function onnx(): Promise<Peer> {
  const name: string = 'onnxruntime-web'
  const ort = await withoutTrace(async () => (await import(name)) as Runtime)
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'

  const prepare = async (operation: string, matrices: readonly Matrix[], attributes = {}): Promise<Prepared> => {
    const options = { executionProviders: ['wasm'] }
    const model = modelOf(operation, matrices.length, attributes)
    const session = await withoutTrace(() => ort.InferenceSession.create(model, options))
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

// The few fields of onnx.proto that such a model has, in the encoding of protocol buffers: a field is its number and the
// kind of its value, then a number, four bytes, or a length and so many bytes.

const FLOAT32 = 1 // of TensorProto.DataType and of AttributeProto.AttributeType
const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(value >>> 7)])
const int = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)]
const float = (field: number, value: number): number[] => [
  ...varint(field * 8 + 5),
  ...new Uint8Array(Float32Array.of(value).buffer),
]
const message = (field: number, ...fields: readonly number[][]): number[] => {
  const bytes = fields.flat()
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes]
}
const text = (field: number, value: string): number[] => message(field, [...new TextEncoder().encode(value)])

/** A model of one operation: inputs x0, x1, ... and the output y, floats of any shape. */
function modelOf(operation: string, inputs: number, attributes: Readonly<Record<string, number>>): Uint8Array {
  const names = Array.from({ length: inputs }, (_, i) => `x${i}`)
  const port = (field: number, name: string): number[] =>
    message(field, text(1, name), message(2, message(1, int(1, FLOAT32)))) // ValueInfoProto, its type
  const node = message(
    1,
    ...names.map((name) => text(1, name)),
    text(2, 'y'),
    text(4, operation),
    ...Object.entries(attributes).map(([name, value]) => message(5, text(1, name), float(2, value), int(20, FLOAT32))),
  )
  const graph = message(7, node, text(2, operation), ...names.map((name) => port(11, name)), port(12, 'y'))
  const operations = message(8, int(2, 17)) // version 17 of the standard operations
  return Uint8Array.from([...int(1, 8), ...graph, ...operations]) // version 8 of the format
}
