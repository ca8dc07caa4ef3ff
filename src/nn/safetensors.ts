import { anObject, aString, kind, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'

/**
 * The safetensors format: 8 bytes with the header's length (u64), the header (JSON: name -> dtype, shape and offsets
 * into the data), the data without gaps. Everything is little-endian, as is every host that JavaScript runs on.
 */

/** A tensor in row-major order. */
export type StoredTensor =
  | { readonly dtype: 'F64'; readonly shape: readonly number[]; readonly data: Float64Array }
  | { readonly dtype: 'F32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'I32'; readonly shape: readonly number[]; readonly data: Int32Array }

export interface Safetensors {
  readonly tensors: Map<string, StoredTensor>
  readonly metadata: Record<string, string>
}

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 }

const fail = (message: string, cause?: unknown): never => {
  throw new RmaatError('data', `safetensors: ${message}`, { cause })
}

const elements = (shape: readonly number[]) => shape.reduce((count, size) => count * size, 1)

/**
 * The first name that stands twice in one object of `text`, which must be valid JSON. `JSON.parse` would keep the last
 * one without a word.
 */
function duplicateName(text: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [] // undefined: an array
  const colon = /\s*:/y
  for (let at = 0; at < text.length; at++) {
    const token = text[at]
    if (token === '{') objects.push(new Set())
    else if (token === '[') objects.push(undefined)
    else if (token === '}' || token === ']') objects.pop()
    else if (token === '"') {
      const begin = at++
      while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
      colon.lastIndex = at + 1
      if (!colon.test(text)) continue
      const [name, names] = [JSON.parse(text.slice(begin, at + 1)) as string, objects[objects.length - 1]!]
      if (names.has(name)) return name
      names.add(name)
    }
  }
  return undefined
}

/** The header's entries and the offset of the data. */
function readHeader(bytes: Uint8Array): { header: [string, unknown][]; start: number } {
  takes('safetensors', { bytes }, { bytes: kind('a Uint8Array', (value) => value instanceof Uint8Array) })
  const file = bytes.length
  if (file < 8) fail(`the file has ${file} bytes: expected at least the 8 of the header's length at offset 0`)
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  if (length > BigInt(file - 8)) {
    fail(
      `the header's length at offset 0 is ${length} bytes, but ${file - 8} follow: truncated, or not a safetensors file`,
    )
  }
  const start = 8 + Number(length)
  if (bytes[8] !== 0x7b || start === 8) {
    fail(`not a safetensors file: the header at offset 8 does not begin with "{"`)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start))
    const header = Object.entries(JSON.parse(text) as object)
    const twice = duplicateName(text)
    if (twice !== undefined) fail(`the name ${shown(twice)} stands twice in the header at offset 8`)
    return { header, start }
  } catch (error) {
    if (error instanceof RmaatError) throw error
    return fail(`the header at offset 8 is not JSON: ${(error as Error).message}`, error)
  }
}

interface Entry {
  readonly name: string
  readonly dtype: keyof typeof BYTES
  readonly shape: readonly number[]
  /** Of its bytes within the data. */
  readonly begin: number
  readonly end: number
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isNatural = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const areNaturals = (value: unknown): value is number[] => Array.isArray(value) && value.every(isNatural)

/** An entry of the header, checked; `dataBytes` is the length of the data. */
function entryOf(name: string, value: unknown, start: number, dataBytes: number): Entry {
  const wrong = (what: string): never => fail(`tensor ${shown(name)}: ${what}`)
  if (!isObject(value)) return wrong(`the header's entry is ${shown(value)}: expected an object`)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
    return wrong(`the dtype is ${shown(dtype)}: expected one of ${Object.keys(BYTES).join(', ')}`)
  }
  if (!areNaturals(shape)) return wrong(`shape is ${shown(shape)}: expected a list of whole numbers from 0 on`)
  if (!areNaturals(offsets) || offsets.length !== 2) {
    return wrong(`data_offsets is ${shown(offsets)}: expected two whole numbers from 0 on`)
  }
  const [begin, end] = offsets
  const expected = elements(shape) * BYTES[dtype as Entry['dtype']]
  if (end - begin !== expected) {
    wrong(
      `data_offsets ${begin}, ${end} give ${end - begin} bytes at offset ${start + begin}: expected ${expected} for ${dtype} ${shown(shape)}`,
    )
  }
  if (end > dataBytes) {
    wrong(`ends at offset ${start + end}, but the file at ${start + dataBytes}: expected data for the whole tensor`)
  }
  return { name, dtype: dtype as Entry['dtype'], shape, begin, end }
}

/** Checks that the entries partition the data: each byte belongs to exactly one. */
function checkRanges(entries: readonly Entry[], start: number, dataBytes: number): void {
  let next = 0
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== next) {
      const wrong = begin < next ? 'overlaps the tensor before it' : 'leaves a gap before it'
      fail(`tensor ${shown(name)}: begins at offset ${start + begin} and ${wrong}: expected ${start + next}`)
    }
    next = end
  }
  if (next !== dataBytes) {
    fail(`${dataBytes - next} bytes at offset ${start + next} belong to no tensor: expected the file's end`)
  }
}

/** The bits of the f32 that is the same number as an f16: sign, 5 bits of exponent with the bias 15, 10 of fraction. */
function widened(half: number): number {
  const [sign, exponent, fraction] = [(half & 0x8000) << 16, (half >> 10) & 31, half & 1023]
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13) // infinities, and NaN with its payload
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13)
  if (fraction === 0) return sign
  // a subnormal is fraction x 2^-24, and normal as an f32: its first 1 becomes the hidden one
  const shift = Math.clz32(fraction) - 21
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 1023) << 13)
}

/** A copy of `bytes`, which need not be aligned, as numbers; F16 and BF16 become F32, I64 becomes I32 or an error. */
function decode({ name, dtype, shape }: Entry, bytes: Uint8Array): StoredTensor {
  // not bytes.slice(): that of a Node Buffer is a view
  const { buffer } = new Uint8Array(bytes)
  if (dtype === 'F64') return { dtype, shape, data: new Float64Array(buffer) }
  if (dtype === 'F32') return { dtype, shape, data: new Float32Array(buffer) }
  if (dtype === 'I32') return { dtype, shape, data: new Int32Array(buffer) }
  if (dtype === 'F16' || dtype === 'BF16') {
    // as bits: a NaN that passes through a number may lose its payload
    const wide = dtype === 'BF16' ? (bits: number) => bits << 16 : widened
    return { dtype: 'F32', shape, data: new Float32Array(Uint32Array.from(new Uint16Array(buffer), wide).buffer) }
  }
  const wide = new BigInt64Array(buffer)
  const data = Int32Array.from(wide, Number)
  const lost = data.findIndex((value, index) => BigInt(value) !== wide[index])
  if (lost >= 0) fail(`tensor ${shown(name)}: element ${lost} is ${wide[lost]}: expected an I64 that fits in 32 bits`)
  return { dtype: 'I32', shape, data }
}

/**
 * Reads a safetensors file of F64, F32, F16, BF16, I64 and I32. F16 and BF16 become F32, which holds all their numbers,
 * I64 becomes I32, which holds every token id. Anything that the format forbids is an error of code `data` with the tensor's
 * name, what was found, what was expected, and the offset in the file. The whole header is checked before any data is
 * copied, so that no header can ask for more memory than its file has bytes.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { header, start } = readHeader(bytes)
  const dataBytes = bytes.length - start
  const entries: Entry[] = []
  let metadata: Record<string, string> = {}
  for (const [name, value] of header) {
    if (name !== '__metadata__') {
      entries.push(entryOf(name, value, start, dataBytes))
      continue
    }
    const found = isObject(value) ? Object.values(value).find((text) => typeof text !== 'string') : value
    if (found !== undefined) fail(`__metadata__ holds ${shown(found)}: expected an object of strings`)
    metadata = value as Record<string, string>
  }
  checkRanges(entries, start, dataBytes)
  const tensors = entries.map((entry): [string, StoredTensor] => [
    entry.name,
    decode(entry, bytes.subarray(start + entry.begin, start + entry.end)),
  ])
  return { tensors: new Map(tensors), metadata }
}

const aMap = kind(
  'a Map from names to tensors',
  (value) => value instanceof Map && [...value.keys()].every(aString.fits),
)
const arrays = { F64: Float64Array, F32: Float32Array, I32: Int32Array } as const
const aStoredTensor = kind('{ dtype, shape, data } with the array of its type', (value) => {
  if (!anObject.fits(value)) return false
  const { dtype, shape, data } = value as StoredTensor
  return Object.hasOwn(arrays, dtype) && data instanceof arrays[dtype] && areNaturals(shape)
})

/**
 * Writes a safetensors file. Tensors of 8 bytes an element come first, so that all data is aligned. Errors: code `shape`
 * for data that does not fill its shape, `data` for a tensor with the name of the metadata.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  takes('safetensors', { tensors, metadata }, { tensors: aMap, metadata: anObject })
  for (const [name, tensor] of tensors) {
    takes('safetensors', { [`tensor ${shown(name)}`]: tensor }, { [`tensor ${shown(name)}`]: aStoredTensor })
  }
  for (const [name, text] of Object.entries(metadata))
    takes('safetensors: metadata', { [name]: text }, { [name]: aString })
  const sorted = [...tensors].sort(([, a], [, b]) => BYTES[b.dtype] - BYTES[a.dtype])
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  let end = 0
  for (const [name, { dtype, shape, data }] of sorted) {
    if (name === '__metadata__') fail('a tensor is named __metadata__: expected another name')
    if (data.length !== elements(shape)) {
      throw new RmaatError('shape', `safetensors: tensor "${name}" has ${data.length} elements: expected [${shape}]`)
    }
    entries.push([name, { dtype, shape, data_offsets: [end, end + data.byteLength] }])
    end += data.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const length = Math.ceil(json.length / 8) * 8
  const file = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length)
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true)
  file.set(json, 8)
  let at = 8 + length
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}
