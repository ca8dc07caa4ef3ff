// The few fields of onnx.proto that a benchmark's models have, in the encoding of protocol buffers: a field is its number and
// the kind of its value, then a number, four bytes, or a length and so many bytes.

import { joined } from '../../src/runtime/files.ts'

type Bytes = Uint8Array
const bytesOf = (...values: readonly number[]): Bytes => Uint8Array.from(values)
const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(value >>> 7)])

const int = (field: number, value: number): Bytes => bytesOf(...varint(field * 8), ...varint(value))
const float = (field: number, value: number): Bytes =>
  joined([bytesOf(...varint(field * 8 + 5)), new Uint8Array(Float32Array.of(value).buffer)])
const message = (field: number, ...fields: readonly Bytes[]): Bytes => {
  const bytes = joined(fields)
  return joined([bytesOf(...varint(field * 8 + 2), ...varint(bytes.length)), bytes])
}
const text = (field: number, value: string): Bytes => message(field, new TextEncoder().encode(value))

// TensorProto.DataType, and AttributeProto.AttributeType of a float, an integer and a list of these
const DATA = { f32: 1, i32: 6, i64: 7 } as const
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const

/** An operation, its operands and its result by name, and its attributes by their kinds. */
export interface OnnxNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly floats?: Readonly<Record<string, number>>
  readonly ints?: Readonly<Record<string, number | readonly number[]>>
}

export interface OnnxTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array | BigInt64Array
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[]
  readonly inputs: Readonly<Record<string, keyof typeof DATA>>
  readonly outputs: readonly string[]
  readonly constants?: Readonly<Record<string, OnnxTensor>>
}

/** A file of version 20 of the standard operations. Shapes of inputs and outputs are left open. */
export function onnxFile({ nodes, inputs, outputs, constants = {} }: OnnxModel): Bytes {
  const port = (field: number, name: string, kind: keyof typeof DATA): Bytes =>
    message(field, text(1, name), message(2, message(1, int(1, DATA[kind]))))
  const attribute = (name: string, kind: keyof typeof ATTRIBUTE, ...values: readonly Bytes[]): Bytes =>
    message(5, text(1, name), ...values, int(20, ATTRIBUTE[kind]))
  const node = ({ op, inputs, output, floats = {}, ints = {} }: OnnxNode): Bytes =>
    message(
      1,
      ...inputs.map((name) => text(1, name)),
      text(2, output),
      text(4, op),
      ...Object.entries(floats).map(([name, value]) => attribute(name, 'float', float(2, value))),
      ...Object.entries(ints).map(([name, value]) =>
        typeof value === 'number'
          ? attribute(name, 'int', int(3, value))
          : attribute(name, 'ints', ...value.map((one) => int(8, one))),
      ),
    )
  const constant = ([name, { shape, data }]: [string, OnnxTensor]): Bytes =>
    message(
      5,
      ...shape.map((size) => int(1, size)),
      int(2, data instanceof Float32Array ? DATA.f32 : DATA.i64),
      text(8, name),
      message(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    )
  const graph = message(
    7,
    ...nodes.map(node),
    text(2, 'model'),
    ...Object.entries(constants).map(constant),
    ...Object.entries(inputs).map(([name, kind]) => port(11, name, kind)),
    ...outputs.map((name) => port(12, name, 'f32')),
  )
  return joined([int(1, 9), graph, message(8, int(2, 20))]) // version 9 of the format
}
