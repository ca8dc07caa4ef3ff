import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { wilson } from '../../src/cli/report-run.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)

const path = folder.path
/** A folder whose log holds this text. */
function withLog(name: string, text: string): string {
  mkdirSync(path(name))
  writeFileSync(path(name, 'log.jsonl'), text)
  return path(name)
}
const logOf = (name: string): string => readFileSync(path(name, 'log.jsonl'), 'utf8')
const linesOf = (name: string): string[] => logOf(name).trimEnd().split('\n')

test.before(async () => {
  const args = ['train', '--task', 'order', ...tiny, '--device', 'wasm']
  assert.is((await run(...args, '--trace', '--out', path('scaled'))).code, 0)
  assert.is((await run(...args, '--update', 'additive', '--seed', '3', '--out', path('additive'))).code, 0)
})

test('a report of two runs is one page with what their logs say, and facts as lines of JSON', async () => {
  const out = path('pages', 'report.html')
  const { code, out: printed } = await run('report', path('scaled'), path('additive'), '--out', out, '--json')
  assert.is(code, 0)
  const [first, second, summary, ...more] = jsonLines(printed)
  assert.equal([summary, more], [{ kind: 'summary', runs: 2, page: out }, []])
  const logged = jsonLines(logOf('scaled')).at(-1)
  for (const name of [
    'accuracy',
    'majority',
    'testLoss',
    'testExamples',
    'plannedBytes',
    'measuredBytes',
    'loss',
    'memory',
  ])
    assert.equal(first[name], logged[name], name)
  assert.is(first.medianStep, logged.medianStep)
  assert.equal([first.state, first.steps, first.stepsAsked, first.label], ['finished', 5, 5, 'update scaled, seed 0'])
  assert.equal([second.settings.update, second.settings.seed, second.label], ['additive', 3, 'update additive, seed 3'])
  assert.ok(first.accuracyInterval[0] < first.accuracy && first.accuracy < first.accuracyInterval[1])
  const html = readFileSync(out, 'utf8')
  assert.match(html, /<h1>2 runs: order by amrb<\/h1>/)
  assert.match(html, /<td class="prose">scaled <span class="quiet">\(the paper’s\)<\/span><\/td>/)
  assert.not.match(html, /(?:src|href)=|@import|url\(/)
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)]
  assert.is(scripts.length, 3)
  for (const [, text] of scripts) new Function(text) // throws where it does not parse
  const charts = JSON.parse(/id="charts">(.*?)<\/script>/.exec(html)![1])
  const steps = jsonLines(logOf('scaled')).filter(({ kind }) => kind === 'step')
  assert.equal(
    charts.map(({ series }: { series: unknown[] }) => series.length),
    [2, 2, 2, 2, 1, 1],
  )
  assert.equal(
    charts[0].series[0].values,
    steps.map(({ loss }) => loss),
  )
  assert.equal(charts[0].x.values, [1, 2, 3, 4, 5])
  assert.equal(charts[4].series[0].values, steps[4].memoryNorms)
})

test('the command of a report makes the same run again', async () => {
  const { out } = await run('report', path('additive'), '--out', path('one.html'), '--json')
  const [{ command }] = jsonLines(out)
  const words: string[] = command.replace(/^.*?\btrain /, 'train ').split(' ')
  const again = await run(...words, '--out', path('again'), '--json')
  assert.is(again.code, 0, again.err)
  const losses = (text: string) =>
    jsonLines(text)
      .filter(({ kind }) => kind === 'step')
      .map(({ loss, gradientNorm }) => [loss, gradientNorm])
  assert.equal(losses(again.out), losses(logOf('additive')))
  assert.equal(
    readFileSync(path('again', 'config.json'), 'utf8'),
    readFileSync(path('additive', 'config.json'), 'utf8'),
  )
})

test('runs under way, stopped, failed and resumed are read, and said to be so', async () => {
  const lines = linesOf('scaled')
  const going = withLog('going', `${lines.slice(0, 4).join('\n')}\n${lines[4].slice(0, 50)}`)
  const stopped = withLog(
    'stopped',
    [...lines.slice(0, 5), lines.at(-1)!.replace('"stopped":false', '"stopped":true')].join('\n'),
  )
  const failed = withLog('failed', [...lines.slice(0, 4), '{"kind":"error","message":"the disk is <full>"}'].join('\n'))
  const step = JSON.parse(lines[3])
  const resumed = withLog('resumed', [...lines.slice(0, 5), JSON.stringify({ ...step, loss: 42 })].join('\n'))
  const out = path('states.html')
  const { code, out: printed, err } = await run('report', going, stopped, failed, resumed, '--out', out, '--json')
  assert.is(code, 0)
  assert.match(err, /going\/log\.jsonl:5: the last line is half written, and left out/)
  const runs = jsonLines(printed).slice(0, 4)
  assert.equal(
    runs.map(({ label, state, steps }) => [label, state, steps]),
    [
      ['going', 'unfinished', 2],
      ['stopped', 'stopped', 3],
      ['failed', 'failed', 2],
      ['resumed', 'unfinished', 2],
    ],
  )
  assert.is(runs[3].loss, 42)
  assert.equal([runs[0].plannedBytes > 0, runs[0].measuredBytes, runs[0].accuracy], [true, null, null])
  assert.match(readFileSync(out, 'utf8'), /failed after 2 of 5 steps: the disk is &#60;full&#62;/)
  const { out: said } = await run('report', going, '--out', out)
  assert.match(said, /no end so far, after 2 of 5 steps/)
})

test('an older log, without a configuration and some of the numbers, is read with config.json beside it', async () => {
  const steps = linesOf('scaled')
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === 'step')
  const old = withLog('old', steps.map(({ kind, step, loss }) => JSON.stringify({ kind, step, loss })).join('\n'))
  const bare = await run('report', old, '--out', path('old.html'), '--json')
  assert.equal([bare.code, jsonLines(bare.out)[0].command], [0, ''])
  copyFileSync(path('scaled', 'config.json'), join(old, 'config.json'))
  const [facts] = jsonLines((await run('report', old, '--out', path('old.html'), '--json')).out)
  assert.equal([facts.task, facts.medianStep, facts.loss], ['order', null, steps[4].loss])
  writeFileSync(join(old, 'config.json'), '{')
  const wrong = await run('report', old, '--out', path('old.html'))
  assert.is(wrong.code, 2)
  assert.match(wrong.err, /^error \(data\): .*config\.json: expected the configuration of a run: /)
})

test('what is no run is one clear error, exit code 2, and no page', async () => {
  const lines = linesOf('scaled')
  mkdirSync(path('empty'))
  const wrong: [string, RegExp][] = [
    [path('nowhere'), /nowhere: expected a file or folder, but there is nothing/],
    [path('scaled', 'log.jsonl'), /log\.jsonl: expected the folder of a run, but it is a file/],
    [path('empty'), /empty\/log\.jsonl: expected the log of a run, but there is nothing/],
    [withLog('blank', ''), /blank\/log\.jsonl: expected the log of a training, but no line is of one/],
    [withLog('foreign', 'a text\n'), /foreign\/log\.jsonl:1: expected a line of a training's log, but it is no JSON/],
    [withLog('other', '{"kind":"accuracy"}\n'), /other\/log\.jsonl: expected the log of a training, but no line is/],
    [
      withLog('torn', [lines[0], lines[1].slice(0, 20), lines[2]].join('\n')),
      /torn\/log\.jsonl:2: expected a line of a training's log/,
    ],
    [
      withLog('changed', [lines[0], '{"kind":"step","step":1,"loss":"low"}'].join('\n')),
      /changed\/log\.jsonl:2: loss is "low"; expected a number, or null/,
    ],
  ]
  for (const [folder, said] of wrong) {
    const { code, err, out } = await run('report', path('scaled'), folder, '--out', path('never.html'), '--json')
    assert.is(code, 2, folder)
    assert.match(err, said)
    assert.match(err, /^error \(data\): [^\n]*\n$/)
    assert.is(jsonLines(out).at(-1).kind, 'error')
  }
  assert.not(existsSync(path('never.html')))
  const all = await run('report', path(), '--out', path('never.html'))
  assert.match(all.err, /^error \(data\): .*: expected the folder of a run, but runs stand in it; name them: .*\/\*$/m)
  const twice = await run('report', path('scaled'), `${path('scaled')}/`, '--out', path('twice.html'), '--json')
  assert.is(jsonLines(twice.out).at(-1).runs, 1)
  const before = logOf('scaled')
  appendFileSync(path('scaled', 'log.jsonl'), 'x')
  assert.is((await run('report', path('scaled'), '--out', path('x.html'))).code, 0)
  assert.is(logOf('scaled'), `${before}x`)
})

/** A run as `scaled`, of another seed: the lines of its log, with the accuracy that its test comes to. */
function seeded(seed: number, accuracy: number, ended = true): string {
  const [begun, ...lines] = linesOf('scaled').filter((line) => line.startsWith('{'))
  const { configuration, ...rest } = JSON.parse(begun)
  const first = { ...rest, configuration: { ...configuration, seed: { ...configuration.seed, value: seed } } }
  const last = { ...JSON.parse(lines.pop()!), accuracy, majority: accuracy / 2, bitsPerByte: 2 + accuracy }
  return withLog(`seed${seed}`, [first, ...(ended ? [last] : [])].map((line) => JSON.stringify(line)).join('\n'))
}

test('in Markdown a report has a table for each task, a row for all seeds of a run, and their commands', async () => {
  const bag = ['--model', 'bag-of-tokens', '--hidden', '8', '--device', 'wasm', '--seed', '0']
  const flags = ['--task', 'cue', ...bag, '--batch', '4', '--steps', '5', '--test-examples', '100']
  assert.is((await run('train', ...flags, '--out', path('bag'))).code, 0)
  const others = [seeded(7, 0.5), seeded(8, 0.7), seeded(9, 0, false)]
  const out = path('table.md')
  const { code, err } = await run('report', ...others, path('additive'), path('bag'), '--out', out)
  assert.is(code, 0, err)
  const text = readFileSync(out, 'utf8')
  const [summary, order, cue, ...more] = text.split(/\n\n(?=## )/)
  assert.equal(more, [])
  assert.match(
    summary,
    /^# Results\n\n\| accuracy \| order \| cue \|\n\| --- \| --- \| --- \|\n\| rmaat scaled \| 60\.0 ± 14\.1 % \| – \|\n\| rmaat additive \| \d+\.\d % \| – \|\n\| bag-of-tokens \| – \| \d+\.\d % \|$/,
  )
  const [head, data, table, commands] = order.split('\n\n')
  assert.is(head, '## order')
  assert.match(
    data,
    /^Data: made here, no file is read\. Sizes: \S.*\. Tested are the weights of the last step, .*11\.1 %\.$/,
  )
  const cells = table.split('\n').map((line) => line.slice(2, -2).split(' | '))
  assert.equal(cells[0], [
    ...['row', 'model', 'settings', 'T × S', 'width', 'layers', 'parameters', 'method', 'steps', 'time', 'accuracy'],
    ...['95 % interval', 'test examples', 'most frequent answer', 'bits per byte'],
  ])
  assert.equal(cells[1], new Array(15).fill('---'))
  // 0.5 and 0.7: 0.141 is their standard deviation
  assert.equal(cells[2].slice(0, 6), ['1', 'rmaat', 'update scaled', '4 × 16', '8', '1'])
  assert.equal(cells[2].slice(10, 12), ['60.0 ± 14.1 %', '2 of 3 seeds; seed 9 no end so far, after 0 of 5 steps'])
  assert.equal(cells[2].slice(13), ['30.0 ± 7.1 %', '2.600 ± 0.141'])
  assert.equal([cells[3].slice(0, 3), cells[3][7], cells[3][12]], [['2', 'rmaat', 'update additive'], 'amrb', '100'])
  assert.match(cells[3].slice(8, 12).join(' '), /^5 [\d.]+ m?s \d+\.\d % \d+\.\d – \d+\.\d$/)
  assert.match(
    commands,
    /^```sh\n# 1: rmaat, the others with --seed 8, --seed 9\nrmaat train .*--seed 7 .*\n# 2: rmaat\nrmaat train .*\n```$/,
  )
  const [begun] = linesOf('scaled')
  const { configuration, ...rest } = JSON.parse(begun)
  const setting = (value: string) => ({ ...configuration.task, value })
  const far = { ...configuration, task: setting('text'), data: setting('/one/machine/films of 1996') }
  const texts = withLog('texts', JSON.stringify({ ...rest, configuration: far }))
  assert.is((await run('report', texts, '--out', path('texts.md'))).code, 0)
  const published = readFileSync(path('texts.md'), 'utf8')
  assert.ok(published.includes(" --data 'films of 1996'"), published)
  assert.not.match(published, /one.machine/)
  // no segments and no blocks, but those of its task
  assert.match(cue, /\n\| 1 \| bag-of-tokens \| – \| – \| – \| [\d,]+ \| – \| 5 \| /)
  const stopped = await run('report', others[2], '--out', path('one.md'), '--json')
  assert.equal(jsonLines(stopped.out).at(-1), { kind: 'summary', runs: 1, page: path('one.md') })
  assert.match(readFileSync(path('one.md'), 'utf8'), / \| – \| – \| no end so far, after 0 of 5 steps \| – \| – \|\n/)
})

test('the interval is that of Wilson', () => {
  // 81 of 263, an example of E. B. Wilson's interval in Newcombe (1998), table I
  const [low, high] = wilson(81 / 263, 263)
  assert.equal([low.toFixed(4), high.toFixed(4)], ['0.2553', '0.3662'])
  assert.equal(
    wilson(0, 20).map((end) => end.toFixed(4)),
    ['0.0000', '0.1611'],
  )
  assert.equal(
    wilson(1, 29).map((end) => end.toFixed(4)),
    ['0.8830', '1.0000'],
  )
})

test.run()
