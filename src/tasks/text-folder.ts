import { RmaatError } from '../errors.ts'
import { asItIsOrPacked, isFolder, listFolder, readBytes, withoutMark } from '../runtime/files.ts'
import { type Parsed, parseTexts, type Reading, type Row, tokensOf } from './text-files.ts'

/**
 * The texts of a folder or of one file.
 * @throws RmaatError 'data'
 */
export async function readTexts(path: string, reading: Reading): Promise<Parsed> {
  const read = async (file: string, { columns, labels }: Pick<Reading, 'columns' | 'labels'> = reading) =>
    parseTexts(withoutMark(await readBytes(file), file), file, { ...reading, columns, labels })
  if (!(await isFolder(path))) return read(path)
  const names = await listFolder(path)
  return names.includes('train') && names.includes('test') ? readReviews(path, reading) : fromFolder(path, names, read)
}

/** What files for validation are called in one place or another. */
const VALIDATION = /^(?:validation|valid|val|dev)\.(?:tsv|csv|jsonl)(?:\.gz)?$/i

async function fromFolder(
  folder: string,
  names: readonly string[],
  read: (file: string, known?: Pick<Reading, 'columns' | 'labels'>) => Promise<Parsed>,
): Promise<Parsed> {
  for (const kind of ['tsv', 'csv', 'jsonl']) {
    const [train, test, validation] = ['train', 'test', 'validation'].map((name) =>
      asItIsOrPacked(names, `${name}.${kind}`),
    )
    if (train === undefined || test === undefined) continue
    const { rows, columns } = await read(`${folder}/${train}`)
    const labels = [...new Set(rows.map(({ label }) => label!))]
    const unread = names.find((name) => name !== validation && VALIDATION.test(name))
    const rowsOf = async (name: string) => (await read(`${folder}/${name}`, { columns, labels })).rows
    return {
      rows,
      columns,
      test: await rowsOf(test),
      validation: validation === undefined ? undefined : await rowsOf(validation),
      unread: unread && `${unread} is not read: a file to choose by beside ${train} is called validation.${kind}`,
    }
  }
  const found = names.slice(0, 5).join(', ') || 'nothing'
  throw new RmaatError(
    'data',
    `${folder}: expected train.tsv and test.tsv, or both as .csv or .jsonl, each as it is or as .gz, or the folders train and test of aclImdb (ai.stanford.edu/~amaas/data/sentiment); found ${found}${names.length > 5 ? ', …' : ''}`,
  )
}

/**
 * The Large Movie Review Dataset as it is published: a review is a file `NUMBER_RATING.txt` in `pos` or `neg` of `train`
 * and `test`, which are taken as the labels 1 and 0; `unsup` is not read.
 */
async function readReviews(folder: string, { length, columns }: Reading): Promise<Parsed> {
  if (columns)
    throw new RmaatError('config', `text: columns goes with files of rows, but ${folder} holds a file a text`)
  const part = async (name: string): Promise<Row[]> => {
    const rows: Row[] = []
    for (const [kind, label] of [
      ['neg', '0'],
      ['pos', '1'],
    ]) {
      const names = (await listFolder(`${folder}/${name}/${kind}`)).filter((file) => /\.txt(\.gz)?$/i.test(file))
      if (names.length === 0)
        throw new RmaatError('data', `${folder}/${name}/${kind}: expected reviews as .txt files, found none`)
      for (const file of names) {
        const where = `${folder}/${name}/${kind}/${file}`
        const bytes = withoutMark(await readBytes(where), where)
        if (bytes.length === 0) throw new RmaatError('data', `${where}: expected a text, found none`)
        rows.push({ tokens: tokensOf(bytes.subarray(0, length)), label })
      }
    }
    return rows
  }
  return { rows: await part('train'), columns: undefined, test: await part('test') }
}
