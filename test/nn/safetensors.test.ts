import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/nn/safetensors.ts'
import { fails } from '../support/fails.ts'
import { golden } from '../support/golden.ts'

const bytesOf = ({ data }: StoredTensor) => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]

/** A file with this header text, padded to nothing, and `data` bytes of zeros. */
function file(header: string, data = 0): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + data)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}
const entry = (dtype: string, shape: number[], from: number, to: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [from, to] })

const refused = (bytes: Uint8Array, message: RegExp) => fails('data', message, () => readSafetensors(bytes))

const tensor: fc.Arbitrary<StoredTensor> = fc
  .tuple(fc.array(fc.nat(3), { maxLength: 3 }), fc.constantFrom('F64', 'F32', 'I32'))
  .chain(([shape, dtype]): fc.Arbitrary<StoredTensor> => {
    const length = shape.reduce((count, size) => count * size, 1)
    const bounds = { minLength: length, maxLength: length }
    if (dtype === 'F64') return fc.float64Array(bounds).map((data) => ({ dtype, shape, data }))
    if (dtype === 'F32') return fc.float32Array(bounds).map((data) => ({ dtype, shape, data }))
    return fc.int32Array(bounds).map((data) => ({ dtype, shape, data }))
  })
// V8 15.0 takes a key of one escaped character for a backslash, where it saw one in the same place before
const keys = ['\\\\', '\\n'].map((key) => Object.keys(JSON.parse(`{"first":1,"${key}":2}`))[1])
const misread = keys[1] === '\n' ? undefined : '\\'
const string = fc.string({ unit: 'binary' })
const name = fc
  .oneof(string, fc.constantFrom('__proto__', '0', '"', '\\', 'blocks.0.wq'))
  .filter((text) => text !== misread)

test('what is written is read again, bit for bit, at any alignment', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, tensor)),
      fc.array(fc.tuple(name, string)),
      fc.nat(7),
      (tensors, metadata, shift) => {
        const given = new Map(tensors)
        const strings: Record<string, string> = Object.fromEntries(metadata)
        const written = writeSafetensors(given, strings)
        const moved = new Uint8Array(written.length + shift)
        moved.set(written, shift)
        const found = readSafetensors(moved.subarray(shift))
        assert.equal(Object.entries(found.metadata).sort(), Object.entries(strings).sort())
        assert.equal([...found.tensors.keys()].sort(), [...given.keys()].sort())
        for (const [name, stored] of given) {
          const again = found.tensors.get(name)!
          assert.is(again.dtype, stored.dtype)
          assert.equal(again.shape, stored.shape)
          assert.equal(bytesOf(again), bytesOf(stored))
        }
      },
    ),
  )
})

/** A number of so many bits of exponent and of fraction, by the definition of IEEE 754. */
function numberOf(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> (exponentBits + fractionBits) ? -1 : 1
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1)
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits
  const bias = 2 ** (exponentBits - 1) - 1
  if (exponent === 2 ** exponentBits - 1) return fraction ? Number.NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias)
}

for (const [dtype, exponentBits, fractionBits] of [
  ['F16', 5, 10],
  ['BF16', 8, 7],
] as const) {
  test(`each of the 65,536 numbers of ${dtype} is read as the F32 of its value`, () => {
    const bytes = file(`{"a":${entry(dtype, [65536], 0, 131072)}}`, 131072)
    const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits)
    bytes.set(new Uint8Array(all.buffer), bytes.length - 131072)
    const { dtype: wide, data } = readSafetensors(bytes).tensors.get('a')!
    assert.is(wide, 'F32')
    const words = new Uint32Array(data.buffer, data.byteOffset)
    const quiet = 2 ** (fractionBits - 1)
    for (const bits of all) {
      const expected = numberOf(bits, exponentBits, fractionBits)
      assert.ok(Object.is(data[bits], expected), `${bits}: ${data[bits]} for ${expected}`)
      if (!Number.isNaN(expected)) continue
      // sign, payload and whether it signals stay
      const payload = (words[bits] & 0x7fffff) >>> (23 - fractionBits)
      assert.is(payload, bits & (2 * quiet - 1))
      assert.is(words[bits] >>> 31, bits >> 15)
    }
  })
}

test('what is read is a copy', () => {
  const bytes = file(`{"a":${entry('F32', [1], 0, 4)}}`, 4)
  const { data } = readSafetensors(bytes).tensors.get('a')!
  bytes.fill(1)
  assert.equal([...data], [0])
})

test('the data begins at a multiple of 8 and wide tensors come first', () => {
  const written = writeSafetensors(
    new Map<string, StoredTensor>([
      ['narrow', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }],
      ['wide', { dtype: 'F64', shape: [], data: Float64Array.of(2) }],
    ]),
  )
  const length = Number(new DataView(written.buffer).getBigUint64(0, true))
  assert.is(length % 8, 0)
  const header = JSON.parse(new TextDecoder().decode(written.subarray(8, 8 + length)))
  assert.equal(header.wide, { dtype: 'F64', shape: [], data_offsets: [0, 8] })
  assert.equal(header.narrow, { dtype: 'F32', shape: [1], data_offsets: [8, 12] })
  assert.not('__metadata__' in header)
})

test('the golden file of a model: shapes, token ids as I32, metadata', async () => {
  const { tensors, metadata } = readSafetensors(await golden('astro.safetensors'))
  assert.equal(tensors.get('weight.embed')!.shape, [11, 16])
  assert.is(tensors.get('weight.embed')!.dtype, 'F64')
  const tokens = tensors.get('tokens')!
  assert.is(tokens.dtype, 'I32')
  assert.equal(tokens.shape, [5, 3, 12])
  assert.ok(tokens.data.every((id) => id >= 0 && id < 11))
  assert.is(metadata.width, '16')
})

test('I64 is read where it fits in 32 bits', async () => {
  const bytes = file(`{"ids":${entry('I64', [2], 0, 16)}}`, 16)
  const view = new DataView(bytes.buffer, bytes.length - 16)
  view.setBigInt64(0, -5n, true)
  view.setBigInt64(8, 2n ** 31n - 1n, true)
  assert.equal([...readSafetensors(bytes).tensors.get('ids')!.data], [-5, 2 ** 31 - 1])
  view.setBigInt64(8, 2n ** 31n, true)
  await refused(bytes, /tensor "ids": element 1 is 2147483648: expected an I64 that fits in 32 bits/)
})

test('truncated: no length, header beyond the file, data beyond the file', async () => {
  await refused(new Uint8Array(7), /the file has 7 bytes: expected at least the 8/)
  await refused(file('{}').subarray(0, 9), /length at offset 0 is 2 bytes, but 1 follow: truncated/)
  const whole = file(`{"a":${entry('F32', [2], 0, 8)}}`, 8)
  const message = `tensor "a": ends at offset ${whole.length}, but the file at ${whole.length - 1}`
  await refused(whole.subarray(0, -1), new RegExp(message))
})

test('not safetensors', async () => {
  await refused(new TextEncoder().encode('PK\x03\x04 a zip file, say'), /or not a safetensors file/)
  await refused(file('[1, 2]'), /not a safetensors file: the header at offset 8/)
  await refused(file('', 1), /not a safetensors file: the header at offset 8/)
})

test('bad JSON and bad UTF-8', async () => {
  await refused(file('{"a":'), /the header at offset 8 is not JSON/)
  const bytes = file('{"a":1}')
  bytes[10] = 0xff
  await refused(bytes, /the header at offset 8 is not JSON/)
})

test('entries of the wrong form', async () => {
  await refused(file('{"a":1}'), /tensor "a": the header's entry is 1: expected an object/)
  await refused(file('{"a":{"dtype":"F32","shape":[0]}}'), /tensor "a": data_offsets is undefined: expected two/)
  await refused(
    file('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}'),
    /tensor "a": shape is \[-1\]: expected a list of whole/,
  )
  await refused(file('{"__proto__":1}'), /tensor "__proto__": the header's entry is 1/)
  await refused(file('{"__metadata__":{"a":1}}'), /__metadata__ holds 1: expected an object of strings/)
  await refused(file('{"__metadata__":["a"]}'), /__metadata__ holds \["a"\]: expected an object of strings/)
})

test('an unknown dtype', async () => {
  const bytes = file(`{"a":${entry('F8_E4M3', [1], 0, 1)}}`, 1)
  await refused(bytes, /tensor "a": the dtype is "F8_E4M3": expected one of F64, F32, F16, BF16, I64, I32/)
})

test('offsets that do not fit the shape', async () => {
  const bytes = file(`{"a":${entry('F32', [2, 3], 0, 20)}}`, 20)
  await refused(bytes, /tensor "a": data_offsets 0, 20 give 20 bytes at offset 65: expected 24 for F32 \[2, 3\]/)
  await refused(file(`{"a":${entry('F32', [1], 4, 0)}}`, 4), /data_offsets 4, 0 give -4 bytes/)
})

test('data that overlaps, leaves a gap or belongs to no tensor', async () => {
  const two = (from: number) => `{"a":${entry('F32', [2], 0, 8)},"b":${entry('F32', [1], from, from + 4)}}`
  const start = (from: number) => file(two(from)).length
  const misplaced = (from: number, data: number, message: string) => refused(file(two(from), data), new RegExp(message))
  await misplaced(
    4,
    8,
    `"b": begins at offset ${start(4) + 4} and overlaps the tensor before it: expected ${start(4) + 8}`,
  )
  await misplaced(9, 13, `"b": begins at offset ${start(9) + 9} and leaves a gap before it: expected ${start(9) + 8}`)
  await misplaced(8, 14, `2 bytes at offset ${start(8) + 12} belong to no tensor`)
})

test('names that stand twice, whatever their spelling', async () => {
  const one = entry('F32', [0], 0, 0)
  await refused(file(`{"a":${one},"a":${one}}`), /the name "a" stands twice/)
  await refused(file(`{"a":${one},"\\u0061" :${one}}`), /the name "a" stands twice/)
  await refused(
    file(`{"a":{"dtype":"F32","dtype":"F64","shape":[0],"data_offsets":[0,0]}}`),
    /the name "dtype" stands twice/,
  )
  assert.is(readSafetensors(file(`{"a":${one},"dtype":${one},"}{\\"a\\":":${one}}`)).tensors.size, 3)
})

test('writing refuses data that does not fill its shape, and the name of the metadata', async () => {
  const write = (name: string, shape: number[]) => () =>
    writeSafetensors(new Map([[name, { dtype: 'F32', shape, data: new Float32Array(3) }]]))
  await fails('shape', [], write('a', [2]))
  await fails('data', [], write('__metadata__', [3]))
})

test.run()
