// Runs test files in Node or Deno, one after another: their names come on stdin, a line each, and `END` follows what each says.
import { END } from './child.mjs'

process.env.FORCE_COLOR = '1'
globalThis.UVU_DEFER = 1
globalThis.UVU_QUEUE = []
const { exec } = await import('uvu')

let before = Promise.resolve()
process.stdin.setEncoding('utf8').on('data', (names) => {
  for (const name of names.split('\n').filter(Boolean)) before = before.then(() => run(name))
})

async function run(name) {
  globalThis.UVU_QUEUE.splice(0, Number.POSITIVE_INFINITY, [null])
  try {
    await import(`../${name}`)
    await exec()
  } catch (error) {
    process.stdout.write(`${error?.stack ?? error}\n`)
    process.exitCode = 1
  }
  process.stdout.write(END)
}
