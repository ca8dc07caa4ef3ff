import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { presets } from '../../src/cli/presets.ts'
import { models } from '../../src/models/index.ts'
import { macroDefaults } from '../../src/rmaat/macro-model.ts'
import { retention } from '../../src/rmaat/retention.ts'
import { tasks } from '../../src/tasks/index.ts'
import { testOn } from '../support/devices.ts'
import { jsonLines, run } from './run.ts'

test('explain gives the peak and its parts before anything runs', async () => {
  const { code, out, err } = await run('explain', '--json')
  assert.is(code, 0)
  assert.match(err, /^(compiling: .*\n)*$/) // on a machine that is slow
  const lines = jsonLines(out)
  const summary = lines.pop()
  const { arena, replay, inputs, variables, workspace } = summary.memory
  assert.is(summary.peakBytes, arena + inputs + variables + workspace)
  assert.ok(replay > 0 && replay < arena)
  // with two means for each, and the count of steps
  assert.is(variables, 3 * 4 * summary.parameters + 4)
  assert.is(lines.filter(({ text }) => !/^(loop|end)/.test(text)).length, summary.kernels)
  const whole = jsonLines((await run('explain', '--slices', '1', '--json')).out).at(-1)
  assert.ok(whole.memory.arena > arena)
  const unrolled = jsonLines((await run('explain', '--slices', '1', '--method', 'bptt', '--json')).out).at(-1)
  assert.ok(unrolled.memory.arena > 2 * whole.memory.arena)
  assert.is(unrolled.memory.replay, 0)
  // doubles, and the whole batch at once
  const reference = jsonLines((await run('explain', '--device', 'reference', '--json')).out).at(-1)
  assert.is(reference.memory.arena, 2 * whole.memory.arena)
  assert.ok(reference.memory.workspace < whole.memory.workspace) // constants alone
})

test('explain answers at once for half a million tokens', async () => {
  const begin = performance.now()
  const args = ['--segments', '1024', '--segment-length', '512', '--batch', '1', '--json']
  const summary = jsonLines((await run('explain', ...args)).out).at(-1)
  assert.ok(performance.now() - begin < 3000)
  assert.is(summary.segments, 1024)
  assert.ok(summary.memory.arena < 48 * 2 ** 20, `${summary.memory.arena}`)
})

test('explain lists kernels for people, of a step or of the forward pass alone', async () => {
  const step = await run('explain', '--task', 'text')
  assert.match(step.out, /^A training step by amrb: 32 sequences of 8 segments of 512 tokens, /)
  assert.match(step.out, /\n {2}\d\d loop 32 times\n/)
  assert.match(step.out, /\n {2}\d\d {3}loop 7 times\n/)
  assert.match(step.out, /\npeak {7} +[\d.]+ [KM]iB {2}arena, inputs, variables and workspace\n$/)
  const forward = await run('explain', '--forward', '--operands')
  assert.match(forward.out, /^A forward pass: /)
  assert.match(forward.out, /operand 0: f32 /)
  assert.not.match(forward.out, /AdamW/)
})

test('a memory budget holds and keeps what fits, and explain shows the whole dial', async () => {
  const args = ['--task', 'order', '--segments', '6', '--batch', '8', '--slices', '1', '--layers', '1']
  const points = jsonLines((await run('explain', ...args, '--memory-budget', '1GiB', '--json')).out)
  const { keep, kind } = points.pop()
  assert.equal([kind, keep, points[0].hold, points[0].keep], ['summary', 5, 0, 0])
  const bptt = jsonLines((await run('explain', ...args, '--method', 'bptt', '--json')).out).at(-1)
  const amrb = jsonLines((await run('explain', ...args, '--json')).out).at(-1)
  assert.equal([points[0].peakBytes, points.at(-1).peakBytes], [amrb.peakBytes, bptt.peakBytes])
  const products = points.map((point) => point.products)
  assert.equal(
    products.toSorted((a, b) => b - a),
    products,
  )
  // held are first all products, for a part of what keeping everything takes
  const held = points.findLast((point) => point.keep === 0)
  assert.is(held.products, products.at(-1))
  assert.ok(held.peakBytes < bptt.peakBytes, `${held.peakBytes} of ${bptt.peakBytes}`)
  const { peakBytes } = points[3]
  const budget = `${peakBytes + 5}`
  const trained = await run(
    'train',
    ...args,
    '--memory-budget',
    budget,
    '--steps',
    '1',
    '--test-examples',
    '20',
    '--json',
  )
  assert.is(trained.code, 0, trained.err)
  assert.match(trained.err, /^budget {3}.*: 0 of 5 segments keep their activations, the others \d+ values each, /m)
  const { plannedBytes } = jsonLines(trained.out).at(-1)
  assert.ok(plannedBytes > amrb.peakBytes && plannedBytes <= peakBytes + 5, `${plannedBytes} of ${budget}`)
  assert.match((await run('explain', ...args, '--memory-budget', '20 MB')).out, /^19\.1 MiB: \d of 5 segments keep /m)
  for (const [wrong, said] of [
    ['3KiB', /memoryBudget is 3\.00 KiB, but replay alone takes .*: expected at least that/],
    ['much', /--memory-budget is "much"; expected a size such as 64MiB/],
  ] as const) {
    const { code, err } = await run('train', ...args, '--memory-budget', wrong)
    assert.is(code, 2)
    assert.match(err, said)
  }
})

test('simulate draws the curve, or prints it as data', async () => {
  const drawn = await run('simulate')
  assert.is(drawn.code, 0)
  assert.match(drawn.out, /Retention factor RF\(t, T\), schedule fixed/)
  const lines = jsonLines((await run('simulate', '--json')).out)
  const of = (kind: string) => lines.filter((line) => line.kind === kind)
  assert.is(of('state').length, 301)
  assert.is(of('cycle').length, 6)
  const stretched = of('retention').find(({ schedule, segments }) => schedule === 'stretched' && segments === 8)
  assert.equal(
    stretched.factors,
    Array.from({ length: 8 }, (_, t) => retention(t + 1, 8, 'stretched')),
  )
  assert.is(lines.at(-1).kind, 'summary')
  const { out } = await run('simulate', '--set', 'tauLongTerm=200', '--set', 'cycles=3', '--json')
  const changed = jsonLines(out)
  assert.is(changed.at(-1).parameters.tauLongTerm.value, 200)
  assert.is(changed.at(-1).parameters.cycles.source, 'choice')
  const [cycle] = changed.filter(({ kind }) => kind === 'cycle')
  assert.is(cycle.retentionInClosedForm, retention(1, 3, 'fixed', { ...macroDefaults, tauLongTerm: 200, cycles: 3 }))
})

test('models lists every model, with settings of its own', async () => {
  const { code, out } = await run('models', '--json')
  assert.is(code, 0)
  const found = jsonLines(out)
  assert.equal(
    found.map(({ model }) => model),
    ['rmaat', 'rmt', 'rlt', 'at', 'transformer', 'lru', 's4d', 'mingru', 'gla', 'bag-of-tokens'],
  )
  assert.equal(found[0].settings.includes('retention'), true)
  assert.equal(found[1].settings.includes('retention'), false)
  assert.ok(found.every(({ parameters }) => parameters > 1000))
  assert.match((await run('models')).out, /\nrmt +[\d,]+ +the recurrent memory transformer/)
})

test('tasks lists every task with its source', async () => {
  const found = jsonLines((await run('tasks', '--json')).out)
  assert.equal(
    found.map(({ task }) => task),
    Object.keys(tasks),
  )
  assert.match((await run('tasks')).out, /^image\n {2}source +\S.*\n {2}sizes +\S/m)
})

test('where there is no WebAssembly the reference computes, and it is said', async () => {
  const usual = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly')!
  Object.defineProperty(globalThis, 'WebAssembly', { value: undefined, configurable: true, writable: true })
  try {
    const { code, out, err } = await run('verify', golden, '--device', 'auto', '--json')
    assert.is(code, 0)
    assert.match(
      err,
      /^device {3}reference: plain TypeScript, double precision, slow \(.*this engine has no WebAssembly/m,
    )
    assert.is(jsonLines(out).at(-1).device, 'reference')
    assert.match((await run('devices')).out, /^wasm +not here: this engine has no WebAssembly/m)
  } finally {
    Object.defineProperty(globalThis, 'WebAssembly', usual)
  }
})

const golden = fileURLToPath(new URL('../golden/linear.safetensors', import.meta.url))

test('verify passes a golden file, and fails it past the tolerance', async () => {
  const { code, out } = await run('verify', golden)
  assert.is(code, 0)
  assert.match(out, /grad\.blocks\.0\.wq +\d\.\de-\d+ +\d\.\de-\d+\n/)
  assert.match(out, /passed: at most /)
  const strict = await run('verify', golden, '--tolerance', '1e-18', '--json')
  assert.is(strict.code, 1)
  const summary = jsonLines(strict.out).at(-1)
  assert.is(summary.passed, false)
  assert.equal(summary.failed, [golden])
})

test('every command tells what it takes', async () => {
  for (const name of [
    'train',
    'evaluate',
    'explain',
    'simulate',
    'verify',
    'start',
    'models',
    'tasks',
    'presets',
    'report',
    'ablate',
    'devices',
    'compare',
  ]) {
    const { code, out } = await run(name, '--help')
    assert.is(code, 0, name)
    assert.match(out, new RegExp(`^Usage: rmaat ${name} `))
    assert.match(out, /--json/)
  }
})

test('the help names every task, model and preset', async () => {
  const words = (await run('train', '--help')).out.replace(/\s+/g, ' ')
  for (const names of [tasks, models, presets]) {
    const all = `(${Object.keys(names).join(', ')})`
    assert.ok(words.includes(all), `${all} is not in ${words}`)
  }
})

testOn('webgpu')('verify and devices know the GPU, and the process ends by itself', async () => {
  const file = fileURLToPath(new URL('../golden/astro-one-segment.safetensors', import.meta.url))
  const verified = await run('verify', file, '--device', 'webgpu', '--json')
  assert.is(verified.code, 0)
  const summary = jsonLines(verified.out).at(-1)
  assert.ok(summary.passed, verified.out)
  const here = jsonLines((await run('devices', '--json')).out).find(({ name }) => name === 'webgpu')
  assert.ok(here.details.heapLimitBytes > 2 ** 27, JSON.stringify(here))
})

test.run()
