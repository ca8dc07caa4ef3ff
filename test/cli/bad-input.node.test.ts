import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../src/nn/safetensors.ts'
import { writeSigned } from '../../src/nn/signature.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(folder.path(name), content)
  return folder.path(name)
}

const golden = fileURLToPath(new URL('../golden/linear.safetensors', import.meta.url))
const astro = readFileSync(golden)
const one = { dtype: 'F32', shape: [1], data: Float32Array.of(1) } as const
const texts = (bad: string) => `${Array.from({ length: 30 }, (_, i) => `${i % 2}\tsome text`).join('\n')}\n${bad}\n`

mkdirSync(folder.path('empty'))
mkdirSync(folder.path('listops'))
for (const name of ['train', 'val', 'test']) {
  writeFileSync(folder.path('listops', `basic_${name}.tsv`), 'Source\tTarget\n[MAX 1 2 ]\t2\n[MAX 1 2 ]\t1\n')
}

mkdirSync(folder.path('held'))
const some = Array.from({ length: 30 }, (_, i) => `${i % 2}\ttext ${i}\n`)
for (const [name, count] of Object.entries({ train: 30, validation: 2, test: 3 }))
  writeFileSync(folder.path('held', `${name}.tsv`), some.slice(0, count).join(''))

/** A wrong call, and what is said of it: one line on stderr. */
const calls: Record<string, [args: string[], code: string, said: RegExp]> = {
  'a setting out of its range': [
    ['train', '--width', '0'],
    'config',
    /^--width is 0; expected a whole number from 1 to 65536$/,
  ],
  'texts to choose by that are all tested with': [
    ['train', '--task', 'text', '--data', folder.path('held'), '--validation-examples', '3'],
    'data',
    /held: expected examples for validation, or no validationExamples; found none$/,
  ],
  'a setting that is no number': [
    ['train', '--rate', 'fast'],
    'config',
    /^--rate is "fast"; expected a number above 0, of at most 1$/,
  ],
  'a name that there is not': [
    ['train', '--attention', 'flash'],
    'config',
    /^--attention is "flash"; expected 'astro' or 'linear' or 'softmax'$/,
  ],
  'a width that does not divide': [
    ['explain', '--width', '30'],
    'config',
    /^a width of 30 does not divide into 4 heads$/,
  ],
  'a budget beside what is kept': [
    ['train', '--memory-budget', '1KiB', '--keep', '1'],
    'config',
    /^memoryBudget and keep are given; expected one of them, since a budget says what is kept and held$/,
  ],
  'what to keep where everything is': [
    ['explain', '--method', 'bptt', '--hold', '1'],
    'config',
    /^hold is 1, but the method is bptt, which keeps everything; expected none$/,
  ],
  'segments to keep of a model that has none': [
    ['train', '--model', 'lru', '--keep', '1'],
    'config',
    /^keep is 1, but the model has no segments to replay; expected none$/,
  ],
  'a truncated gradient without its reach': [
    ['train', '--method', 'truncated'],
    'config',
    /^the method is truncated and reach is missing; it says how many segments the gradient flows back through$/,
  ],
  'a reach of a gradient that is whole': [
    ['train', '--reach', '2'],
    'config',
    /^reach is 2, but the method is amrb; expected the method truncated, or no reach$/,
  ],
  'more segments to keep than there are': [
    ['explain', '--segments', '4', '--keep', '4'],
    'config',
    /^keep is 4; expected less than the number of segments, 4$/,
  ],
  'a reach beyond the first segment': [
    ['train', '--segments', '4', '--method', 'truncated', '--reach', '5'],
    'config',
    /^reach is 5; expected at most the number of segments, 4$/,
  ],
  'a flag that there is not': [['train', '--segmentlength', '3'], 'usage', /^unknown option '--segmentlength'/],
  'no weights': [['evaluate'], 'usage', /^missing required argument 'weights'$/],
  'a command that there is not': [['trian'], 'usage', /^unknown command 'trian'/],
  'text that is none': [
    ['train', '--config', file('latin1.json', Buffer.from('{"task": "\xe9"}', 'latin1'))],
    'config',
    /latin1\.json: expected a JSON object: .*expected text in UTF-8, but its 13 bytes are not$/,
  ],
  'labels of no text': [['train', '--labels', '1,2'], 'config', /^labels is a setting of text, but the task is order$/],
  'columns without a text': [
    ['train', '--task', 'text', '--data', 'x.tsv', '--columns', 'label,tex'],
    'config',
    /^text: columns is "label,tex"; it must be the columns with commas between/,
  ],
  'a key that there is not': [
    ['train', '--config', file('key.json', '{"widht": 64}')],
    'config',
    /key\.json: no setting is called widht; there are task, /,
  ],
  'a value of a file out of its range': [
    ['train', '--config', file('value.json', '{"alpha": 1.5}')],
    'config',
    /value\.json: alpha is 1\.5; expected a number from 0 to 1$/,
  ],
  'a file that is no JSON': [
    ['train', '--config', file('no.json', '{')],
    'config',
    /no\.json: expected a JSON object: /,
  ],
  'a value nested without end': [
    ['train', '--config', file('deep.json', `{"alpha": ${'['.repeat(1e5)}${']'.repeat(1e5)}}`)],
    'config',
    /deep\.json: alpha is \[\[\[…\]\]\]; expected a number from 0 to 1$/,
  ],
  'a file that is nested without end, and no JSON': [
    ['train', '--config', file('open.json', '['.repeat(1e5))],
    'config',
    /open\.json: expected a JSON object: /,
  ],
  'a name that would write to the terminal': [
    ['train', '--config', file('escape.json', '{"\\u001b[2Jred\\u009b": 64}')],
    'config',
    /escape\.json: no setting is called \\u001b\[2Jred\\u009b; there are task, /,
  ],
  'a rate that moves every weight': [['train', '--rate', '1e9'], 'config', /^--rate is 1000000000; .* at most 1$/],
  'an infinite limit': [
    ['train', '--clip', 'Infinity'],
    'config',
    /^--clip is Infinity; expected a number above 0, of at most 1e\+30$/,
  ],
  'a scale at which nothing is near': [['train', '--scale', '710'], 'config', /^--scale is 710; .* at most 100$/],
  'a simulation without end': [
    ['simulate', '--set', 'cycles=1e9'],
    'config',
    /^macro model: \d+ steps of .* take too long: expected fewer cycles/,
  ],
  'blocks without end': [['explain', '--layers', '1000000'], 'config', /^--layers is 1000000; .* to 1000$/],
  'a model that no device holds': [
    ['explain', '--width', '65536', '--layers', '3'],
    'memory',
    /^a model of \d+ parameters: expected at most 1073741824, 4 GiB of float32$/,
  ],
  'no such file': [
    ['train', '--config', folder.path('none.json')],
    'config',
    /none\.json: expected a JSON file, but there is nothing$/,
  ],
  'a folder as settings': [
    ['train', '--config', folder.path('empty')],
    'config',
    /empty: expected a JSON file, but it is a folder$/,
  ],
  'classes that the task has not': [
    ['train', '--config', file('classes.json', '{"classes": 4}')],
    'config',
    /^classes is 4, but the task has 9$/,
  ],
  "another task's setting": [
    ['train', '--max-depth', '3'],
    'config',
    /^maxDepth is a setting of listops, but the task/,
  ],
  'text without files': [['train', '--task', 'text'], 'config', /^the task text reads files: .* --data$/],
  'a folder without the files': [
    ['train', '--task', 'text', '--data', folder.path('empty')],
    'data',
    /empty: expected train\.tsv and test\.tsv, or both as \.csv or \.jsonl, each as it is or as \.gz, or .*; found nothing$/,
  ],
  'no such folder': [['train', '--task', 'listops', '--data', folder.path('gone')], 'data', /gone: expected a folder/],
  'a TSV with a bad line': [
    ['train', '--task', 'text', '--data', file('bad.tsv', texts('no label'))],
    'data',
    /bad\.tsv, line 31: expected 2 columns between tabs, found 1$/,
  ],
  'a wrong value of an expression': [
    ['train', '--task', 'listops', '--data', folder.path('listops')],
    'data',
    /basic_train\.tsv, line 3: the expression has the value 2, but the file says 1$/,
  ],
  'half a gzip file': [
    ['train', '--task', 'text', '--data', file('half.tsv.gz', gzipSync(texts('1\tx')).subarray(0, 40))],
    'data',
    /half\.tsv\.gz: expected a whole gzip file/,
  ],
  'truncated weights': [
    ['evaluate', file('short.safetensors', astro.subarray(0, 5000))],
    'data',
    /short\.safetensors: safetensors: .*(truncated|expected data for the whole tensor)/,
  ],
  'a file of another kind': [
    ['evaluate', file('foreign.safetensors', 'no weights at all, but some text')],
    'data',
    /foreign\.safetensors: safetensors: .* not a safetensors file$/,
  ],
  'weights of another program': [['evaluate', golden], 'data', /linear\.safetensors: the metadata holds no/],
  'no weights to read a stream with': [
    ['stream', folder.path('none.safetensors')],
    'data',
    /none\.safetensors: expected a file to read, but there is nothing$/,
  ],
  'truncated weights for a stream': [
    ['stream', file('cut.safetensors', astro.subarray(0, 5000)), 'no such input'],
    'data',
    /cut\.safetensors: safetensors: /,
  ],
  'foreign weights for a stream': [['stream', golden], 'data', /linear\.safetensors: the metadata holds no/],
  'a folder to export': [
    ['export', folder.path('empty'), folder.path('never')],
    'data',
    /empty: expected a file to read, but it is a folder$/,
  ],
  'truncated weights to export': [
    ['export', file('cut2.safetensors', astro.subarray(0, 5000)), folder.path('never')],
    'data',
    /cut2\.safetensors: safetensors: /,
  ],
  'foreign weights to export': [
    ['export', golden, folder.path('never')],
    'data',
    /linear\.safetensors: the metadata holds no/,
  ],
  'weights to verify that are none': [
    ['verify', file('other.safetensors', writeSafetensors(new Map([['x', one]])))],
    'data',
    /other\.safetensors: the file has no tensor /,
  ],
  'a tolerance that is none': [['verify', golden, '--tolerance', '0'], 'usage', /expected a number above 0$/],
  'a parameter that there is not': [['simulate', '--set', 'tau=3'], 'config', /^macro model: tau is no parameter/],
  'a parameter without a number': [['simulate', '--set', 'cycles'], 'config', /^--set cycles: expected name=number/],
}

for (const [what, [args, code, said]] of Object.entries(calls)) {
  test(`${what}: one clear error, exit code 2, and nothing written`, async () => {
    const out = args[0] === 'train' ? ['--out', folder.path('never')] : []
    const result = await run(...args, ...out, '--json')
    assert.is(result.code, 2)
    const message = /^error(?: \((\w+)\))?: (.*)$/m.exec(result.err)
    assert.is(message?.[1] ?? 'usage', code)
    assert.match(message?.[2] ?? '', said)
    assert.not.match(result.err, /\n {4}at /)
    const last = jsonLines(result.out).at(-1)
    assert.is(last.kind, 'error')
    assert.is(last.code, code)
    assert.ok(last.message.startsWith(message?.[2]))
    assert.not(existsSync(folder.path('never')))
  })
}

test('a folder that holds a run is left as it is', async () => {
  mkdirSync(folder.path('kept'))
  file('kept/log.jsonl', 'mine')
  const { code, err } = await run('train', ...tiny, '--out', folder.path('kept'))
  assert.is(code, 2)
  assert.match(err, /kept\/log\.jsonl is there already: expected a folder without a run's files after --out$/m)
  assert.is(readFileSync(folder.path('kept', 'log.jsonl'), 'utf8'), 'mine')
})

test('a page is not written over what is none', async () => {
  await run('train', ...tiny, '--steps', '1', '--checkpoint-every', '1', '--out', folder.path('paged'))
  const files = ['checkpoint.safetensors', 'config.json', 'log.jsonl', 'weights.safetensors']
  const contents = () => files.map((name) => readFileSync(folder.path('paged', name)))
  const before = contents()
  for (const args of [
    ['report', folder.path('paged')],
    ['compare', '--devices', 'reference', '--parts', 'kernels'],
  ]) {
    for (const name of files) {
      const { code, err } = await run(...args, '--out', folder.path('paged', name))
      assert.is(code, 2, err)
      assert.match(
        err,
        new RegExp(`paged/${name} is there already and is no page: expected the name of a new file, or`),
      )
    }
    const { code, err } = await run(...args, '--out', folder.path('paged'))
    assert.is(code, 2)
    assert.match(err, /paged is a folder: expected the name of a new file, or of one that ends in \.html or \.md$/m)
  }
  assert.equal(contents(), before)
})

test('settings that the user wrote are not written over', async () => {
  mkdirSync(folder.path('own'))
  const mine = '{ "steps": 3 }'
  const own = file('own/config.json', mine)
  const { code, err } = await run('train', ...tiny, '--config', own, '--out', folder.path('own'))
  assert.is(code, 2)
  assert.match(err, /own\/config\.json is there already: expected a folder without/)
  assert.is(readFileSync(own, 'utf8'), mine)
})

test('the settings of a weights file are checked, and one that there is not is named', async () => {
  await run('train', ...tiny, '--steps', '1', '--out', folder.path('settings'))
  const { tensors, metadata } = readSafetensors(readFileSync(folder.path('settings', 'weights.safetensors')))
  const wrong: [name: string, value: unknown, said: RegExp][] = [
    ['task', 'sort', /changed\.safetensors: task is "sort"; expected 'cue' or/],
    ['batch', 0, /changed\.safetensors: batch is 0; expected a whole number of at least 1/],
    ['testExamples', -1, /changed\.safetensors: testExamples is -1; expected a whole number of at least 1/],
    ['segments', null, /changed\.safetensors: model: segments is null; /],
    ['optimiser\u001b', 'lion', /changed\.safetensors: no setting is called optimiser\\u001b: expected a file of this/],
  ]
  for (const [name, value, said] of wrong) {
    const configuration = JSON.parse(metadata.configuration)
    configuration[name] = { value, source: 'choice', meaning: '' }
    const path = file(
      'changed.safetensors',
      writeSigned(tensors, { ...metadata, configuration: JSON.stringify(configuration) }),
    )
    const { code, err } = await run('evaluate', path)
    assert.is(code, 2)
    assert.match(err, said)
  }
  const flipped = readFileSync(folder.path('settings', 'weights.safetensors'))
  flipped[flipped.length - 2] ^= 1
  const { code, err } = await run('evaluate', file('flipped.safetensors', flipped))
  assert.is(code, 2)
  assert.match(err, /flipped\.safetensors: the file is damaged: its checksum is "\w{8}", that of what it holds "/)
})

test('weights of another task are refused', async () => {
  await run('train', ...tiny, '--out', folder.path('run'))
  const weights = folder.path('run', 'weights.safetensors')
  const other = await run('evaluate', weights, '--task', 'listops')
  assert.is(other.code, 2)
  assert.match(other.err, /the task listops has 16 token ids and 10 classes, the weights of .* are for 8 and 9/)
  const longer = await run('evaluate', weights, '--segment-length', '20')
  assert.is(longer.code, 2)
  assert.match(longer.err, /segmentLength is 20, but .* positions in segments of 16 tokens/)
})

test.run()
