import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { root, runChild, totalsOf } from './child.mjs'
import { chromium } from './chromium.mjs'
import { deno, newest, node, oldest } from './processes.mjs'

const runtimes = { node, deno, chromium, oldest, newest }
/** Tested where all is to be complete, or they are named. So is what stands in `package/`. */
const more = ['oldest', 'newest']
const checks = ['lint', 'typecheck']
/** How many hosts of a runtime run test files: each keeps less than a core busy, since some tests wait. */
const hostsOf = { node: availableParallelism() }
/** What runs after another runtime: all at once would take longer for each test, and some of them know a longest time. */
const after = { oldest: 'chromium', newest: 'deno' }
/** What no device decides: JavaScript is the same everywhere, so that Node runs it once. */
const PLAIN = [
  'arguments',
  'compare/',
  'errors',
  'every-function',
  'examples/linear-algebra',
  'program/allocation',
  'program/plan',
  'rmaat/macro-model',
  'rmaat/retention',
  'tasks/',
]
/** Formulas over kernels that other files hold one by one: all runtimes have one engine (V8), so that Node runs these. */
const FORMULAS = [
  'autograd/',
  'baselines/',
  'nn/',
  'optim/',
  'rmaat/attention',
  'rmaat/causal',
  'rmaat/memory-plan',
  'rmaat/model',
  'rmaat/positions',
  'rmaat/replay',
  'rmaat/towers',
]
/** Kernels that Chromium runs as Node does, by the same engine and the same WebGPU (Dawn). Deno has another one (wgpu). */
const KERNELS = [
  'backends/matmul',
  'backends/wasm-lanes',
  'backends/wasm-steps',
  'backends/webgpu-',
  'ops/',
  'program/conformance',
  'program/fused',
]
/** What Node alone runs, of what others could. */
const IN_NODE = { deno: [...PLAIN, ...FORMULAS], chromium: [...PLAIN, ...FORMULAS, ...KERNELS] }
/** What takes longest, which is begun first. */
const LONG = [
  'program/conformance',
  'autograd/loop',
  'rmaat/',
  'program/plan',
  'ops/operations',
  'backends/',
  'cli/',
  'demo/page',
  'examples/gallery',
]
/** How many of the slowest files the end tells. */
const SLOWEST = 8
/** How what uvu says at last begins. */
const TOTALS = '\n  Total: '

/** What the arguments ask for: what runs where, and what must be installed for it; a text where they make no sense. */
export function wanted(args) {
  const flags = args.filter((arg) => arg.startsWith('--'))
  const unknown = flags.find((flag) => flag !== '--complete' && flag !== '--checks')
  if (unknown) return `expected --checks or --complete, found ${unknown}`
  const [complete, checked] = ['--complete', '--checks'].map((flag) => flags.includes(flag))
  const named = args.filter((arg) => arg in runtimes)
  const [pattern = '', ...rest] = args.filter((arg) => !flags.includes(arg) && !(arg in runtimes))
  if (rest.length > 0) return `expected one pattern, found also ${rest.join(' ')}`
  const files = testFiles(pattern)
  if (typeof files === 'string') return files
  if (files.length === 0) return `no test file matches ${pattern}`
  const parts = Object.entries(runtimes).flatMap(([key, open]) => {
    const asked = named.length > 0 ? named.includes(key) : complete || !more.includes(key)
    const own = files.filter(
      (name) => runsIn(key, name) && (complete || pattern !== '' || !name.startsWith('package/')),
    )
    return own.length > 0 && asked ? [{ key, open, files: own }] : []
  })
  const isPackage = parts.some(
    ({ key, files }) => more.includes(key) || files.some((name) => name.startsWith('package/')),
  )
  return { parts, complete, checked, installs: isPackage ? ['package'] : [] }
}

/** Runs what is wanted; yields the exit status. */
export async function main({ parts, complete, checked }) {
  const checking = Promise.all(checked ? checks.map(check) : [])
  const running = {}
  for (const part of parts) {
    const { key } = part
    running[key] = Promise.resolve(running[after[key]]).then(() => runIn(part))
  }
  const rows = await Promise.all(Object.values(running))
  const unchecked = (await checking).filter(Boolean)
  return summary(rows, complete, unchecked)
}

/** What a file needs of Node stands in its name. Another version of it may change what reads and writes files, and the command. */
function runsIn(key, name) {
  if (key === 'node') return true
  if (key === 'oldest' || key === 'newest') return /^(cli|runtime|tasks|train)\/.*\.node\./.test(name)
  return !name.includes('.node.') && !IN_NODE[key].some((start) => name.startsWith(start))
}

/** Paths within test/, in the order in which they are begun; a text where the pattern is none. */
const testFiles = (text) => {
  let pattern
  try {
    pattern = new RegExp(text, 'i')
  } catch ({ message }) {
    return `expected a pattern of file names: ${message}`
  }
  const place = (name) => LONG.findIndex((start) => name.startsWith(start)) >>> 0
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => !name.includes('node_modules/') && name.endsWith('.test.ts') && pattern.test(name))
    .sort((a, b) => place(a) - place(b) || a.localeCompare(b))
}

/** Runs a script of the package; yields its name where it finds something. */
async function check(name) {
  let said = '' // Biome says on stderr what it finds
  const write = (text) => {
    said += text
  }
  const { end } = await runChild('npm', ['run', '-s', name], { write })
  if (!end) return undefined
  console.log(`${said}\n${name} ${end}`)
  return name
}

/** What the table says of a runtime's GPU. */
const gpuOf = ({ found, text, software }) => (found ? `${text}${software ? ' (software)' : ''}` : 'none')

/** Runs a runtime's files in so many hosts, each of which takes the next file that is left. */
async function runIn({ key, open, files }) {
  const runtime = await open()
  const { name, missing, adapter, start, close } = runtime
  const row = { ...runtime, passed: 0, failed: 0, skipped: 0, slowest: [], failures: [] }
  if (missing) {
    console.log(`${name}: not run: ${missing}`)
    return row
  }
  console.log(`${name}: WebGPU: ${adapter.found ? gpuOf(adapter) : `none, what needs it is skipped: ${adapter.text}`}`)
  // those of the package build it in its folder: one host has them all, one after another
  const isPackage = (name) => name.startsWith('package/')
  const ofOne = files.filter(isPackage)
  const left = files.filter((name) => !isPackage(name))
  const work = async (_, at) => {
    let host
    const closed = async () => {
      const end = await host?.close()
      host = undefined
      if (end && row.failed === 0) fail(row, `${name}: after its last test it ${end}`)
    }
    for (let file = next(at); file; file = next(at)) {
      const begin = performance.now()
      host ??= await start(files)
      const { output, end } = await host.run(file)
      const seconds = (performance.now() - begin) / 1000
      tell({ row, file, output, end, seconds })
      // another one runs what is left
      if (end) host = undefined
      else if (runtime.once) await closed()
    }
    await closed()
  }
  const next = (at) => (at === 0 ? ofOne.shift() : undefined) ?? left.shift()
  await Promise.all(Array.from({ length: Math.min(hostsOf[key] ?? 1, files.length) }, work))
  await close?.()
  return row
}

/** Adds a file to its runtime's row, and says how it went; what failed is said once more at the end, where one looks. */
function tell({ row, file, output, end, seconds }) {
  const totals = totalsOf(output) ?? { passed: 0, failed: 0, skipped: 0 }
  const { passed, failed, skipped } = totals
  const broken = end ?? (passed + failed + skipped === 0 ? 'held no test' : undefined)
  for (const key of ['passed', 'skipped']) row[key] += totals[key]
  row.slowest.push({ file, seconds })
  if (!broken && failed === 0) {
    const more = skipped > 0 ? `, ${skipped} skipped` : ''
    console.log(`${file} in ${row.name}: ${passed} passed${more}, ${seconds.toFixed(1)} s`)
    return
  }
  // without uvu's totals, which the table has
  const said = output.slice(0, output.includes(TOTALS) ? output.lastIndexOf(TOTALS) : undefined).trim()
  fail(row, `${file} in ${row.name}: ${broken ? `${broken}\n` : ''}${said}`, Math.max(failed, 1))
}

function fail(row, text, count = 1) {
  row.failed += count
  row.failures.push(text)
  console.log(text)
}

function summary(rows, complete, unchecked) {
  const width = Math.max(...rows.map(({ name }) => name.length))
  const line = (name, ...cells) => `${name.padEnd(width)}${cells.map((cell) => String(cell).padStart(9)).join('')}`
  const seconds = ({ slowest }) => slowest.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(0)
  const slowest = rows.flatMap(({ name, slowest }) => slowest.map((one) => ({ ...one, name })))
  console.log('\nslowest, in seconds:')
  for (const { name, file, seconds } of slowest.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST))
    console.log(`${seconds.toFixed(0).padStart(5)}  ${file} in ${name}`)
  console.log(`\n${line('', 'passed', 'failed', 'skipped', 'seconds')}  WebGPU`)
  for (const row of rows) {
    const { name, missing, adapter, passed, failed, skipped } = row
    if (missing) console.log(`${name.padEnd(width)}  all skipped: ${missing}`)
    else console.log(`${line(name, passed, failed, skipped, seconds(row))}  ${gpuOf(adapter)}`)
  }
  for (const text of rows.flatMap(({ failures }) => failures)) console.log(`\n${text}\n`)
  const incomplete = complete && rows.some(({ missing, skipped }) => missing || skipped > 0)
  if (incomplete) console.log('tests were skipped, and here every one must run')
  if (unchecked.length > 0) console.log(`not as it must be: ${unchecked.join(', ')}`)
  const [passed, failed] = ['passed', 'failed'].map((key) => rows.reduce((sum, row) => sum + row[key], 0))
  console.log(`${passed} passed, ${failed} failed`)
  return failed > 0 || incomplete || unchecked.length > 0 ? 1 : 0
}
