import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { RunFolder } from '../../src/cli/run-folder.ts'
import { readSafetensors } from '../../src/nn/safetensors.ts'
import { writeSigned } from '../../src/nn/signature.ts'
import { fails } from '../support/fails.ts'
import { jsonLines, type Result, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const root = fileURLToPath(new URL('../../', import.meta.url)).slice(0, -1)

/** Runs the command as npm does from a folder below: in the root of the package. */
async function typedIn(where: string, ...args: string[]): Promise<Result> {
  const [before, typed] = [process.cwd(), process.env.INIT_CWD]
  try {
    process.chdir(root)
    process.env.INIT_CWD = folder.path(where)
    return await run(...args)
  } finally {
    process.chdir(before)
    if (typed === undefined) delete process.env.INIT_CWD
    else process.env.INIT_CWD = typed
  }
}

const rows = (labels: readonly number[]): string =>
  Array.from({ length: 40 }, (_, i) => `${labels[i % 2]}\ttext ${i}\tand more\n`).join('')

for (const name of ['here', 'there']) mkdirSync(folder.path(name))
writeFileSync(folder.path('here', 'my.tsv'), rows([1, 2]))
writeFileSync(folder.path('there', 'my.tsv'), rows([2, 3]))
writeFileSync(folder.path('here', 'c.json'), '\ufeff{"task": "text", "columns": "label,text,-", "segments": 2}')

test('paths are those of the folder that the command was typed in, and data is found again from another', async () => {
  const trained = await typedIn('here', 'train', '--config', 'c.json', '--data', 'my.tsv', ...tiny, '--out', 'run')
  assert.is(trained.code, 0, trained.err)
  assert.match(trained.err, /task {5}text: say to which of 2 classes .*\n {9}columns label, text, -; labels 1, 2\n/)
  assert.not.match(trained.err, /of those to test with are used/)
  assert.match(trained.err, /\n {9}33 rows to train on, 3 held out for validation, 4 to test with\n/)
  const config = JSON.parse(readFileSync(folder.path('here', 'run', 'config.json'), 'utf8'))
  assert.is(config.data.value, folder.path('here', 'my.tsv'))
  assert.is(config.labels.value, '1,2')

  const summary = jsonLines(readFileSync(folder.path('here', 'run', 'log.jsonl'), 'utf8')).at(-1)
  const tested = await typedIn('there', 'evaluate', '../here/run/weights.safetensors', '--json')
  const [found] = jsonLines(tested.out)
  assert.is(found.loss, summary.testLoss)
  const fewer = await typedIn('there', 'evaluate', '../here/run/weights.safetensors', '--test-examples', '2')
  assert.match(fewer.err, /\n {9}2 of those to test with are used\n/)
  // another file's labels are not taken for those of the weights
  const other = await typedIn('there', 'evaluate', '../here/run/weights.safetensors', '--data', 'my.tsv')
  assert.is(other.code, 2)
  assert.match(
    other.err,
    /there\/my\.tsv: expected the labels 1, 2; found also 3; the setting labels says which there are, /m,
  )
})

test('a folder that weights name without saying where it is must be named', async () => {
  const path = folder.path('here', 'run', 'weights.safetensors')
  const { tensors, metadata } = readSafetensors(readFileSync(path))
  const configuration = JSON.parse(metadata.configuration)
  configuration.data.value = 'my.tsv'
  const old = folder.path('old.safetensors')
  writeFileSync(old, writeSigned(tensors, { ...metadata, configuration: JSON.stringify(configuration) }))
  const { code, err } = await typedIn('here', 'evaluate', old)
  assert.is(code, 2)
  assert.match(err, /old\.safetensors names its data "my\.tsv", but not the folder that this is in: expected --data$/m)
  assert.is((await typedIn('here', 'evaluate', old, '--data', 'my.tsv')).code, 0)
})

test('evaluate takes a config of the same model, and says what differs from another', async () => {
  const weights = folder.path('here', 'run', 'weights.safetensors')
  assert.is((await run('evaluate', weights, '--config', folder.path('here', 'run', 'config.json'))).code, 0)
  writeFileSync(folder.path('other.json'), '{"width": 64, "layers": 1, "update": "additive", "rate": 0.5}')
  const { code, err } = await run('evaluate', weights, '--config', folder.path('other.json'))
  assert.is(code, 2)
  assert.match(
    err,
    /settings are not those of the weights .*: width is 64, there 8; update is additive, there scaled$/m,
  )
})

test('a run has no folder without a name', async () => {
  await fails('config', /^--out is "": expected the name of a folder$/, () => new RunFolder('', 'order-amrb'))
})

test('without --out runs that begin in one millisecond have folders of their own', async () => {
  const before = Date.prototype.toISOString
  Date.prototype.toISOString = () => '2025-01-31T12:00:00.000Z'
  const here = process.cwd()
  process.chdir(folder.path('there'))
  try {
    const folders = [1, 2, 3].map(() => new RunFolder(undefined, 'order-amrb'))
    for (const run of folders) {
      await run.begin({})
      run.write({ kind: 'run' })
    }
    assert.equal(
      folders.map(({ log }) => log),
      ['', '-2', '-3'].map((end) => `runs/order-amrb-2025-01-31T12-00-00-000${end}/log.jsonl`),
    )
    for (const run of folders) run.close()
    for (const { log } of folders) assert.is(readFileSync(log, 'utf8'), '{"kind":"run"}\n')
  } finally {
    process.chdir(here)
    Date.prototype.toISOString = before
  }
})

test('of the folder of a run, given for its weights, the weights in it are named', async () => {
  mkdirSync(folder.path('two'))
  for (const name of ['best', 'weights']) writeFileSync(folder.path('two', `${name}.safetensors`), '')
  for (const args of [['evaluate'], ['predict'], ['stream'], ['sample'], ['export'], ['train', '--weights']]) {
    const { code, err } = await run(
      ...args,
      folder.path('two'),
      ...(args[0] === 'export' ? [folder.path('never')] : []),
    )
    assert.is(code, 2)
    assert.match(
      err,
      /two: expected a weights file, such as .*two\/best\.safetensors or .*two\/weights\.safetensors, but it is a folder$/m,
    )
  }
})

test.run()
