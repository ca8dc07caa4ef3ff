import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { hashOf, siteOf } from './random.ts'
import { type StoredTensor, writeSafetensors } from './safetensors.ts'

type Tensors = ReadonlyMap<string, StoredTensor>
type Texts = Readonly<Record<string, string>>

const byName = <Value>(entries: Iterable<readonly [string, Value]>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1))

/** Of all numbers and texts of a file: one bit that differs gives another. */
function checksumOf(tensors: Tensors, texts: Texts): string {
  const { checksum, ...others } = texts
  let hash = siteOf(JSON.stringify(byName(Object.entries(others))))
  for (const [, { data }] of byName(tensors))
    hash = hashOf(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), hash)
  return hash.toString(16).padStart(8, '0')
}

/** A safetensors file with its checksum in the metadata. */
export const writeSigned = (tensors: Tensors, texts: Texts): Uint8Array =>
  writeSafetensors(tensors, { ...texts, checksum: checksumOf(tensors, texts) })

/**
 * Throws where a file has a checksum of ours that is not that of what it holds; `always`, where it has none, too. Files of others
 * may have one of their own.
 * @throws RmaatError 'data'
 */
export function checkSignature(tensors: Tensors, texts: Texts, always = false): void {
  const found = texts.checksum
  if (!always && !/^[0-9a-f]{8}$/.test(found ?? '')) return
  const checksum = checksumOf(tensors, texts)
  if (found === checksum) return
  const hint = always ? '' : '; without one it is taken as it is'
  throw new RmaatError(
    'data',
    `the file is damaged: its checksum is ${shown(found)}, that of what it holds ${shown(checksum)}${hint}`,
  )
}
