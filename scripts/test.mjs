// Runs the tests in Node, Deno and Chromium:
//   node scripts/test.mjs [node] [deno] [chromium] [pattern of file names] [--complete]
// All runtimes and all files where none are named. --complete: a skipped test is a failure.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

execFileSync(process.execPath, [fileURLToPath(new URL('setup.mjs', import.meta.url)), 'tests'], { stdio: 'inherit' })
const { main } = await import('../test/runtimes/main.mjs')
process.exitCode = await main(process.argv.slice(2))
