import { spawn } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildCommand } from './built.ts'
import { leftIn, run, temporaryFolder } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const main = buildCommand(folder.path('built'))
const task = ['--task', 'cue', '--segments', '2', '--segment-length', '8', '--test-examples', '20', '--seed', '1']
const small = ['--width', '8', '--heads', '2', '--batch', '8', '--steps', '10', '--device', 'wasm', '--threads', '1']

const onPosix = process.platform === 'win32' ? test.skip : test
for (const [at, more] of [
  [5, ['--checkpoint-every', '5', '--validation-examples', '1000', '--rate', '0.3']],
  [9, ['--validation-examples', '1000']],
] as const)
  onPosix(
    `an interruption behind step ${at}, before a state is judged, is made good when the run goes on`,
    async () => {
      const [whole, out] = ['whole', 'interrupted'].map((name) => folder.path(`${name} ${at}`))
      const args = ['train', ...task, ...small, ...more]
      assert.is((await run(...args, '--out', whole)).code, 0)
      const child = spawn(process.execPath, [main, ...args, '--out', out, '--json'])
      let told = ''
      let interrupted = false
      child.stdout.on('data', (text) => {
        told += text
        if (interrupted || !told.includes(`"step":${at},`)) return
        interrupted = true
        child.kill('SIGINT')
      })
      const code = await new Promise((resolve) => child.on('close', resolve))
      assert.ok(interrupted && (code === 130 || code === 0), `${code}`) // 0 where the signal came too late
      assert.is((await run('train', '--resume', out)).code, 0)
      assert.equal(leftIn(out), leftIn(whole))
    },
  )

test.run()
