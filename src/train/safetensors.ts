import { z } from 'zod'
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

const BYTES = { F64: 8, F32: 4, I64: 8, I32: 4 }

const natural = z.int().nonnegative()
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(natural),
  data_offsets: z.tuple([natural, natural]),
})

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
  for (const [token, string, colon] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)|[{}[\]]/g)) {
    if (token === '{') objects.push(new Set())
    else if (token === '[') objects.push(undefined)
    else if (token === '}' || token === ']') objects.pop()
    else if (colon) {
      const [name, names] = [JSON.parse(string) as string, objects[objects.length - 1]!]
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
    if (twice !== undefined) fail(`the name "${twice}" stands twice in the header at offset 8`)
    return { header, start }
  } catch (error) {
    if (error instanceof RmaatError) throw error
    return fail(`the header at offset 8 is not JSON: ${(error as Error).message}`, error)
  }
}

/** A copy of `bytes`, which need not be aligned, as numbers; I64 becomes I32 or an error. */
function decode(name: string, dtype: keyof typeof BYTES, shape: number[], bytes: Uint8Array): StoredTensor {
  // not bytes.slice(): that of a Node Buffer is a view
  const { buffer } = new Uint8Array(bytes)
  if (dtype === 'F64') return { dtype, shape, data: new Float64Array(buffer) }
  if (dtype === 'F32') return { dtype, shape, data: new Float32Array(buffer) }
  if (dtype === 'I32') return { dtype, shape, data: new Int32Array(buffer) }
  const wide = new BigInt64Array(buffer)
  const data = Int32Array.from(wide, Number)
  const lost = data.findIndex((value, index) => BigInt(value) !== wide[index])
  if (lost >= 0) fail(`tensor "${name}": element ${lost} is ${wide[lost]}: expected an I64 that fits in 32 bits`)
  return { dtype: 'I32', shape, data }
}

/**
 * Reads a safetensors file of F64, F32, I64 and I32. Floats come as they are; I64 becomes I32, which holds every token
 * id. Anything that the format forbids is an error of code `data` with the tensor's name, what was found, what was
 * expected, and the offset in the file.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { header, start } = readHeader(bytes)
  const tensors = new Map<string, StoredTensor>()
  const ranges: { name: string; begin: number; end: number }[] = []
  let metadata: Record<string, string> = {}
  for (const [name, value] of header) {
    if (name === '__metadata__') {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
      if (!isObject || Object.values(value).some((text) => typeof text !== 'string')) {
        fail(`__metadata__ is ${JSON.stringify(value).slice(0, 80)}: expected an object of strings`)
      }
      metadata = value as Record<string, string>
      continue
    }
    const parsed = entrySchema.safeParse(value)
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]
      return fail(`tensor "${name}": ${path.join('.') || 'header entry'}: ${message}`)
    }
    const { shape, data_offsets } = parsed.data
    const [begin, end] = data_offsets
    if (!Object.hasOwn(BYTES, parsed.data.dtype)) {
      fail(`tensor "${name}": the dtype is ${parsed.data.dtype}: expected one of ${Object.keys(BYTES).join(', ')}`)
    }
    const dtype = parsed.data.dtype as keyof typeof BYTES
    const expected = elements(shape) * BYTES[dtype]
    if (end - begin !== expected) {
      fail(
        `tensor "${name}": data_offsets ${begin}, ${end} give ${end - begin} bytes at offset ${start + begin}: expected ${expected} for ${dtype} [${shape}]`,
      )
    }
    if (start + end > bytes.length) {
      fail(
        `tensor "${name}": ends at offset ${start + end}, but the file at ${bytes.length}: expected data for the whole tensor`,
      )
    }
    ranges.push({ name, begin, end })
    tensors.set(name, decode(name, dtype, shape, bytes.subarray(start + begin, start + end)))
  }
  let next = 0
  for (const { name, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== next) {
      const wrong = begin < next ? 'overlaps the tensor before it' : 'leaves a gap before it'
      fail(`tensor "${name}": begins at offset ${start + begin} and ${wrong}: expected ${start + next}`)
    }
    next = end
  }
  if (start + next !== bytes.length) {
    fail(`${bytes.length - start - next} bytes at offset ${start + next} belong to no tensor: expected the file's end`)
  }
  return { tensors, metadata }
}

const aMap = kind(
  'a Map from names to tensors',
  (value) => value instanceof Map && [...value.keys()].every(aString.fits),
)
const arrays = { F64: Float64Array, F32: Float32Array, I32: Int32Array } as const
const aStoredTensor = kind('{ dtype, shape, data } with the array of its type', (value) => {
  if (!anObject.fits(value)) return false
  const { dtype, shape, data } = value as StoredTensor
  return Object.hasOwn(arrays, dtype) && data instanceof arrays[dtype] && z.array(natural).safeParse(shape).success
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
