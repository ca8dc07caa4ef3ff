import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cellsOf, readPlan } from '../../src/cli/ablate-file.ts'
import { ablationRows, combinationsOf, readAblation } from '../../src/cli/ablate-table.ts'
import { buildCommand } from './built.ts'
import { jsonLines, run, temporaryFolder } from './run.ts'

const folder = temporaryFolder()
const own = process.argv[1]
const main = buildCommand(folder.path('built'))
// trainings are commands of their own
test.before(() => {
  process.argv[1] = main
})
test.after(() => {
  process.argv[1] = own
  folder.remove()
})

const sizes = { memory: 2, width: 8, layers: 1, heads: 2, features: 4, feedForward: 8, batch: 4, testExamples: 50 }
const base = { task: 'order', steps: 3, device: 'wasm', threads: 1, ...sizes }

function file(name: string, content: unknown): string {
  const path = folder.path(name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** The command with some variables set, and these as they were afterwards. */
async function runWith(variables: Record<string, string>, ...args: string[]) {
  Object.assign(process.env, variables)
  try {
    return await run(...args)
  } finally {
    for (const name in variables) delete process.env[name]
  }
}

test('cells are every combination with every seed, in the order of the file', async () => {
  const path = file('plan.json', {
    base,
    vary: { update: ['scaled', 'additive'], learnScale: [true, false], segments: [2, 3] },
    seeds: [4, 7],
  })
  const cells = cellsOf(await readPlan(path))
  assert.is(cells.length, 16)
  assert.equal(cells[0].varied, { update: 'scaled', learnScale: true, segments: 2, seed: 4 })
  assert.equal(cells[3].varied, { update: 'scaled', learnScale: true, segments: 3, seed: 7 })
  assert.equal(cells[8].settings, { ...base, update: 'additive', learnScale: true, segments: 2, seed: 4 })
  assert.is(cells[8].name, 'update=additive,learnScale=true,segments=2,seed=4')
  assert.is(new Set(cells.map(({ name }) => name)).size, 16)
  assert.is((await run('ablate', path, '--cells')).out, '16\n')
  assert.equal(jsonLines((await run('ablate', path, '--cells', '--json')).out), [{ kind: 'summary', cells: 16 }])
})

test('a preset goes before base and vary, and a model goes without what it has no setting for', async () => {
  const path = file('preset.json', {
    preset: 'cue',
    base: { steps: 3 },
    vary: { model: ['rmaat', 'rmt'], rate: [0.1] },
  })
  const [own, relative] = cellsOf(await readPlan(path)).map(({ settings }) => settings)
  const shared = { task: 'cue', segments: 64, batch: 32, steps: 3, rate: 0.1 }
  for (const [name, value] of Object.entries(shared)) assert.equal([own[name], relative[name]], [value, value])
  assert.equal(
    [own.update, own.retention, relative.update, relative.retention],
    ['additive', 'fixed', undefined, undefined],
  )
})

test('a job of an array runs its cell alone; the table names what is missing; the rest is run once, by itself', async () => {
  const out = folder.path('array')
  const path = file('array.json', { base, vary: { update: ['scaled', 'additive'] }, seeds: [0, 1], trace: true })
  const none = await run('ablate', path, '--table', '--out', out)
  assert.is(none.code, 0)
  assert.match(none.out, /0 of 4 cells done\ncell 0 \(update scaled, seed 0\): missing\n/)
  assert.not(existsSync(out))

  const slurm = await runWith({ SLURM_ARRAY_TASK_ID: '1' }, 'ablate', path, '--cell', '--out', out)
  assert.is(slurm.code, 0, slurm.err)
  assert.match(slurm.out, /^cell 1 \(update scaled, seed 1\): finished, accuracy [\d.]+ %, .*update=scaled,seed=1\n$/)
  const given = await runWith({ SLURM_ARRAY_TASK_ID: '1' }, 'ablate', path, '--cell', '3', '--out', out, '--json')
  assert.equal(jsonLines(given.out).at(-1).done, [3])
  assert.equal(readdirSync(out).sort(), ['ablation.json', 'update=additive,seed=1', 'update=scaled,seed=1'])

  // one that was ended half-way is left as it is, and run again beside it
  const half = join(out, 'update=additive,seed=0')
  mkdirSync(half)
  const log = readFileSync(join(out, 'update=scaled,seed=1', 'log.jsonl'), 'utf8')
    .split('\n')
    .slice(0, 3)
    .join('\n')
  writeFileSync(join(half, 'log.jsonl'), log)
  const parts = await run('ablate', path, '--table', '--out', out)
  assert.match(parts.out, /\nscaled +[\d.]+ % +[\d.]+ +[\d.]+ % +\S+ m?s +1 of 2\nadditive .* 1 of 2\n/)
  assert.match(parts.out, /2 of 4 cells done\ncell 0 .*: missing\ncell 2 .*: no end so far, after 1 of 3 steps, /)

  const all = await run('ablate', path, '--together', '2', '--out', out, '--json')
  assert.is(all.code, 0, all.err)
  assert.match(all.err, /cell 1 is done: /)
  const lines = jsonLines(all.out)
  assert.equal(lines.at(-1), { kind: 'summary', cells: 4, done: [0, 1, 2, 3], missing: [], diverged: [], folder: out })
  assert.is(readFileSync(join(half, 'log.jsonl'), 'utf8'), log)
  assert.is(lines[2].folder, join(out, 'update=additive,seed=0.2'))
  const [scaled] = lines.filter(({ kind }) => kind === 'combination')
  const found = lines.slice(0, 2).map(({ accuracy }) => accuracy)
  const mean = (found[0] + found[1]) / 2
  assert.equal(scaled.accuracy, {
    mean,
    deviation: Math.sqrt((found[0] - mean) ** 2 + (found[1] - mean) ** 2),
    values: found,
  })

  const again = await run('ablate', path, '--out', out)
  assert.match(again.out, /± [\d.]+ % .* 2 of 2\n[\s\S]*4 of 4 cells done\n/)
  assert.is(readdirSync(out).length, 6)

  const page = folder.path('array.html')
  const reported = await run('report', out, '--out', page, '--json')
  assert.is(reported.code, 0)
  assert.is(jsonLines(reported.out).at(-1).runs, 4)
  const html = readFileSync(page, 'utf8')
  assert.match(html, /<h2>Ablation array<\/h2>/)
  assert.match(html, /<th>additive<\/th><td>[\d.]+ ± [\d.]+ %<\/td>/)
  assert.match(html, /<h2>Memory by segment<\/h2>/)
  // as a shell writes out `array/*`
  const inside = readdirSync(out).map((name) => join(out, name))
  const each = await run('report', ...inside, '--out', folder.path('each.html'), '--json')
  assert.is(each.code, 0, each.err)
  assert.is(jsonLines(each.out).at(-1).runs, 5)

  // more values and seeds may follow, and what is done stays so; another base is another ablation
  const more = file('array.json', {
    base,
    vary: { update: ['reset', 'scaled', 'additive'] },
    seeds: [0, 1],
    trace: true,
  })
  const grown = await run('ablate', more, '--table', '--out', out, '--json')
  assert.equal(jsonLines(grown.out).at(-1).missing, [0, 1])
  const other = file('other.json', { base: { ...base, steps: 4 }, vary: { update: ['scaled', 'additive'] } })
  const refused = await run('ablate', other, '--out', out)
  assert.is(refused.code, 2)
  assert.match(
    refused.err,
    /^error \(config\): .*array holds another ablation: expected preset, base, trace and the names of/,
  )
})

test('a cell that diverges is a result, and the others go on', async () => {
  const wild = { ...base, steps: 100, rate: 1, schedule: 'constant', warmUp: 0 }
  const path = file('wild.json', { base: wild, vary: { decay: [100, 0] } })
  const out = folder.path('wild')
  const first = await run('ablate', path, '--out', out, '--json')
  assert.is(first.code, 1, first.err)
  assert.match(first.err, /training decay 100, seed 0: \d+ of \d+ steps changed nothing/)
  const summary = jsonLines(first.out).at(-1)
  assert.equal([summary.done, summary.diverged], [[0, 1], [0]])
  const ablation = await readAblation(out, () => {})
  assert.equal(
    combinationsOf(ablation).map(({ finished }) => finished),
    [0, 1],
  )
  assert.match(ablation.notes[0], /^cell 0 \(decay 100, seed 0\): diverged after \d+ of 100 steps: /)
  const shown = await run('ablate', path, '--out', out, '--table')
  assert.equal([shown.code, readdirSync(out).length], [0, 3])
  // as of language models
  assert.not(ablationRows(ablation)[0].includes('bits per byte'))
  const cells = ablation.cells.map((cell) => ({ ...cell, facts: { ...cell.facts!, bitsPerByte: 4.25 } }))
  const [head, , row] = ablationRows({ ...ablation, cells })
  assert.is(row[head.indexOf('bits per byte')], '4.250')
})

test('Ctrl-C ends the cell under way, no further one begins, and the same command goes on with it', async () => {
  const out = folder.path('stopped')
  const path = file('stopped.json', { base: { ...base, steps: 3000 }, vary: { update: ['scaled', 'additive'] } })
  const log = join(out, 'update=scaled,seed=0', 'log.jsonl')
  const look = setInterval(() => {
    if (!existsSync(log) || !readFileSync(log, 'utf8').includes('"step"')) return
    clearInterval(look)
    process.emit('SIGINT')
  }, 50)
  const { code, err, out: printed } = await run('ablate', path, '--out', out)
  clearInterval(look)
  assert.equal([code, printed], [130, ''])
  assert.match(err, /interrupted: the cells that are done stay so/)
  assert.equal(readdirSync(out).sort(), ['ablation.json', 'update=scaled,seed=0'])
  const [line] = jsonLines((await run('ablate', path, '--table', '--out', out, '--json')).out)
  assert.equal([line.state, line.done], ['stopped', false])
  const again = await run('ablate', path, '--cell', '0', '--out', out)
  assert.match(again.out, /^cell 0 \(update scaled, seed 0\): finished, accuracy /, again.err)
  assert.equal(readdirSync(out).sort(), ['ablation.json', 'update=scaled,seed=0'])
  const found = jsonLines(readFileSync(log, 'utf8'))
  assert.ok(found.some(({ kind }) => kind === 'resume'))
  assert.equal(
    found.flatMap(({ kind, step }) => (kind === 'step' ? [step] : [])),
    Array.from({ length: 3000 }, (_, i) => i + 1),
  )
})

test('an ablation that is none is one clear error, exit code 2, and nothing is run', async () => {
  const vary = { update: ['scaled', 'additive'] }
  const wrong: [content: unknown, args: string[], said: RegExp][] = [
    [{ base, vary: { updates: ['scaled'] } }, [], /wrong\.json: no setting is called updates; there are task, /],
    [{ base: { stepps: 3 }, vary }, [], /wrong\.json: no setting is called stepps; there are task, /],
    [{ base, vary: {} }, [], /wrong\.json: nothing varies: expected a setting with at least two values under vary/],
    [{ base, vary: { update: ['scaled'] } }, [], /wrong\.json: nothing varies/],
    [{ base }, [], /wrong\.json: vary is undefined; expected settings by name, each with a list of values/],
    [{ base, vary: { update: 'scaled' } }, [], /wrong\.json: vary is an object; expected settings by name, each with/],
    [{ base, vary: { update: ['scaled', 'added'] } }, [], /wrong\.json: vary: update is "added"; expected 'scaled'/],
    [{ base, vary: { update: ['scaled', 'scaled'] } }, [], /wrong\.json: vary: update has "scaled" twice/],
    [{ base: { ...base, update: 'mix' }, vary }, [], /wrong\.json: update stands in base and in vary/],
    [{ base: { ...base, seed: 1 }, vary }, [], /wrong\.json: seed stands in base: expected it under seeds, a list/],
    [{ base, vary, seeds: [] }, [], /wrong\.json: seeds is \[\]: expected at least one/],
    [{ base, vary, seeds: [0, -1] }, [], /wrong\.json: seeds is \[0, -1\]; expected a list of whole numbers/],
    [{ preset: 'ceu', base, vary }, [], /wrong\.json: preset is "ceu"; expected .*cue/],
    [{ base, vary, seed: [1] }, [], /wrong\.json: nothing is called seed; there are preset, base, vary, seeds, trace/],
    ['[1]', [], /wrong\.json: content is \[1\]; expected an object/],
    ['{"base":', [], /wrong\.json: expected a JSON object: /],
    [
      { base: { task: 'order' }, vary: { width: [8, 9] } },
      [],
      /: cell 1 \(width 9, seed 0\): a width of 9 does not divide/,
    ],
    [
      { base: { task: 'bytes' }, vary: { width: [8, 16] } },
      [],
      /: cell 0 \(width 8, seed 0\): train: the task bytes asks for a class at every token, but the model is not causal/,
    ],
    [{ base, vary }, ['--cell', '2'], /--cell is 2; expected a whole number from 0 to 1/],
    [{ base, vary }, ['--cell', '-1'], /--cell is -1; expected a whole number from 0 to 1/],
    [{ base, vary }, ['--cell'], /--cell has no number, and none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX is set/],
    [{ base, vary }, ['--cell', '0', '--table'], /cannot be used with option/],
    [{ base, vary }, ['--together', '0'], /expected a whole number of at least 1/],
  ]
  const out = folder.path('never')
  for (const [content, args, said] of wrong) {
    const { code, err } = await run('ablate', file('wrong.json', content), ...args, '--out', out)
    assert.is(code, 2, JSON.stringify([content, args]))
    assert.match(err, said)
    assert.not.match(err, /\n {4}at /)
    assert.not(existsSync(out))
  }
  const path = file('wrong.json', { base, vary })
  const far = await runWith({ JOB_COMPLETION_INDEX: '7' }, 'ablate', path, '--out', out)
  assert.equal([far.code, /JOB_COMPLETION_INDEX is 7; expected a whole number from 0 to 1/.test(far.err)], [2, true])
  const nowhere = await run('ablate', folder.path('nowhere.json'))
  assert.equal(
    [nowhere.code, /nowhere\.json: expected a file to read, but there is nothing/.test(nowhere.err)],
    [2, true],
  )
})

test.run()
