import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { givenEntries, givenSettings } from '../../src/cli/given.ts'
import { makeTask, modelFor, sizesOf } from '../../src/cli/prepare.ts'
import { presets } from '../../src/cli/presets.ts'
import { check, withDefaults } from '../../src/cli/settings.ts'
import { models } from '../../src/models/index.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const { path } = folder
const configOf = (name: string) => JSON.parse(readFileSync(path(name, 'config.json'), 'utf8'))
/** A preset at the size of a test, on the task's own sizes. */
const little = [...tiny, '--device', 'wasm', '--test-examples', '20']

for (const [name, { description, settings }] of Object.entries(presets))
  test(`the preset ${name} is of settings that there are, and fits its task and every model`, async () => {
    assert.match(description, /\S; \S/)
    for (const [setting, { value, source }] of Object.entries(settings)) {
      assert.is(check(setting, value, name), value)
      assert.ok(['paper', 'choice'].includes(source!), setting)
    }
    const { segments, segmentLength } = settings
    const own = withDefaults(givenSettings({ preset: name }))
    const sizes = await sizesOf(own)
    for (const model of Object.keys(models)) {
      const { config } = modelFor(withDefaults(givenSettings({ preset: name, model })), sizes)
      for (const key of Object.keys(models[model].settings))
        if (key in settings) assert.is(config[key], settings[key].value, `${model}: ${key}`)
    }
    const room = (segments.value as number) * (segmentLength.value as number)
    if (own.length !== undefined)
      assert.ok(
        room >= (sizes.towers === 1 && own.task === 'retrieval' ? 2 * Number(own.length) + 1 : Number(own.length)),
      )
    else if (own.task === 'image') assert.ok(room >= 32 * 32)
    // fewer examples are made the same way
    else {
      const { trainExamples, heldOut, ...made } = own
      const task = await makeTask({ ...made, ...(heldOut ? { heldOut: 2 } : {}) } as typeof own)
      assert.equal([task.segments, task.segmentLength], [segments.value, segmentLength.value])
    }
  })

test('a preset begins, a file wins over it, and flags over both', async () => {
  writeFileSync(path('given.json'), JSON.stringify({ batch: 8, segments: 6 }))
  const args = ['explain', '--preset', 'cue', '--config', path('given.json'), '--segments', '5', '--json']
  const { task, segments, segmentLength, batch } = jsonLines((await run(...args)).out).at(-1)
  assert.equal([task, segments, segmentLength, batch], ['cue', 5, 16, 8])
})

test('of what another task does not have of a preset the preset is named, but not of what was asked for', async () => {
  for (const [asked, said] of [
    [[], /the preset text sets length, which the task order does not have; expected the task text, or another preset/],
    [['--length', '9', '--crop', '0'], /length is a setting of .* and text and .*, but the task is order/],
  ] as const) {
    const { code, err } = await run('train', '--preset', 'text', '--task', 'order', ...asked)
    assert.is(code, 2)
    assert.match(err, said)
  }
})

test('what another model does not have of a preset is left out, but not what was asked for', async () => {
  const left = givenSettings({ preset: 'text-paper', model: 'rmt' })
  assert.equal([left.update, left.retention, left.norm, left.memory], [undefined, undefined, 'pre', 32])
  const { update, ...others } = presets.listops.settings
  assert.equal(givenEntries({ preset: 'listops' }), { update, ...others })
  writeFileSync(path('scaled.json'), '{"update": "scaled"}')
  for (const [asked, said] of [
    [['--update', 'scaled'], /update is no setting of the model rmt$/],
    [['--config', path('scaled.json')], /update is no setting of the model rmt$/],
  ] as const) {
    const { code, err } = await run('explain', '--preset', 'listops', '--model', 'rmt', ...asked)
    assert.is(code, 2)
    assert.match(err.trim(), said)
  }
})

test('where files are read, a preset is without the settings of examples made here', () => {
  const { data, minLength, trainExamples, segments } = givenSettings({ preset: 'listops-paper', data: '/a/folder' })
  assert.equal([data, minLength, trainExamples, segments], ['/a/folder', undefined, undefined, 4])
  assert.is(givenSettings({ preset: 'text', data: '/a/folder' }).length, 4000)
})

test("config.json has a preset's values with their sources, also of a run that goes on", async () => {
  const args = ['--preset', 'cue', '--segments', '2', '--retention', 'fixed', ...little, '--checkpoint-every', '2']
  const { code, err } = await run('train', ...args, '--out', path('cue'))
  assert.is(code, 0, err)
  const { task, method, update, retention, segments, batch } = configOf('cue')
  assert.equal(
    [task, method, update, retention, segments, batch].map(({ value, source }) => [value, source]),
    [
      ['cue', 'choice'],
      ['amrb', 'paper'],
      ['additive', 'choice'],
      ['fixed', 'paper'],
      [2, 'choice'],
      [4, 'choice'],
    ],
  )
  const pathfinder = ['--preset', 'pathfinder', '--held-out', '2', '--train-examples', '8', '--steps', '2']
  const few = ['--batch', '2', '--width', '8', '--heads', '2', '--features', '4', '--device', 'wasm']
  const trained = await run('train', ...pathfinder, ...few, '--checkpoint-every', '1', '--out', path('dots'))
  assert.is(trained.code, 0, trained.err)
  const { side, trainExamples } = configOf('dots')
  assert.equal([side.value, side.source, trainExamples.source], [32, 'paper', 'choice'])
  const before = readFileSync(path('dots', 'config.json'), 'utf8')
  const again = await run('train', '--resume', path('dots'))
  assert.is(again.code, 0, again.err)
  assert.is(readFileSync(path('dots', 'config.json'), 'utf8'), before)
})

test('a control that knows no segments keeps those of its task, to go on and to be tested', async () => {
  const args = ['--preset', 'cue', '--segments', '80', '--model', 'bag-of-tokens']
  const few = ['--hidden', '8', '--batch', '4', '--steps', '2', '--test-examples', '20', '--device', 'wasm']
  assert.is((await run('train', ...args, ...few, '--checkpoint-every', '1', '--out', path('bag'))).code, 0)
  const { segments, segmentLength } = configOf('bag')
  assert.equal([segments.value, segmentLength.value], [80, 16])
  const again = await run('train', '--resume', path('bag'), '--json')
  assert.is(again.code, 0, again.err)
  const tested = jsonLines((await run('evaluate', path('bag', 'weights.safetensors'), '--json')).out).at(-1)
  assert.equal([tested.segments, tested.accuracy], [80, jsonLines(again.out).at(-1).accuracy])
})

test('weights are tested on the task of a preset', async () => {
  const args = ['train', '--task', 'cue', '--model', 'rlt', '--norm', 'pre', ...little, '--segment-length', '16']
  const { code, err } = await run(...args, '--segments', '2', '--out', path('rlt'))
  assert.is(code, 0, err)
  const tested = ['evaluate', path('rlt', 'weights.safetensors'), '--preset', 'cue', '--test-examples', '5', '--json']
  const found = await run(...tested)
  assert.is(found.code, 0, found.err)
  assert.is(jsonLines(found.out).at(-1).segments, 64)
})

test('presets are listed, in words and as JSON, and what is none is an error that names them', async () => {
  const found = jsonLines((await run('presets', '--json')).out)
  assert.equal(
    found.map(({ preset }) => preset),
    Object.keys(presets),
  )
  assert.equal(found[0].settings.update, { value: 'additive', source: 'choice' })
  const { out } = await run('presets')
  assert.match(out, /^retrieval\n {2}what {4}\S.*\n {2}paper {3}.*segments 16.*\n {2}choice {2}.*steps \d+$/m)
  for (const command of ['train', 'explain', 'compare']) {
    const { code, err } = await run(command, '--preset', 'lra')
    assert.is(code, 2)
    assert.match(err, /^error \(config\): --preset is "lra"; expected 'listops' or 'listops-paper' or .*'s3'\n$/)
  }
  mkdirSync(path('run'))
  const { err } = await run('train', '--resume', path('run'), '--preset', 'cue')
  assert.match(err, /--preset was given with --resume; expected the folder of the run alone\n$/)
})

test.run()
