// Runs the tests in Node, Deno and Chromium:
//   node scripts/test.mjs [node] [deno] [chromium] [oldest] [newest] [pattern of file names] [--checks] [--complete]
// The first three runtimes and all files but those of the package, where none are named. --checks: lint and types besides.
// --complete: all of them, and a skipped test is a failure.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { main, wanted } from '../test/runtimes/main.mjs'

const plan = wanted(process.argv.slice(2))
if (typeof plan === 'string') {
  console.error(plan)
  process.exit(2)
}
const setup = fileURLToPath(new URL('setup.mjs', import.meta.url))
const { status } = spawnSync(process.execPath, [setup, 'tests', ...plan.installs], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
process.exitCode = await main(plan)
