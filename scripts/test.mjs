// Runs the tests in Node, Deno and Chromium:
//   node scripts/test.mjs [node] [deno] [chromium] [oldest] [newest] [pattern of file names] [--complete]
// The first three runtimes and all files but those of the package, where none are named. --complete: all of them, and a
// skipped test is a failure.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const setup = fileURLToPath(new URL('setup.mjs', import.meta.url))
const { status } = spawnSync(process.execPath, [setup, 'tests'], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
const { main } = await import('../test/runtimes/main.mjs')
process.exitCode = await main(process.argv.slice(2))
