import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runTrainings } from '../../src/cli/trainings.ts'
import { fails } from '../support/fails.ts'
import { buildCommand } from './built.ts'
import { jsonLines, temporaryFolder } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const main = buildCommand(folder.path('built'))

test('one training that fails ends the others, and no further one begins', async () => {
  const own = process.argv[1]
  process.argv[1] = main
  const flags = { device: 'wasm', threads: 1, memory: 2, width: 8, layers: 1, heads: 2, features: 4, batch: 4 }
  const training = (title: string, more: Record<string, string | number>, steps: number) => ({
    title,
    flags: { ...flags, ...more, out: folder.path(title) },
    steps,
  })
  const long = training('long', {}, 1e6)
  const wrong = training('wrong', { rate: -1 }, 1)
  const later = training('later', {}, 1)
  try {
    await fails('config', /^training wrong: --rate is -1/, () =>
      runTrainings([long, wrong, later], 2, new AbortController().signal),
    )
  } finally {
    process.argv[1] = own
  }
  assert.not(existsSync(folder.path('later')))
  // it is over when the failure is told: nothing of it, or all that it had learned
  if (existsSync(folder.path('long'))) {
    assert.equal(readdirSync(folder.path('long')).sort(), [
      'checkpoint.safetensors',
      'config.json',
      'log.jsonl',
      'weights.safetensors',
    ])
    assert.is(jsonLines(readFileSync(folder.path('long', 'log.jsonl'), 'utf8')).at(-1).stopped, true)
  }
})

test.run()
