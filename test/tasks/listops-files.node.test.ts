import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeFileAtomically } from '../../src/runtime/files.ts'
import { take, tasks } from '../../src/tasks/index.ts'
import { parseExpressions } from '../../src/tasks/listops-files.ts'
import { fails } from '../support/fails.ts'

const files = suite<{ folder: string }>('listops files', { folder: '' })
files.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-listops-'))
})
files.after.each(({ folder }) => rm(folder, { recursive: true }))

const HEADER = 'Source\tTarget\n'

files('reads the three published files, packed or not, whatever ends their lines', async ({ folder }) => {
  await writeFileAtomically(`${folder}/basic_train.tsv.gz`, gzipSync(`${HEADER}( ( ( [MAX 4 ) 7 ) ] )\t7\n`))
  await writeFileAtomically(`${folder}/basic_val.tsv`, 'Source\tTarget\r\n( ( ( [SM 4 ) 7 ) ] )\t1\r\n')
  await writeFileAtomically(`${folder}/basic_test.tsv`, `${HEADER}( ( ( [MED 4 ) 7 ) ] )\t5`)
  const task = await tasks.listops({ folder, segments: 2, segmentLength: 2 })
  const [train] = take(task.train(0), 1)
  assert.equal(
    [train, ...task.validation, ...task.test],
    [
      { tokens: Uint8Array.of(12, 5, 8, 15), label: 7 },
      { tokens: Uint8Array.of(14, 5, 8, 15), label: 1 },
      { tokens: Uint8Array.of(13, 5, 8, 15), label: 5 },
    ],
  )
})

files('a folder without the files, or no folder, is one clear error', async ({ folder }) => {
  await writeFileAtomically(`${folder}/basic_val.tsv`, HEADER)
  await fails(
    'data',
    `${folder}: expected basic_train.tsv, basic_val.tsv, basic_test.tsv, each as it is or as .gz; ` +
      'there is no basic_train.tsv, no basic_test.tsv. They come with lra_release.gz of github.com/google-research/long-range-arena',
    () => tasks.listops({ folder }),
  )
  await fails('data', `${folder}/none: expected a folder, but there is nothing`, () =>
    tasks.listops({ folder: `${folder}/none` }),
  )
})

files('settings of generated expressions do not go with a folder', async ({ folder }) => {
  const mixed = { folder, maxDepth: 3 }
  await fails(
    'config',
    'listops from a folder: no setting is called maxDepth; there are folder, segments, segmentLength',
    () => tasks.listops(mixed),
  )
})

files('a bad row is an error with file and line', async () => {
  const at = (row: string, message: string) =>
    fails('data', `a.tsv, line 3: ${message}`, () => parseExpressions(`${HEADER}3\t3\n${row}\n3\t3\n`, 'a.tsv', 5))
  await at('', 'expected an expression, a tab and a value 0..9, found ""')
  await at('[MAX 1 2 ] 2', 'expected an expression, a tab and a value 0..9, found "[MAX 1 2 ] 2"')
  await at('[MAX 1 2 ]\t10', 'expected an expression, a tab and a value 0..9, found "[MAX 1 2 ]\\t10"')
  await at('[MAX 1 2\t2', 'not a whole expression: 1 brackets are open at its end')
  await at('[FIRST 1 2 ]\t2', '"[FIRST" is no token of ListOps; expected 0 1 2 3 4 5 6 7 8 9 [MIN [MAX [MED [SM ]')
  await at('[MAX 1 2 3 4 ]\t4', 'the expression has 6 tokens; the segments hold 5')
  await at('[MAX 1 2 ]\t1', 'the expression has the value 2, but the file says 1')
  assert.is(parseExpressions(`${HEADER}3\t3\n\r\n\n`, 'a.tsv', 5).length, 1)
  const read = (text: string) => () => parseExpressions(text, 'a.tsv', 5)
  await fails('data', 'a.tsv, line 1: expected the header "Source\\tTarget", found "1\\t1"', read('1\t1\n'))
  await fails('data', 'a.tsv, line 1: expected the header "Source\\tTarget", found ""', read(''))
  await fails('data', 'a.tsv: expected expressions below the header, found none', read(HEADER))
})

files.run()
