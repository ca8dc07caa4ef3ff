import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './child.mjs'
import { chromium } from './chromium.mjs'
import { deno, newest, node, oldest } from './processes.mjs'

const runtimes = { node, deno, chromium, oldest, newest }
/** Tested where all is to be complete, or they are named. So is what stands in `package/`. */
const more = ['oldest', 'newest']
/** How many are tested at once: each uses little more than a core. */
const AT_ONCE = 2

/** Runs the test files whose path matches the pattern; yields the exit status. */
export async function main(args) {
  const complete = args.includes('--complete')
  const named = args.filter((arg) => arg in runtimes)
  const [pattern = '', ...rest] = args.filter((arg) => arg !== '--complete' && !(arg in runtimes))
  const files = testFiles(new RegExp(pattern, 'i'))
  if (rest.length > 0 || files.length === 0) {
    console.error(
      rest.length > 0 ? `expected one pattern, found also ${rest.join(' ')}` : `no test file matches ${pattern}`,
    )
    return 2
  }
  const runs = []
  const inTurn = atMost(AT_ONCE)
  for (const [key, open] of Object.entries(runtimes)) {
    const asked = named.length > 0 ? named.includes(key) : complete || !more.includes(key)
    const own = files.filter(
      (name) => runsIn(key, name) && (complete || pattern !== '' || !name.startsWith('package/')),
    )
    if (own.length === 0 || !asked) continue
    const told = Promise.all(runs) // one after another
    runs.push(inTurn(() => runTests(open, own, writerAfter(told))))
  }
  return summary(await Promise.all(runs), complete)
}

/** What a file needs of Node stands in its name. Another version of it may change what reads and writes files, and the command. */
function runsIn(key, name) {
  if (key === 'node') return true
  if (key === 'oldest' || key === 'newest') return /^(cli|runtime|tasks|train)\/.*\.node\./.test(name)
  return !name.includes('.node.')
}

/** Calls functions in order, no more than `count` at a time. */
function atMost(count) {
  const waiting = []
  return async (call) => {
    if (count > 0) count--
    else await new Promise((resolve) => waiting.push(resolve))
    try {
      return await call()
    } finally {
      if (waiting.length > 0) waiting.shift()()
      else count++
    }
  }
}

/** Paths within test/, sorted as uvu does. */
const testFiles = (pattern) =>
  readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => !name.includes('node_modules/') && name.endsWith('.test.ts') && pattern.test(name))
    .sort((a, b) => a.localeCompare(b))

/** Writes to stdout, from when `before` is done. */
function writerAfter(before) {
  let waiting = []
  before.then(() => {
    for (const text of waiting) process.stdout.write(text)
    waiting = undefined
  })
  return (text) => (waiting ? waiting.push(text) : process.stdout.write(text))
}

async function runTests(open, files, write) {
  const start = performance.now()
  const { name, missing, adapter, run } = await open()
  if (missing) {
    write(`\n── ${name}: not run: ${missing}\n`)
    return { name, missing, passed: 0, failed: 0, skipped: 0, seconds: 0, gpu: '' }
  }
  const gpu = adapter.found ? `${adapter.text}${adapter.software ? ' (software)' : ''}` : 'none'
  write(`\n── ${name} · WebGPU: ${adapter.found ? gpu : `none, what needs it is skipped: ${adapter.text}`}\n\n`)
  const { totals = { passed: 0, failed: 0, skipped: 0 }, end } = await run(files, write)
  const broken = totals.failed === 0 && (end !== undefined || totals.passed + totals.skipped === 0)
  if (broken) write(`\n${name}: the run ${end ?? 'held no test'}\n`)
  const seconds = (performance.now() - start) / 1000
  return { name, ...totals, failed: broken ? 1 : totals.failed, seconds, gpu }
}

function summary(rows, complete) {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  const width = Math.max(...rows.map(({ name }) => name.length))
  const line = (name, ...cells) => `${name.padEnd(width)}${cells.map((cell) => String(cell).padStart(9)).join('')}`
  console.log(`\n${line('', 'passed', 'failed', 'skipped', 'seconds')}  WebGPU`)
  for (const { name, missing, passed, failed, skipped, seconds, gpu } of rows) {
    if (missing) console.log(`${name.padEnd(width)}  all skipped: ${missing}`)
    else console.log(`${line(name, passed, failed, skipped, seconds.toFixed(0))}  ${gpu}`)
  }
  const incomplete = complete && rows.some(({ missing, skipped }) => missing || skipped > 0)
  if (incomplete) console.log('tests were skipped, and here every one must run')
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
  return sum('failed') > 0 || incomplete ? 1 : 0
}
