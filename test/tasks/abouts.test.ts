import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type About, abouts, type TaskName, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

const all = Object.entries(abouts) as [TaskName, About][]
const make = (name: TaskName, settings: object) => (tasks[name] as (settings: object) => unknown)(settings)

test('every task says where its data come from, how many there are, and under what licence', () => {
  assert.equal(Object.keys(abouts), Object.keys(tasks))
  for (const [name, { source, sizes, licence, chance, settings }] of all) {
    for (const words of [source, sizes, licence]) assert.ok(words.length > 10, name)
    assert.ok(chance === undefined || (chance > 0 && chance < 1), name)
    for (const one of ['segments', 'segmentLength']) assert.ok(Object.hasOwn(settings, one), `${name} has no ${one}`)
  }
})

test('every setting has a meaning and a default of its range, and what is out of range is an error', async () => {
  for (const [name, { settings }] of all)
    for (const [setting, { range, default: standard, meaning }] of Object.entries(settings)) {
      const where = `${name}: ${setting}`
      assert.ok(meaning.length > 8, where)
      assert.ok(standard === undefined || range.fits(standard), where)
      const wrong = [-1, 0.5, 'x', 7, '', 1e18].filter((value) => !range.fits(value))
      assert.ok(wrong.length > 1, where)
      for (const value of wrong)
        await fails('config', [new RegExp(`^${name}.*: ${setting} is .*; expected `)], () =>
          make(name, { [setting]: value }),
        )
    }
})

test('a task of generated examples has the chance that it tells', async () => {
  for (const name of ['cue', 'order', 'add', 'copy', 'selective-copy', 'parity', 's3'] as const) {
    const counts = new Map<number, number>()
    const { test } = tasks[name]()
    for (const { label } of test) counts.set(label, (counts.get(label) ?? 0) + 1)
    const most = Math.max(...counts.values()) / test.length
    assert.ok(Math.abs(most - abouts[name].chance!) < 0.04, `${name}: ${most}, told ${abouts[name].chance}`)
  }
})

test.run()
