import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }

/** Runs a script of the package as npm does, without what precedes it; `read` false closes its output at once. */
async function runs(script: string, args: string[] = [], { read = true, env = {} } = {}) {
  const [, ...command] = scripts[script].split(' ')
  const child = spawn(process.execPath, [...command, ...args], { cwd: root, env: { ...process.env, ...env } })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  if (!read) child.stdout.destroy()
  const [code] = await once(child, 'close')
  return { said, code }
}

for (const script of ['demo', 'example', 'bench', 'bench:gpu', 'bench:page'])
  test(`npm run ${script} says what it takes, and takes nothing else`, async () => {
    const { said, code } = await runs(script, ['--help'])
    assert.match(said, new RegExp(`^Usage: npm run (-s )?${script} -- \\[options\\]`))
    assert.is(code, 0)
    const wrong = await runs(script, ['--nope'])
    assert.is(wrong.said, "error: unknown option '--nope'\n")
    assert.is(wrong.code, 1)
  })

test('npm run test:unit says what it cannot look for', async () => {
  const wrong = {
    '(': 'expected a pattern of file names: Invalid regular expression: /(/i: Unterminated group',
    nothing: 'no test file matches nothing',
    '--nope': 'expected --checks or --complete, found --nope',
  }
  for (const [arg, said] of Object.entries(wrong))
    assert.equal(await runs('test:unit', [arg]), { said: `${said}\n`, code: 2 })
})

test('the minutes of the page are a number', async () => {
  for (const minutes of ['ten', '0', '-1'])
    assert.match((await runs('bench:page', [`--minutes=${minutes}`])).said, /is invalid. A number above 0 is expected/)
})

test('an example whose output nobody reads ends without a word', async () => {
  for (const name of ['list', 'basics/first-program'])
    assert.equal(await runs('example', [name], { read: false }), { said: '', code: 0 }, name)
})

test('where there is no GPU, that is said in a line', async () => {
  // no driver is found there
  const env = { LD_LIBRARY_PATH: '', VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none' }
  for (const [script, ...args] of [['bench:gpu'], ['example', 'rate', '--device', 'webgpu']]) {
    const { said, code } = await runs(script, args, { env })
    assert.match(said, /^error \(device\): WebGPU .+\n$/, script)
    assert.is(code, 2, script)
  }
})

test.run()
