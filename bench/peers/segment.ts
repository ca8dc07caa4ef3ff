// RMAAT's segment as ONNX: one sequence without padding, the memory as it enters and the tokens -> the memory of the next one.
import type { StreamWork } from '../stream.ts'
import { type OnnxNode, type OnnxTensor, onnxFile } from './protobuf.ts'

/**
 * Post-norm, with astromorphic attention and `scaled` memory that is retained whole. As in our model the last block computes the
 * memory's outputs alone, and phi(R) is computed beforehand.
 */
export function segmentFile({ config, weights, astrocytes }: StreamWork): Uint8Array {
  const { segmentLength, memory: slots, width, heads, features, layers, alpha } = config
  const tokens = slots + segmentLength
  const nodes: OnnxNode[] = []
  const constants: Record<string, OnnxTensor> = {}
  const weight = (name: string): string => {
    const { shape, data } = weights.get(name)!
    constants[name] = { shape, data: data as Float32Array }
    return name
  }
  const number = (value: number): string => {
    constants[`${value}`] = { shape: [], data: Float32Array.of(value) }
    return `${value}`
  }
  const sizes = (...values: readonly number[]): string => {
    const name = `[${values}]`
    constants[name] = { shape: [values.length], data: BigInt64Array.from(values, BigInt) }
    return name
  }
  const node = (op: string, inputs: readonly string[], more: Pick<OnnxNode, 'floats' | 'ints'> = {}): string => {
    const output = `v${nodes.length}`
    nodes.push({ op, inputs, output, ...more })
    return output
  }
  const product = (a: string, b: string): string => node('MatMul', [a, b])
  const sum = (a: string, b: string): string => node('Add', [a, b])
  const phi = (x: string): string => sum(node('Elu', [x]), number(1))
  const positive = (x: string): string => node('Max', [x, number(1e-6)])
  const norm = (x: string, name: string): string =>
    node('LayerNormalization', [x, weight(`${name}.gain`), weight(`${name}.bias`)], { floats: { epsilon: 1e-5 } })
  const affine = (x: string, name: string): string => sum(product(x, weight(`${name}.w`)), weight(`${name}.b`))
  const first = (x: string): string => node('Slice', [x, sizes(0), sizes(slots), sizes(0)])
  /** [N, h f] -> [h, ...] */
  const byHead = (x: string, rows: number, size: number, perm: readonly number[]): string =>
    node('Transpose', [node('Reshape', [x, sizes(rows, heads, size)])], { ints: { perm } })

  const embedded = node('Gather', [weight('embed'), 'tokens'])
  let x = node('Concat', ['memory', sum(embedded, weight('position'))], { ints: { axis: 0 } })
  for (let layer = 0; layer < layers; layer++) {
    const own = (name: string): string => weight(`blocks.${layer}.${name}`)
    const last = layer === layers - 1
    const [rows, residual] = last ? [slots, first(x)] : [tokens, x]
    const query = byHead(phi(product(residual, own('wq'))), rows, features, [1, 0, 2])
    const key = byHead(phi(product(x, own('wk'))), tokens, features, [1, 2, 0])
    const value = byHead(product(x, own('wv')), tokens, width / heads, [1, 0, 2])
    const name = `phi(R) ${layer}`
    constants[name] = { shape: [heads, features, tokens], data: astrocytes[layer] }
    const hebbian = node('Mul', [product(sum(key, name), value), number(tokens ** (alpha - 1))])
    const state = node('ReduceSum', [key, sizes(2)], { ints: { keepdims: 1 } })
    const calcium = positive(product(query, node('Pow', [positive(state), number(alpha)])))
    const read = node('Transpose', [node('Div', [product(query, hebbian), calcium])], { ints: { perm: [1, 0, 2] } })
    const attended = product(node('Reshape', [read, sizes(rows, width)]), own('wo'))
    const y = norm(sum(attended, residual), `blocks.${layer}.norm1`)
    const fed = affine(node('Gelu', [affine(y, `blocks.${layer}.up`)]), `blocks.${layer}.down`)
    x = norm(sum(fed, y), `blocks.${layer}.norm2`)
  }
  return onnxFile({ nodes, inputs: { memory: 'f32', tokens: 'i32' }, outputs: [x], constants })
}
