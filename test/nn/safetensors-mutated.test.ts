import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { RmaatError } from '../../src/errors.ts'
import { readSafetensors } from '../../src/nn/safetensors.ts'
import { fails } from '../support/fails.ts'

const SIZES: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 }
/** What a type is read as, where it is not itself. */
const WIDER: Readonly<Record<string, string>> = { I64: 'I32', F16: 'F32', BF16: 'F32' }

/** A file with this header text and these bytes behind it. */
function file(header: string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

/** Reads the file; undefined where it is refused. Whatever is read must be what the header says, byte for byte. */
function readOrRefuse(bytes: Uint8Array) {
  let found: ReturnType<typeof readSafetensors>
  try {
    found = readSafetensors(bytes)
  } catch (error) {
    assert.instance(error, RmaatError, `${error}`)
    assert.is((error as RmaatError).code, 'data')
    assert.ok((error as RmaatError).message.length < 1000)
    return undefined
  }
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const { __metadata__, ...entries } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)))
  assert.equal([...found.tensors.keys()], Object.keys(entries))
  const owners = new Uint8Array(bytes.length - start)
  for (const [name, entry] of Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(
    entries,
  )) {
    const [begin, end] = entry.data_offsets
    const { shape, data, dtype } = found.tensors.get(name)!
    assert.equal(shape, entry.shape)
    assert.is(dtype, WIDER[entry.dtype] ?? entry.dtype)
    assert.is(
      data.length,
      shape.reduce((count, size) => count * size, 1),
    )
    assert.is(end - begin, data.length * SIZES[entry.dtype])
    const own = bytes.slice(start + begin, start + end)
    if (entry.dtype === 'I64') assert.equal([...data].map(BigInt), [...new BigInt64Array(own.buffer)])
    else if (entry.dtype === 'BF16')
      assert.equal(
        [...new Uint32Array(data.buffer)],
        Array.from(new Uint16Array(own.buffer), (bits) => bits * 65536),
      )
    else if (entry.dtype !== 'F16') assert.equal(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), own)
    for (let i = begin; i < end; i++) owners[i]++
  }
  assert.ok(owners.every((count) => count === 1))
  return found
}

interface Entry {
  dtype: unknown
  shape: unknown
  data_offsets: unknown
}

const tensors = fc
  .array(fc.tuple(fc.constantFrom(...Object.keys(SIZES)), fc.array(fc.nat(3), { maxLength: 3 })), {
    minLength: 1,
    maxLength: 4,
  })
  .chain((list) => {
    let end = 0
    const entries: [string, Entry][] = list.map(([dtype, shape], i) => {
      const begin = end
      end += shape.reduce((count, size) => count * size, SIZES[dtype])
      return [`t${i}`, { dtype, shape, data_offsets: [begin, end] }]
    })
    return fc.tuple(fc.constant(entries), fc.uint8Array({ minLength: end, maxLength: end }))
  })

const odd = fc.oneof(
  fc.integer({ min: -2, max: 60 }),
  fc.constantFrom(2 ** 31, 2 ** 53, 1e300, 0.5, null, true, 'F32', 'BF16', 'F8', '__proto__', [], {}, [[[[]]]]),
  fc.array(fc.oneof(fc.nat(9), fc.constantFrom(2 ** 40, -1, null)), { maxLength: 4 }),
)
type Mutation = readonly [where: string, entry: number, place: number, value: unknown]
const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom('dtype', 'shape', 'data_offsets', 'size', 'offset', 'entry', 'remove', 'again', 'metadata'),
  fc.nat(3),
  fc.nat(3),
  odd,
)

function mutated(given: readonly [string, Entry][], [where, at, place, value]: Mutation): [string, unknown][] {
  const entries = structuredClone(given) as [string, Entry][]
  const entry = entries[at % entries.length]
  if (where === 'dtype' || where === 'shape' || where === 'data_offsets') entry[1][where] = value
  if (where === 'size') (entry[1].shape as unknown[])[place] = value
  if (where === 'offset') (entry[1].data_offsets as unknown[])[place % 2] = value
  if (where === 'remove') return entries.filter((one) => one !== entry)
  if (where === 'again') return [...entries, [`again${place}`, entry[1]]]
  if (where === 'metadata') return [['__metadata__', { key: value }], ...entries]
  return where === 'entry' ? entries.map((one) => (one === entry ? [one[0], value] : one)) : entries
}

test('a header that was changed is read as it says, or refused', () => {
  let [read, refused] = [0, 0]
  const count = (bytes: Uint8Array) => (readOrRefuse(bytes) ? read++ : refused++)
  fc.assert(
    fc.property(tensors, mutation, ([entries, data], change) => {
      assert.ok(readOrRefuse(file(JSON.stringify(Object.fromEntries(entries)), new Uint8Array(data.length))))
      count(file(JSON.stringify(Object.fromEntries(mutated(entries, change))), new Uint8Array(data.length)))
    }),
    { numRuns: 600 },
  )
  assert.ok(read > 20 && refused > 100, `${read} read, ${refused} refused`)
})

test('bytes that were changed, cut off or put in are read as the header says, or refused', () => {
  const edit = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 3 }), fc.nat(3))
  fc.assert(
    fc.property(tensors, fc.array(edit, { minLength: 1, maxLength: 3 }), ([entries, data], edits) => {
      let bytes = file(JSON.stringify(Object.fromEntries(entries)), data)
      for (const [where, put, removed] of edits) {
        const at = where % (bytes.length + 1)
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...put, ...bytes.subarray(at + removed))
      }
      readOrRefuse(bytes)
    }),
    { numRuns: 600 },
  )
})

const none = new Uint8Array(0)
const DEEP = 100_000

test('deep nesting is refused, wherever it stands', async () => {
  const deep = `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`
  for (const header of [
    `{"a":${deep}}`,
    `{"a":{"dtype":"F32","shape":${deep},"data_offsets":[0,0]}}`,
    `{"a":{"dtype":${deep},"shape":[0],"data_offsets":[0,0]}}`,
    `{"__metadata__":${deep}}`,
    `{"__metadata__":{"a":${deep}}}`,
  ]) {
    await fails('data', /^safetensors: .{10,200}$/, () => readSafetensors(file(header, none)))
  }
  await fails('data', /is not JSON/, () => readSafetensors(file(`{"a":${'['.repeat(DEEP)}`, none)))
})

test('a text of many escapes is a text, and its end is found', () => {
  const text = '\\n"'.repeat(DEEP * 10)
  const { metadata } = readSafetensors(file(JSON.stringify({ __metadata__: { text } }), none))
  assert.is(metadata.text, text)
})

test('names and values of a file are told in printable characters, and shortened', async () => {
  const header = (name: string) => JSON.stringify({ [name]: { dtype: '\u001b[2J', shape: [], data_offsets: [0, 0] } })
  for (const name of ['\u001b]0;title\u0007', '\u009b2J\u202e', 'x'.repeat(1e6)]) {
    await fails('data', /^safetensors: tensor "[ -~]{1,60}…?": the dtype is "\\u001b\[2J": expected/, () =>
      readSafetensors(file(header(name), none)),
    )
  }
})

test.run()
