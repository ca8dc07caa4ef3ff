import { RmaatError } from '../errors.ts'
import { decode as decodeText, isFolder, listFolder, readBytes } from '../runtime/files.ts'
import { PixelExample } from './pixels.ts'

/** Pictures that are read at a time. */
const TOGETHER = 64

/** Pictures of a folder, all of one size. */
interface Published {
  readonly side: number
  readonly examples: PixelExample[]
  /** How many files were empty, as one of the published ones is. */
  readonly empty: number
}

/**
 * Reads pictures as they were published: the files of `metadata/` are text, a line for each picture,
 * `imgs/K sample_N.png N LABEL ...`, the picture an 8-bit grey PNG beside them.
 * @throws RmaatError 'data' with file and line
 */
export async function readPathfinder(folder: string): Promise<Published> {
  const where = 'it comes with lra_release.gz of github.com/google-research/long-range-arena'
  const missing = (found: string) =>
    new RmaatError(
      'data',
      `${folder}: expected a level of Pathfinder, a folder with metadata/ and imgs/, ${found}; ${where}`,
    )
  if (!(await isFolder(folder))) throw missing('found a file')
  const names = await listFolder(folder)
  if (!names.includes('metadata')) throw missing(`found ${names.slice(0, 5).join(', ') || 'nothing'}`)
  const files = (await listFolder(`${folder}/metadata`)).filter((name) => name.endsWith('.npy'))
  if (files.length === 0) throw missing('found no .npy file in metadata/')
  const rows: Row[] = []
  for (const file of files.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))) {
    const path = `${folder}/metadata/${file}`
    for (const row of parseMetadata(await readBytes(path), path)) rows.push(row)
  }
  const { decode } = await import('fast-png')
  let side: number | undefined
  let empty = 0
  const examples: PixelExample[] = []
  for (let at = 0; at < rows.length; at += TOGETHER) {
    const some = rows.slice(at, at + TOGETHER)
    const contents = await Promise.all(some.map(({ file, where }) => readPicture(`${folder}/${file}`, where)))
    for (const [i, bytes] of contents.entries()) {
      const { file, label } = some[i]
      if (bytes.length === 0) {
        empty++
        continue
      }
      const pixels = decodedPixels(decode, bytes, `${folder}/${file}`, side)
      side ??= Math.sqrt(pixels.length)
      examples.push(new PixelExample(pixels, label))
    }
  }
  if (side === undefined || examples.length < 20)
    throw new RmaatError(
      'data',
      `${folder}: expected at least 20 pictures to hold some out of training, found ${examples.length}`,
    )
  return { side, examples, empty }
}

const readPicture = (path: string, where: string): Promise<Uint8Array> =>
  readBytes(path).catch((cause) => {
    throw new RmaatError('data', `${where}: ${cause.message}`, { cause })
  })

interface Row {
  readonly file: string
  readonly label: number
  /** Where it is told of. */
  readonly where: string
}

/**
 * The pictures of a metadata file.
 * @throws RmaatError 'data' with file and line
 */
export function parseMetadata(bytes: Uint8Array, path: string): Row[] {
  if (bytes[0] === 0x93) throw new RmaatError('data', `${path}: expected lines of text, found NumPy's own format`)
  const text = decodeText(bytes, path)
  const lines = text.split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  if (lines.length === 0) throw new RmaatError('data', `${path}: expected a line for each picture, found nothing`)
  return lines.map((line, i) => {
    const where = `${path}, line ${i + 1}`
    const [folder, name, number, label] = line.trim().split(/\s+/)
    const plain =
      /^imgs\/[0-9]+$/.test(folder) && /^sample_[0-9]+\.png$/.test(name ?? '') && /^[0-9]+$/.test(number ?? '')
    if (!plain || label === undefined)
      throw new RmaatError(
        'data',
        `${where}: expected imgs/K sample_N.png N LABEL ..., found ${JSON.stringify(line.slice(0, 60))}`,
      )
    if (label !== '0' && label !== '1')
      throw new RmaatError(
        'data',
        `${where}: expected the label 0 or 1 in column 4, found ${JSON.stringify(label.slice(0, 20))}`,
      )
    return { file: `${folder}/${name}`, label: Number(label), where }
  })
}

type Decode = typeof import('fast-png').decode

function decodedPixels(decode: Decode, bytes: Uint8Array, path: string, side: number | undefined): Uint8Array {
  let picture: ReturnType<Decode>
  try {
    picture = decode(bytes, { checkCrc: true })
  } catch (cause) {
    throw new RmaatError('data', `${path}: expected a PNG picture, but ${(cause as Error).message}`, { cause })
  }
  const { width, height, channels, depth, data, palette } = picture
  const wanted = side ?? width
  if (
    width !== wanted ||
    height !== wanted ||
    channels !== 1 ||
    depth !== 8 ||
    palette ||
    !(data instanceof Uint8Array)
  ) {
    const found = `${width} x ${height} with ${channels} channels of ${depth} bits${palette ? ' and a palette' : ''}`
    throw new RmaatError('data', `${path}: expected grey of 8 bits, ${wanted} x ${wanted}; found ${found}`)
  }
  return data
}
