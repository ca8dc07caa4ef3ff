import { deno, node } from './processes.mjs'

const runtimes = { node, deno }
/** Files whose name says that they need Node run there alone. */
const everyFile = (pattern) => `^(?=.*(?:${pattern})).*\\.test\\.ts$`
const portable = (pattern) => `^(?=.*(?:${pattern}))(?!.*\\.node\\.test).*\\.test\\.ts$`

export async function main(args) {
  const complete = args.includes('--complete')
  const named = args.filter((arg) => arg in runtimes)
  const [pattern = '', ...rest] = args.filter((arg) => arg !== '--complete' && !(arg in runtimes))
  if (rest.length > 0) {
    console.error(`expected one pattern, found also ${rest.join(' ')}`)
    return 2
  }
  const rows = []
  for (const key of named.length > 0 ? named : ['node']) {
    const write = (text) => process.stdout.write(text)
    const run = runTests(runtimes[key], key === 'node' ? everyFile(pattern) : portable(pattern), write)
    rows.push(await run)
  }
  return summary(rows, complete)
}

async function runTests(open, pattern, write) {
  const start = performance.now()
  const { name, missing, adapter, run } = await open()
  if (missing) {
    write(`\n── ${name}: not run: ${missing}\n`)
    return { name, missing, passed: 0, failed: 0, skipped: 0, seconds: 0, gpu: '' }
  }
  const gpu = adapter.found ? `${adapter.text}${adapter.software ? ' (software)' : ''}` : 'none'
  write(`\n── ${name} · WebGPU: ${adapter.found ? gpu : `none, its tests are skipped: ${adapter.text}`}\n\n`)
  const { totals = { passed: 0, failed: 0, skipped: 0 }, end } = await run(pattern, write)
  const broken = (end || totals.passed === 0) && totals.failed === 0
  if (broken) write(`\n${name}: the run ${end ?? 'held no test'}\n`)
  const seconds = (performance.now() - start) / 1000
  return { name, ...totals, failed: broken ? 1 : totals.failed, seconds, gpu }
}

function summary(rows, complete) {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  const width = Math.max(...rows.map(({ name }) => name.length))
  const line = (name, ...cells) => `${name.padEnd(width)}${cells.map((cell) => String(cell).padStart(9)).join('')}`
  console.log(line('', 'passed', 'failed', 'skipped', 'seconds') + '  WebGPU')
  for (const { name, missing, passed, failed, skipped, seconds, gpu } of rows) {
    if (missing) console.log(`${name.padEnd(width)}   all skipped: ${missing}`)
    else console.log(line(name, passed, failed, skipped, seconds.toFixed(0)) + `  ${gpu}`)
  }
  const incomplete = complete && rows.some(({ missing, skipped }) => missing || skipped > 0)
  if (incomplete) console.log('tests were skipped, and here every one must run')
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
  return sum('failed') > 0 || incomplete ? 1 : 0
}
