import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SUPERVISED } from '../../src/cli/interrupt.ts'
import { takeLock } from '../../src/cli/lock.ts'
import { readSafetensors } from '../../src/nn/safetensors.ts'
import { writeSigned } from '../../src/nn/signature.ts'
import { buildCommand } from './built.ts'
import { jsonLines, leftIn, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const main = buildCommand(folder.path('built'))
const flags = [...tiny, '--device', 'wasm', '--dropout', '0.1', '--checkpoint-every', '1']
const files = ['best.safetensors', 'checkpoint.safetensors', 'config.json', 'log.jsonl', 'weights.safetensors']

/** Fewer where another version of Node runs what ours does as well. */
const KILLS = process.env.OTHER_NODE ? 6 : 30
const onPosix = process.platform === 'win32' ? test.skip : test
onPosix(`${KILLS} times killed at any instant and resumed, a run comes to the bits of one that was not`, async () => {
  const many = [...flags, '--steps', '120', '--validation-examples', '4', '--test-examples', '4']
  const begin = (args: readonly string[]) => {
    const child = spawn(process.execPath, [main, 'train', ...args], { env: { ...process.env, [SUPERVISED]: '1' } })
    let said = ''
    const begun = new Promise<void>((resolve) => {
      child.stderr.on('data', (text) => {
        said += text
        if (said.includes('\nlog  ')) resolve()
      })
    })
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
    return { child, begun, closed, said: () => said }
  }
  const chain = async (threads: string): Promise<void> => {
    const [whole, out] = ['whole', 'killed'].map((name) => folder.path(`${name} ${threads}`))
    const given = [...many, '--threads', threads]
    const first = begin([...given, '--out', whole])
    await first.begun
    const since = performance.now()
    assert.is(await first.closed, 0, first.said())
    const pace = (performance.now() - since) / KILLS // half of it is left for the end
    let reached = 0
    // chance may end them all before the first step
    for (let kills = 0; kills < KILLS / 2 || reached === 0; ) {
      const goesOn = existsSync(join(out, 'config.json'))
      const { child, begun, closed, said } = begin(goesOn ? ['--resume', out] : [...given, '--out', out])
      // some of them before the first step
      if (kills % 5 > 0) await Promise.race([begun, closed])
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * pace))])
      child.kill('SIGKILL')
      const code = await closed
      assert.ok(code === null || code === 0, said())
      if (code === null) kills++
      const [, step] = /\nresume {3}step (\d+) of 120\n/.exec(said()) ?? []
      if (step !== undefined) {
        assert.ok(Number(step) >= reached, `from ${reached} back to ${step}`)
        reached = Number(step)
      }
      for (const name of existsSync(out) ? readdirSync(out) : [])
        if (name.endsWith('.safetensors')) readSafetensors(readFileSync(join(out, name))) // whole
    }
    const last = begin(['--resume', out])
    assert.is(await last.closed, 0, last.said())
    assert.equal(readdirSync(out).sort(), files)
    assert.equal(leftIn(out), leftIn(whole))
  }
  await Promise.all(['1', '2'].map(chain))
  assert.is(leftIn(folder.path('killed 1')).weights, leftIn(folder.path('killed 2')).weights)
})

test('a run that is over is resumed to the same end, and says the same', async () => {
  const out = folder.path('over')
  const first = await run('train', ...flags, '--seed', '3', '--trace', '--out', out, '--json')
  assert.is(first.code, 0, first.err)
  const before = { ...leftIn(out), config: readFileSync(join(out, 'config.json'), 'utf8') }
  const again = await run('train', '--resume', out, '--threads', '1', '--seed', '3', '--json')
  assert.is(again.code, 0, again.err)
  assert.match(again.err, /\nresume {3}step 5 of 5\n/)
  const [summary, resumed] = [first, again].map(({ out }) => jsonLines(out).at(-1))
  for (const key of ['steps', 'loss', 'accuracy', 'testLoss', 'skipped', 'majority'])
    assert.is(resumed[key], summary[key], key)
  assert.ok(resumed.medianStep > 0 && resumed.tokensPerSecond > 0)
  assert.equal(leftIn(out), { log: before.log, weights: before.weights, best: before.best })
  const kinds = jsonLines(readFileSync(join(out, 'log.jsonl'), 'utf8')).map(({ kind }) => kind)
  const steps = Array(5).fill(['step', 'checkpoint']).flat()
  assert.equal(kinds, ['run', 'begin', ...steps, 'resume', 'end', 'summary'])
})

test('a checkpoint is a weights file as well, and the best one is that of the best accuracy', async () => {
  const out = folder.path('best')
  const many = ['--rate', '0.02', '--steps', '40', '--validation-examples', '60', '--checkpoint-every', '10']
  const { code, err } = await run('train', ...flags, ...many, '--out', out)
  assert.is(code, 0, err)
  const checkpoints = jsonLines(readFileSync(join(out, 'log.jsonl'), 'utf8')).filter(
    ({ kind }) => kind === 'checkpoint',
  )
  assert.equal(
    checkpoints.map(({ step }) => step),
    [10, 20, 30, 40],
  )
  const best = checkpoints.filter(({ best }) => best).at(-1)
  for (const { accuracy, loss } of checkpoints)
    assert.ok(best.accuracy > accuracy || (best.accuracy === accuracy && best.loss <= loss))
  const { metadata } = readSafetensors(readFileSync(join(out, 'best.safetensors')))
  assert.is(JSON.parse(metadata.training).step, best.step)
  const scoreOf = async (name: string) => {
    const { weights, ...score } = jsonLines((await run('evaluate', join(out, name), '--json')).out)[0]
    return score
  }
  assert.equal(await scoreOf('checkpoint.safetensors'), await scoreOf('weights.safetensors'))
})

/** A folder like that of a run, with a checkpoint that was changed. */
function copied(name: string, change: (out: string) => void): string {
  const out = folder.path(name)
  cpSync(folder.path('kept'), out, { recursive: true })
  change(out)
  return out
}
/** The same with another checkpoint, whose checksum is right. */
const changed = (name: string, change: (metadata: Record<string, string>, tensors: Map<string, unknown>) => void) =>
  copied(name, (out) => {
    const path = join(out, 'checkpoint.safetensors')
    const { tensors, metadata } = readSafetensors(readFileSync(path))
    change(metadata, tensors)
    writeFileSync(path, writeSigned(tensors, metadata))
  })

test('what cannot be resumed is one clear error, exit code 2, and left as it is', async () => {
  const out = folder.path('kept')
  assert.is((await run('train', ...flags, '--out', out)).code, 0)
  const other = folder.path('other')
  assert.is((await run('train', ...flags, '--width', '4', '--seed', '1', '--out', other)).code, 0)
  mkdirSync(folder.path('empty'))
  const newer = (metadata: Record<string, string>) => {
    metadata.training = JSON.stringify({ ...JSON.parse(metadata.training), form: 7 })
  }
  const version = (metadata: Record<string, string>) => {
    metadata.rmaat = '9.0.0'
  }
  const spoilt = (_: object, tensors: Map<string, unknown>) => {
    const [name] = tensors.keys()
    const tensor = tensors.get(name) as { data: Float32Array }
    tensor.data[0] = Number.NaN
  }
  const lock = (holder: object) => (to: string) => writeFileSync(join(to, 'lock.4'), JSON.stringify(holder))
  const cases: [args: string[], said: RegExp][] = [
    [[folder.path('gone')], /gone: expected a file or folder, but there is nothing$/],
    [[folder.path('empty')], /empty: expected the folder of a run that was begun, but it has no config\.json$/],
    [[join(out, 'log.jsonl')], /log\.jsonl: expected the folder of a run, found a file$/],
    [[out, '--rate', '0.5'], /--resume goes on with the settings of .*config\.json, but rate is 0\.5, there 0\.001$/],
    [[out, '--out', 'x'], /--out was given with --resume; expected the folder of the run alone$/],
    [
      [copied('cut', (to) => writeFileSync(join(to, 'checkpoint.safetensors'), 'half'))],
      /cut\/checkpoint\.safetensors: safetensors: the file has 4 bytes/,
    ],
    [
      [copied('foreign', (to) => cpSync(join(other, 'checkpoint.safetensors'), join(to, 'checkpoint.safetensors')))],
      /foreign\/checkpoint\.safetensors: .* in the file, .* in the model$/,
    ],
    [
      [copied('plain', (to) => cpSync(join(out, 'weights.safetensors'), join(to, 'checkpoint.safetensors')))],
      /plain\/checkpoint\.safetensors: the metadata holds no 'training'; expected/,
    ],
    [
      [
        copied('settings', (to) => {
          const config = JSON.parse(readFileSync(join(to, 'config.json'), 'utf8'))
          config.seed.value = 8
          writeFileSync(join(to, 'config.json'), JSON.stringify(config))
        }),
      ],
      /settings\/checkpoint\.safetensors: it is of another run: seed is 0, in config\.json 8$/,
    ],
    [
      [
        copied('flipped', (to) => {
          const bytes = readFileSync(join(to, 'checkpoint.safetensors'))
          bytes[bytes.length - 6] ^= 1
          writeFileSync(join(to, 'checkpoint.safetensors'), bytes)
        }),
      ],
      /flipped\/checkpoint\.safetensors: the file is damaged: its checksum is "\w{8}", that of what it holds "\w{8}"$/,
    ],
    [[changed('newer', newer)], /newer\/checkpoint\.safetensors: the checkpoint is of form 7; expected 4, the newest/],
    [[changed('version', version)], /version\/checkpoint\.safetensors: it was written by version 9\.0\.0; expected/],
    [[changed('spoilt', spoilt)], /spoilt\/checkpoint\.safetensors: .* is NaN at element 0: expected finite numbers/],
    [
      [copied('taken', lock({ pid: process.ppid, host: hostname(), ...beginningOf(process.ppid) }))],
      /taken is in use by process \d+; expected a folder whose run has ended$/,
    ],
    [
      [copied('elsewhere', lock({ pid: 1, host: 'another' }))],
      /elsewhere is in use by process 1 on another, of which nothing is known here; .*: where it has, delete .*lock\.4$/,
    ],
  ]
  for (const [[to, ...rest], said] of cases) {
    const before = existsSync(to) && readdirSync(folder.path()).length
    const state = () =>
      existsSync(join(to, 'log.jsonl')) ? [readdirSync(to).sort(), readFileSync(join(to, 'log.jsonl'), 'utf8')] : []
    const was = state()
    const { code, err } = await run('train', '--resume', to, ...rest)
    assert.is(code, 2, err)
    assert.match(/^error \((?:data|config|diverged)\): (.*)$/m.exec(err)?.[1] ?? err, said)
    assert.not.match(err, /\n {4}at /)
    assert.equal(state(), was, to)
    assert.is(existsSync(to) && readdirSync(folder.path()).length, before)
  }
})

test('a run whose data have changed is not resumed, and one that is validated at all is at its end', async () => {
  const data = folder.path('text')
  writeFileSync(data, 'once upon a time, '.repeat(60))
  const bytes = ['--task', 'bytes', '--causal', 'true', '--data', data, '--segments', '2', '--segment-length', '8']
  const out = folder.path('of bytes')
  const first = await run('train', ...tiny, ...bytes, '--validation-examples', '2', '--device', 'wasm', '--out', out)
  assert.is(first.code, 0, first.err)
  assert.ok(existsSync(join(out, 'best.safetensors')))
  writeFileSync(data, 'once upon a time, '.repeat(50))
  const { code, err } = await run('train', '--resume', out)
  assert.is(code, 2, err)
  assert.match(err, /checkpoint\.safetensors: the examples are not those that it was made with: a file .* has changed/)
})

test('a run that is finished without a checkpoint is not begun anew', async () => {
  const out = folder.path('finished')
  const order = ['--task', 'order', '--segments', '2', '--segment-length', '8', '--device', 'wasm', '--out', out]
  assert.is((await run('train', ...order, '--steps', '2', '--test-examples', '5')).code, 0)
  assert.not.ok(existsSync(join(out, 'checkpoint.safetensors')))
  const before = readFileSync(join(out, 'weights.safetensors'))
  const { code, err } = await run('train', '--resume', out)
  assert.is(code, 2)
  assert.match(
    err,
    /expected a run to go on with, but it is finished, and no checkpoint was made: `evaluate .* tests it/,
  )
  assert.equal(readFileSync(join(out, 'weights.safetensors')), before)
})

/** As Linux tells it. */
function beginningOf(pid: number): { readonly began?: string } {
  if (!existsSync('/proc/self/stat')) return {}
  return { began: readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[19] }
}

test('the lock of a process that has ended is taken over, and a second run beside a living one is refused', async () => {
  const out = folder.path('stale')
  cpSync(folder.path('kept'), out, { recursive: true })
  // its number is another process's by now
  writeFileSync(join(out, 'lock.3'), JSON.stringify({ pid: process.pid, host: hostname(), began: '1' }))
  writeFileSync(join(out, 'lock.5'), '') // killed between making it and saying whose it is
  writeFileSync(join(out, 'lock.9'), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }))
  writeFileSync(join(out, `checkpoint.safetensors.${crypto.randomUUID()}.part`), 'half')
  const release = takeLock(out)
  const refused = await run('train', '--resume', out)
  assert.is(refused.code, 2)
  assert.match(
    refused.err,
    new RegExp(`stale is in use by process ${process.pid}; expected a folder whose run has ended\n$`),
  )
  release()
  const second = await run('train', '--resume', out)
  assert.is(second.code, 0, second.err)
  assert.equal(readdirSync(out).sort(), files)
})

test('where nothing was saved yet a run goes on from the beginning, and a log is cut after its last whole line', async () => {
  const out = folder.path('kept')
  const to = folder.path('early')
  mkdirSync(to)
  cpSync(join(out, 'config.json'), join(to, 'config.json'))
  writeFileSync(join(to, 'log.jsonl'), '{"kind":"run"}\n{"kind":"st')
  const { code, err } = await run('train', '--resume', to)
  assert.is(code, 0, err)
  assert.match(err, /\nresume {3}no checkpoint was made: from the beginning\n/)
  assert.equal(leftIn(to), leftIn(out))
  // as a power cut leaves it: whole files, and a log that lost its end
  const log = readFileSync(join(to, 'log.jsonl'), 'utf8')
  writeFileSync(join(to, 'log.jsonl'), log.slice(0, log.indexOf('{"kind":"step"') + 20))
  const again = await run('train', '--resume', to)
  assert.is(again.code, 0)
  assert.match(
    again.err,
    /\nlog {6}.*log\.jsonl has lost its end, or all: steps before the checkpoint are missing from it\n/,
  )
  assert.equal(
    jsonLines(readFileSync(join(to, 'log.jsonl'), 'utf8')).map(({ kind }) => kind),
    ['run', 'begin', 'resume', 'end', 'summary'],
  )
  rmSync(join(to, 'log.jsonl'))
  assert.match((await run('train', '--resume', to)).err, /log\.jsonl has lost its end, or all: /)
})

test('a folder that goes away is one clear error, and what was learned is not lost', async () => {
  const out = folder.path('away')
  const args = [...flags, '--steps', '100000', '--out', out]
  const training = run('train', ...args)
  while (!existsSync(join(out, 'checkpoint.safetensors'))) await new Promise((resolve) => setTimeout(resolve, 5))
  const moved = folder.path('moved')
  renameSync(out, moved)
  const { code, err } = await training
  assert.is(code, 2)
  assert.match(err, /\nwhat was learned before the error is in .*away.weights\.safetensors\n/)
  assert.match(err, /\nerror \(data\): .*expected a place to write .*, but .*\n$/)
  assert.is((await run('evaluate', join(out, 'weights.safetensors'))).code, 0)
  assert.is((await run('evaluate', join(moved, 'checkpoint.safetensors'))).code, 0)
})

test.run()
