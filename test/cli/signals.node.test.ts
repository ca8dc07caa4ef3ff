import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildCommand } from './built.ts'
import { jsonLines, run, temporaryFolder, tiny } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)
const main = buildCommand(folder.path('built'))

const command = [process.execPath, main]
const endless = [...tiny, '--steps', '1000000', '--device', 'wasm']
const files = ['checkpoint.safetensors', 'config.json', 'log.jsonl', 'weights.safetensors']

interface Running {
  readonly child: ChildProcess
  /** What it has said on stderr, and both streams' ends: no process is left that could write to them. */
  readonly said: () => string
  readonly printed: () => string
  readonly closed: Promise<number | null>
  /** Resolves when stderr holds the text. */
  until(text: string): Promise<void>
}

function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(args[0], args.slice(1), { env: { ...process.env, npm_lifecycle_event: '', ...env } })
  let [out, err] = ['', '']
  const heard: (() => void)[] = []
  child.stdout.on('data', (text) => {
    out += text
  })
  child.stderr.on('data', (text) => {
    err += text
    for (const listener of heard) listener()
  })
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
  const until = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => err.includes(text) && resolve()
      heard.push(look)
      closed.then(() => reject(new Error(`it has ended without "${text}":\n${err}`)))
      look()
    })
  return { child, said: () => err, printed: () => out, closed, until }
}

for (const [name, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${name} ends the training after a step, saves what was learned, and exits with ${expected}`, async () => {
    const out = folder.path(name)
    const running = start([...command, 'train', ...endless, '--out', out, '--json'])
    running.child.stdout!.once('data', () => running.child.kill(name))
    assert.is(await running.closed, expected, running.said())
    assert.match(running.said(), /\nstopping after the step under way; Ctrl-C again stops at once\n/)
    const summary = jsonLines(running.printed()).at(-1)
    assert.is(summary.kind, 'summary')
    assert.is(summary.stopped, true)
    assert.is(summary.accuracy, null)
    assert.ok(summary.steps > 0 && summary.steps < 1000000)
    assert.match(
      running.said(),
      new RegExp(`\nstopped after [\\d,]+ steps?; what was learned is in ${summary.weights}\n$`),
    )
    assert.equal(readdirSync(out).sort(), files)
    assert.equal(jsonLines(readFileSync(summary.log, 'utf8')).at(-1), summary)
    const [tested] = jsonLines((await run('evaluate', summary.weights, '--json')).out)
    assert.is(tested.examples, 100)
  })
}

test('what was stopped by Ctrl-C is resumed to the weights of a run that was not', async () => {
  const [whole, out] = ['unbroken', 'broken'].map((name) => folder.path(name))
  const args = ['train', ...endless, '--steps', '3000', '--dropout', '0.1']
  const running = start([...command, ...args, '--out', out, '--json'])
  running.child.stdout!.once('data', () => running.child.kill('SIGINT'))
  assert.is(await running.closed, 130, running.said())
  const { code, err } = await run('train', '--resume', out)
  assert.is(code, 0, err)
  assert.match(err, /\nresume {3}step \d+ of 3000\n/)
  assert.is((await run(...args, '--out', whole)).code, 0)
  const [found, expected] = [out, whole].map((path) => readFileSync(join(path, 'weights.safetensors')))
  assert.ok(found.equals(expected))
  const lossesIn = (path: string) =>
    jsonLines(readFileSync(join(path, 'log.jsonl'), 'utf8')).flatMap(({ kind, loss }) =>
      kind === 'step' ? [loss] : [],
    )
  assert.equal(lossesIn(out), lossesIn(whole))
})

/** Weights that a stream can be read with. */
async function streamable(): Promise<string> {
  const out = folder.path('streamable')
  const weights = `${out}/weights.safetensors`
  if (!existsSync(weights)) await run('train', ...tiny, '--retention', 'none', '--device', 'wasm', '--out', out)
  return weights
}

test('Ctrl-C ends the reading of a stream, and the answer to what has come is given', async () => {
  const running = start([...command, 'stream', await streamable(), '--every', '2', '--device', 'wasm', '--json'])
  running.child.stdin!.write('A . , : ; B . ,')
  await running.until('input ')
  running.child.stdin!.write(' A .'.repeat(40))
  running.child.stdout!.once('data', () => running.child.kill('SIGINT'))
  assert.is(await running.closed, 130, running.said())
  const summary = jsonLines(running.printed()).at(-1)
  assert.is(summary.kind, 'summary')
  assert.is(summary.interrupted, true)
  assert.ok(summary.tokens >= 32 && summary.tokens <= 88, `${summary.tokens}`)
})

test('a stream ends where nobody reads its answers, or where nothing comes', async () => {
  const weights = await streamable()
  const unread = start([...command, 'stream', weights, '--every', '1', '--device', 'wasm'])
  unread.child.stdin!.on('error', () => {}) // it does not read to the end
  unread.child.stdout!.once('data', () => {
    unread.child.stdout!.destroy()
    unread.child.stdin!.write('A . , : '.repeat(50_000))
  })
  unread.child.stdin!.write('A . , : '.repeat(8))
  assert.is(await unread.closed, 141, unread.said())
  assert.match(unread.said(), /nobody reads standard output any more/)
  const empty = start([...command, 'stream', weights, '--device', 'wasm'])
  empty.child.stdin!.end()
  const waiting = start([...command, 'stream', weights, '--device', 'wasm', '--json'])
  await waiting.until('input ')
  waiting.child.kill('SIGTERM')
  assert.is(await waiting.closed, 143, waiting.said())
  assert.is(waiting.printed(), '')
  assert.is(await empty.closed, 2)
  assert.match(empty.said(), /\nerror \(data\): standard input: expected at least one token, found none\n$/)
})

test('Ctrl-C ends the answering of rows, also where they are still to come; so does an output that nobody reads', async () => {
  const weights = await streamable()
  const rows = folder.path('rows.txt')
  writeFileSync(rows, 'A . , : B . ,\n'.repeat(100_000))
  const predicting = (...flags: string[]) => start([...command, 'predict', weights, ...flags, '--device', 'wasm'])
  const running = predicting(rows, '--json')
  running.child.stdout!.once('data', () => running.child.kill('SIGINT'))
  assert.is(await running.closed, 130, running.said())
  const summary = jsonLines(running.printed()).at(-1)
  assert.is(summary.interrupted, true)
  assert.ok(summary.rows > 0 && summary.rows < 100_000, `${summary.rows}`)
  const unread = predicting(rows)
  unread.child.stdout!.once('data', () => unread.child.stdout!.destroy())
  assert.is(await unread.closed, 141, unread.said())
  const waiting = predicting()
  waiting.child.stdin!.write('A . , : B . ,\nA .')
  await waiting.until('device ')
  // once what was written has been read
  setTimeout(() => waiting.child.kill('SIGINT'), 300)
  assert.is(await waiting.closed, 130, waiting.said())
  assert.is(waiting.printed(), '')
  assert.not.match(waiting.said(), /error/)
})

test('a second Ctrl-C ends the command within a step of many minutes', async () => {
  const out = folder.path('twice')
  const long = ['--segments', '64', '--segment-length', '128', '--batch', '32', '--device', 'reference']
  const running = start([...command, 'train', '--task', 'order', ...long, '--test-examples', '1', '--out', out])
  await running.until('log  ')
  running.child.kill('SIGINT')
  await running.until('stopping after the step under way')
  // sooner it counts as the first one, which npm hands on again
  await new Promise((resolve) => setTimeout(resolve, 1100))
  running.child.kill('SIGINT')
  assert.is(await running.closed, 130)
  assert.equal(readdirSync(out).sort(), ['config.json', 'lock.1', 'log.jsonl'])
})

test('where the process that waits for it is killed, the training stops and saves', async () => {
  const out = folder.path('orphan')
  const running = start([...command, 'train', ...endless, '--out', out])
  await running.until('log  ')
  running.child.kill('SIGKILL')
  await running.closed
  assert.equal(readdirSync(out).sort(), files)
  assert.is(jsonLines(readFileSync(folder.path('orphan', 'log.jsonl'), 'utf8')).at(-1).stopped, true)
})

for (const [who, parent] of [
  ['the shell below npm', (child: ChildProcess) => child.pid!],
  // which has a shell below it
  ...(process.platform === 'linux' ? ([['npm', (child: ChildProcess) => child.pid!]] as const) : []),
] as const) {
  test(`where ${who} ends, no training is left behind, and what was learned is saved`, async () => {
    const out = folder.path(who.replaceAll(' ', '-'))
    const line = [...command, 'train', ...endless, '--out', out].map((word) => `'${word}'`).join(' ')
    const shell = who === 'npm' ? `sh -c "${line}; :"; :` : `${line}; :`
    const running = start(['sh', '-c', shell], { npm_lifecycle_event: 'rmaat' })
    await running.until('log  ')
    process.kill(parent(running.child), 'SIGKILL')
    await running.closed
    assert.match(running.said(), /\nstopping after the step under way/)
    assert.equal(readdirSync(out).sort(), files)
  })
}

test('a training in the background goes on where the shell that began it has ended', async () => {
  const out = folder.path('background')
  const args = ['train', ...tiny, '--steps', '5000', '--device', 'wasm', '--out', out]
  const running = start(['sh', '-c', `${[...command, ...args].map((word) => `'${word}'`).join(' ')} &`])
  await running.closed // by all that have its streams
  const summary = jsonLines(readFileSync(folder.path('background', 'log.jsonl'), 'utf8')).at(-1)
  assert.equal([summary.stopped, summary.steps], [false, 5000])
})

test('a reader that goes away ends the command without a word', async () => {
  const running = start([...command, 'simulate', '--json'])
  running.child.stdout!.once('data', () => running.child.stdout!.destroy())
  assert.is(await running.closed, 0)
  assert.is(running.said(), '')
})

test('a reader that goes away ends a training as Ctrl-C does, with the code of a broken pipe', async () => {
  const out = folder.path('unread')
  const running = start([...command, 'train', ...endless, '--out', out, '--json'])
  running.child.stdout!.once('data', () => running.child.stdout!.destroy())
  assert.is(await running.closed, 141)
  assert.match(
    running.said(),
    /\nnobody reads standard output any more: stopping after the step under way\nstopped after /,
  )
  assert.equal(readdirSync(out).sort(), files)
})

const full = '/dev/full'
const onFull = existsSync(full) ? test : test.skip
onFull('standard output that takes nothing is one clear line', async () => {
  const quoted = (args: string[]) => [...command, ...args].map((word) => `'${word}'`).join(' ')
  const simulated = start(['sh', '-c', `${quoted(['simulate'])} > ${full}`])
  assert.is(await simulated.closed, 2)
  assert.is(simulated.said(), 'error (data): standard output: the disk is full\n')
  const out = folder.path('full')
  const trained = start(['sh', '-c', `${quoted(['train', ...endless, '--out', out, '--json'])} > ${full}`])
  assert.is(await trained.closed, 2)
  assert.match(trained.said(), /\nstandard output: the disk is full: stopping after the step under way\nstopped after /)
  assert.equal(readdirSync(out).sort(), files)
})

const onPosix = process.platform === 'win32' ? test.skip : test
onPosix('a log that can grow no further keeps its whole lines, and what was learned is saved', async () => {
  const out = folder.path('limited')
  const line = [...command, 'train', ...endless, '--out', out].map((word) => `'${word}'`).join(' ')
  // 24 blocks of 512 or 1024 bytes
  const running = start(['sh', '-c', `ulimit -f 24; exec ${line}`])
  assert.is(await running.closed, 2)
  assert.match(
    running.said(),
    /\nwhat was learned before the error is in .*\nerror \(data\): .*log\.jsonl: expected a place to write/,
  )
  assert.equal(readdirSync(out).sort(), files.slice(1))
  const log = readFileSync(folder.path('limited', 'log.jsonl'), 'utf8')
  assert.ok(log.endsWith('}\n'))
  assert.ok(jsonLines(log).length > 20)
  assert.is((await run('evaluate', folder.path('limited', 'weights.safetensors'))).code, 0)
})

onPosix('where a checkpoint finds no room, the one before stays whole, and the run goes on from it', async () => {
  const out = folder.path('no room')
  // the log outgrows the limit; until then the checkpoints are smaller
  const args = ['train', ...endless, '--checkpoint-every', '1', '--width', '16', '--out', out]
  const line = [...command, ...args].map((word) => `'${word}'`).join(' ')
  const running = start(['sh', '-c', `ulimit -f 120; exec ${line}`])
  assert.is(await running.closed, 2)
  assert.match(running.said(), /\nerror \(data\): .*: expected a place to write/)
  const { code } = await run('evaluate', folder.path('no room', 'checkpoint.safetensors'))
  assert.is(code, 0)
})

test.run()
