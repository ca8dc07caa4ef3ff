import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryFolder } from './cli/run.ts'

const entry = (path: string): string => new URL(`../${path}`, import.meta.url).href
const guide = readFileSync(new URL('../docs/data.md', import.meta.url), 'utf8')

test('the program of the guide to data of your own learns from such a file', () => {
  const folder = temporaryFolder()
  // a fault raises what is read from the middle on
  const readings = (i: number): number[] =>
    Array.from({ length: 200 }, (_, at) => 0.4 + 0.1 * Math.sin(at * (i + 1)) + (i % 2 === 1 && at > 100 ? 0.3 : 0))
  const rows = Array.from({ length: 300 }, (_, i) => ({ readings: readings(i), fault: i % 2 === 1 }))
  writeFileSync(folder.path('sensor.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const [, program] = /```ts\n([\s\S]*?)```/.exec(guide)!
  const file = folder.path('program.mts')
  const here = program
    .replace("'rmaat'", `'${entry('src/index.ts')}'`)
    .replace('openDevice()', "openDevice('wasm', { threads: 1 })")
    .replace('steps: 500', 'steps: 60')
  writeFileSync(file, here)
  const loader = entry('node_modules/tsx/dist/esm/index.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', loader, file], {
    cwd: folder.path(),
    encoding: 'utf8',
  })
  folder.remove()
  assert.is(status, 0, stderr)
  const answers = stdout.trim().split('\n')
  assert.is(answers.length, 100)
  const right = answers.filter((answer, i) => answer === (i % 2 === 1 ? 'fault' : 'none')).length
  assert.ok(right > 90, `${right} of 100 are right`)
})

test.run()
