import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors } from '../../src/nn/safetensors.ts'
import { writeSigned } from '../../src/nn/signature.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)

/** What a run must give again: all that it found, and nothing of the clock. */
const losses = (events: { kind: string; loss: number; gradientNorm: number }[]) =>
  events.filter(({ kind }) => kind === 'step').map(({ loss, gradientNorm }) => [loss, gradientNorm])

test('train prints its events and a summary, and leaves log, weights and configuration', async () => {
  const out = folder.path('run')
  const args = ['train', '--task', 'order', ...tiny, '--seed', '3', '--trace']
  const { code, out: printed, err } = await run(...args, '--out', out, '--json')
  assert.is(code, 0)
  assert.match(err, /device {3}wasm: WebAssembly/)
  const events = jsonLines(printed)
  assert.equal(
    events.map(({ kind }) => kind),
    ['begin', 'step', 'step', 'step', 'step', 'step', 'end', 'summary'],
  )
  const [step, summary] = [events[1], events[7]]
  assert.is(step.memoryNorms.length, 4)
  assert.is(step.memoryGradients.length, 4)
  assert.is(summary.testExamples, 100)
  assert.is(summary.loss, events[5].loss)
  assert.ok(summary.accuracy >= 0 && summary.accuracy <= 1 && summary.majority > 0.1)
  assert.ok(summary.measuredBytes - summary.plannedBytes < 2 * 65536)
  assert.ok(summary.measuredBytes >= summary.plannedBytes)
  assert.equal(readdirSync(out).sort(), ['config.json', 'log.jsonl', 'weights.safetensors'])

  const [first, ...logged] = jsonLines(readFileSync(folder.path('run', 'log.jsonl'), 'utf8'))
  assert.equal(logged, events)
  assert.is(first.device.name, 'wasm')
  assert.is(first.versions.node, process.versions.node)
  assert.is(first.seeds.weights, 3)
  const config = JSON.parse(readFileSync(folder.path('run', 'config.json'), 'utf8'))
  assert.equal(first.configuration, config)
  assert.is(config.alpha.value, 0.25)
  assert.is(config.alpha.source, 'choice')
  assert.is(config.update.source, 'paper')
  assert.is(config.method.source, 'paper')
  assert.is(config.vocabulary.value, 8)
  const { metadata, tensors } = readSafetensors(readFileSync(summary.weights))
  assert.equal(JSON.parse(metadata.configuration), config)
  assert.ok(tensors.has('blocks.0.norm1.gain'))

  const again = await run(
    'train',
    '--config',
    folder.path('run', 'config.json'),
    '--out',
    folder.path('again'),
    '--json',
  )
  assert.equal(losses(jsonLines(again.out)), losses(events))

  const unrolled = await run(...args, '--method', 'bptt', '--out', folder.path('bptt'))
  assert.match(unrolled.out, /^order by bptt: 5 steps\naccuracy {3}.* of 100 test examples right; the most frequent/)
})

test('evaluate gives the accuracy again, and takes another number of segments', async () => {
  const weights = folder.path('run', 'weights.safetensors')
  const trained = jsonLines(readFileSync(folder.path('run', 'log.jsonl'), 'utf8')).at(-1)
  const [same] = jsonLines((await run('evaluate', weights, '--json')).out)
  assert.is(same.accuracy, trained.accuracy)
  assert.is(same.loss, trained.testLoss)
  assert.is(same.majority, trained.majority)
  const [longer] = jsonLines((await run('evaluate', weights, '--segments', '6', '--json')).out)
  assert.is(longer.segments, 6)
  assert.is(longer.examples, 100)
  const { out } = await run('evaluate', weights, '--segments', '6')
  assert.match(out, /^order in 6 segments \(trained with 4\)\naccuracy /)
})

test('a training begins with the weights of another, on its task or on another one, and may move a part of them', async () => {
  const weights = folder.path('run', 'weights.safetensors')
  const short = ['--batch', '4', '--steps', '2', '--test-examples', '50', '--json']
  const tensorsOf = (name: string) => readSafetensors(readFileSync(folder.path(name, 'weights.safetensors'))).tensors
  const before = tensorsOf('run')
  const changed = (name: string): string[] => {
    const after = tensorsOf(name)
    return [...before].flatMap(([key, { data }]) => (`${after.get(key)!.data}` === `${data}` ? [] : [key]))
  }

  // the same task and model: their settings are those of the file
  const same = await run('train', '--weights', weights, '--trains', 'head2,wq', ...short, '--out', folder.path('same'))
  assert.is(same.code, 0, same.err)
  assert.match(same.err, /\nweights {2}\d+ parameters of .*run.weights\.safetensors\n/)
  assert.equal(changed('same'), ['blocks.0.wq', 'head2.w', 'head2.b'])
  const config = JSON.parse(readFileSync(folder.path('same', 'config.json'), 'utf8'))
  assert.equal([config.width.value, config.task.value, config.trains.value], [8, 'order', 'head2,wq'])
  assert.is(config.weights.value, weights)
  const [first] = jsonLines(same.out).filter(({ kind }) => kind === 'step')
  const [anew] = jsonLines(readFileSync(folder.path('run', 'log.jsonl'), 'utf8')).filter(({ kind }) => kind === 'step')
  assert.not.equal(first.loss, anew.loss)

  // another task: what has its sizes begins anew, and is named
  const other = await run('train', '--weights', weights, '--task', 'cue', ...short, '--out', folder.path('other'))
  assert.is(other.code, 0, other.err)
  assert.match(other.err, /; of other sizes here, and so from their beginning: embed, head2\.w, head2\.b\n/)
  const begun = JSON.parse(readFileSync(folder.path('other', 'config.json'), 'utf8'))
  assert.equal([begun.task.value, begun.width.value, begun.segmentLength.value], ['cue', 8, config.segmentLength.value])
  const told = await run('explain', '--weights', weights, '--trains', 'head2', '--json')
  const all = await run('explain', '--weights', weights, '--json')
  const [few, many] = [told, all].map(({ out }) => jsonLines(out).at(-1))
  assert.ok(few.kernels < many.kernels, `${few.kernels} of ${many.kernels}`)

  for (const [flags, message] of [
    [
      ['--width', '16'],
      /^error \(config\): .*weights.safetensors: "embed" is \[8, 8\] in the file, \[8, 16\] in the model: expected/m,
    ],
    [['--model', 'rmt'], /^error \(config\): model is rmt, but the weights of .* are of the model rmaat$/m],
    [
      ['--trains', 'head'],
      /^error \(config\): AdamW: trains names "head"; there are embed, position, memory, blocks, 0, wq,/m,
    ],
    [['--trains', ' '], /^error \(config\): AdamW: trains names ""; there are/m],
  ] as const) {
    const { code, err } = await run('train', '--weights', weights, ...flags, ...short, '--out', folder.path('wrong'))
    assert.is(code, 2)
    assert.match(err, message)
    assert.not(existsSync(folder.path('wrong')))
  }
})

test('weights that are not finite are no result', async () => {
  const { tensors, metadata } = readSafetensors(readFileSync(folder.path('run', 'weights.safetensors')))
  const name = 'head2.b'
  const { shape, data } = tensors.get(name)!
  const broken = new Map(tensors).set(name, { dtype: 'F32', shape, data: Float32Array.from(data).fill(Number.NaN) })
  const path = folder.path('broken.safetensors')
  writeFileSync(path, writeSigned(broken, metadata))
  const { code, err } = await run('evaluate', path)
  assert.ok(code > 0)
  assert.match(err, /\nerror \(\w+\): .*broken\.safetensors.*\n$/)
})

test('a training that diverges ends early, says so, and is no success', async () => {
  // the decay alone multiplies the matrices by -99 in a step
  const rate = ['--rate', '1', '--decay', '100', '--schedule', 'constant', '--warm-up', '0']
  const args = ['train', ...tiny, '--steps', '1000', ...rate, '--out', folder.path('diverged'), '--json']
  const { code, out, err } = await run(...args)
  assert.is(code, 1)
  assert.match(err, /^error \(diverged\): \d+ of \d+ steps changed nothing, \d+ of them at the end, as /m)
  assert.ok((err.match(/nothing was changed/g) ?? []).length <= 3, err)
  const events = jsonLines(out)
  const end = events.find(({ kind }) => kind === 'end')
  assert.ok(end.stopped && end.steps < 100 && end.skipped >= 10)
  assert.is(events.at(-1).kind, 'error')
  assert.is(events.at(-1).code, 'diverged')
})

test('ListOps has the best constant for each root beside its accuracy', async () => {
  const args = [...tiny, '--max-length', '24', '--segment-length', '6']
  const { out } = await run('train', '--task', 'listops', ...args, '--out', folder.path('listops'), '--json')
  const summary = jsonLines(out).at(-1)
  assert.ok(summary.bestConstantPerRoot > summary.majority)
  const weights = folder.path('listops', 'weights.safetensors')
  const [tested] = jsonLines((await run('evaluate', weights, '--segments', '5', '--json')).out)
  assert.is(tested.accuracy.toFixed(1), summary.accuracy.toFixed(1))
  assert.is(tested.bestConstantPerRoot, summary.bestConstantPerRoot)
})

test('another model is trained, saved and tested by the same commands, with settings of its own', async () => {
  const out = folder.path('bag')
  const small = [
    '--task',
    'order',
    '--test-examples',
    '50',
    '--model',
    'bag-of-tokens',
    '--hidden',
    '8',
    '--steps',
    '3',
  ]
  const trained = await run('train', ...small, '--out', out, '--json')
  assert.is(trained.code, 0, trained.err)
  const summary = jsonLines(trained.out).at(-1)
  const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))
  assert.equal([config.model.value, config.hidden.value, 'memory' in config], ['bag-of-tokens', 8, false])
  const tested = jsonLines((await run('evaluate', summary.weights, '--json')).out).at(-1)
  assert.equal([tested.accuracy, tested.examples], [summary.accuracy, 50])
  const traced = await run('train', ...small, '--trace')
  assert.equal([traced.code, /a model that has no carries/.test(traced.err)], [2, true])
  const foreign = await run('train', ...small, '--memory', '4')
  assert.equal([foreign.code, /memory is no setting of the model bag-of-tokens/.test(foreign.err)], [2, true])
})

test('a causal model of bytes is trained, tested, explained and reported in bits per byte', async () => {
  const data = fileURLToPath(new URL('../../README.md', import.meta.url))
  const own = ['--task', 'bytes', '--data', data, '--segments', '2', '--segment-length', '16', ...tiny.slice(0, -2)]
  const causal = [...own, '--causal', 'true']
  const out = folder.path('bytes')
  const { code, out: printed } = await run('train', ...causal, '--test-examples', '9', '--out', out, '--json')
  assert.is(code, 0)
  const summary = jsonLines(printed).at(-1)
  assert.is(summary.bitsPerByte, summary.testLoss / Math.LN2)
  assert.ok(summary.bitsPerByte > 4 && summary.bitsPerByte < 9, summary.bitsPerByte)

  const tested = await run('evaluate', summary.weights)
  assert.match(
    tested.out,
    new RegExp(`of the bytes of 9 test examples right; .*; ${summary.bitsPerByte.toFixed(3)} bits`),
  )
  assert.match(
    (await run('explain', ...causal)).out,
    /^A training step by amrb: 4 sequences of 2 segments of 16 tokens/,
  )
  const page = folder.path('bytes.html')
  const reported = await run('report', out, '--out', page)
  assert.match(reported.out, /bits per byte/)
  assert.match(readFileSync(page, 'utf8'), /bits per byte<\/th>/)
  const [facts] = jsonLines((await run('report', out, '--out', page, '--json')).out)
  assert.equal([facts.bitsPerByte, facts.accuracyInterval], [summary.bitsPerByte, null])

  // before anything is read
  const refused = await run('train', ...own, '--data', folder.path('nowhere'), '--out', folder.path('refused'))
  assert.is(refused.code, 2)
  assert.match(refused.err, /the task bytes asks for a class at every token, but the model is not causal; expected/)
  assert.not(existsSync(folder.path('refused')))
})

test.run()
